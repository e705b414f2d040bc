/**
 * Where in a response the answer stands.
 *
 * Owns: finding it, by the conventions models follow: \boxed{…}, "#### 18", "the answer is …", and for
 * golds that allow it a lone letter or the last number. It does not judge what it finds. Every search
 * is one pass over at most `MAX_RESPONSE_LENGTH` characters.
 */
import type { AnswerStyle } from './answer.ts';
import { choiceLetter } from './answer.ts';

export type ExtractionMethod = 'boxed' | 'hash' | 'final-phrase' | 'last-number' | 'choice';

export interface Extraction {
  answer: string;
  how: ExtractionMethod;
}

/** Of a longer response only the end is searched: answers come last. */
export const MAX_RESPONSE_LENGTH = 65_536;

/** A longer word is no number; the cap also keeps the pattern that reads it from backtracking far. */
const MAX_NUMBER_LENGTH = 100;

const THINK_END = '</think>';
const THINK_START = '<think>';

/**
 * The answer a response gives, or null when it gives none.
 *
 * What follows `</think>` is preferred to what precedes it. `style` says which fall-backs the gold
 * allows: 'numeric' the last number, 'choice' a letter; by default neither. A response cut off
 * while still thinking is never given a fall-back answer.
 */
export function extractAnswer(response: string, options: { style?: AnswerStyle } = {}): Extraction | null {
  const text = response.slice(-MAX_RESPONSE_LENGTH);
  const thinkEnd = text.lastIndexOf(THINK_END);
  // While thinking, answers are tried and dropped: only a box counts there.
  if (text.lastIndexOf(THINK_START) > thinkEnd) return boxedAnswer(text);
  const conclusion = thinkEnd < 0 ? text : text.slice(thinkEnd + THINK_END.length);
  const found = markedAnswer(conclusion) ?? unmarkedAnswer(conclusion, options.style ?? 'other');
  return found ?? (thinkEnd < 0 ? null : boxedAnswer(text.slice(0, thinkEnd)));
}

function boxedAnswer(text: string): Extraction | null {
  const boxed = lastBoxed(text);
  return boxed === null ? null : { answer: boxed, how: 'boxed' };
}

/** An answer that is marked as one. */
function markedAnswer(text: string): Extraction | null {
  const boxed = boxedAnswer(text);
  if (boxed !== null) return boxed;
  const hash = lastHash(text);
  if (hash !== null) return { answer: hash, how: 'hash' };
  const phrase = lastPhrase(text);
  return phrase === null ? null : { answer: phrase, how: 'final-phrase' };
}

function unmarkedAnswer(text: string, style: AnswerStyle): Extraction | null {
  if (style === 'choice') {
    const letter = lastChoice(text);
    return letter === null ? null : { answer: letter, how: 'choice' };
  }
  if (style !== 'numeric') return null;
  const number = lastNumber(text);
  return number === null ? null : { answer: number, how: 'last-number' };
}

/**
 * Content of the last \boxed{…} or \fbox{…} that is closed and not empty, with braces nested to any
 * depth; of nested boxes the outermost. Also \boxed 7, without braces.
 */
export function lastBoxed(text: string): string | null {
  const marker = /\\(?:boxed|fbox)\s*(\{|[^\s{}\\$.,])|\\[^A-Za-z]|[{}]/g;
  /** For every open brace, where the content of its box begins; −1 when it opens no box. */
  const open: number[] = [];
  let found: string | null = null;
  for (let match = marker.exec(text); match !== null; match = marker.exec(text)) {
    const [whole, first] = match;
    if (whole === '{') open.push(-1);
    else if (whole === '}') {
      const start = open.pop() ?? -1;
      const content = start < 0 ? '' : text.slice(start, match.index).trim();
      if (content !== '') found = content;
    } else if (first === '{') open.push(marker.lastIndex);
    else if (first !== undefined) {
      found =
        /^[-+\w.,/]*/.exec(text.slice(marker.lastIndex - 1, marker.lastIndex + 80))![0].replace(/[.,]$/, '') || first;
    }
  }
  return found;
}

/**
 * The rest of the line after the last "####" (the convention of GSM8K): a number, or anything on the
 * last line. Elsewhere "####" is a Markdown heading.
 */
export function lastHash(text: string): string | null {
  const start = text.lastIndexOf('####');
  if (start < 0) return null;
  const [line = '', ...rest] = text
    .slice(start + 4)
    .trim()
    .split('\n');
  const answer = line.trim();
  if (answer === '' || (rest.length > 0 && !/^[-+$\d.,/%\s]+$/.test(answer))) return null;
  return answer;
}

/** What follows the last "the answer is" or "Answer:", up to the end of the sentence. */
function lastPhrase(text: string): string | null {
  const phrase =
    /\banswer\b(?: to [^.\n:]{1,80}?)?(?:[*\s]{1,4}is\b|[*\s]{0,4}[:=])[*\s:]{0,4}(?:(?:therefore|thus|simply|just)\s)?/gi;
  let start = -1;
  for (let match = phrase.exec(text); match !== null; match = phrase.exec(text)) start = phrase.lastIndex;
  return start < 0 ? null : sentence(text.slice(start, start + 400));
}

/** The first sentence of a text, without Markdown emphasis: a full stop ends it unless digits follow. */
function sentence(text: string): string | null {
  const plain = text.replaceAll('**', '').trimStart();
  const end = plain.search(/\n|\.(?:\s|$)/);
  const found = (end < 0 ? plain : plain.slice(0, end)).trim();
  return found === '' ? null : found;
}

/**
 * The last number of a text. Null when the last word with a digit in it is no plain number: of
 * "\frac{14}{3}" or "3-5" no digit alone is the answer.
 */
function lastNumber(text: string): string | null {
  const word = text.split(/\s+/).findLast((part) => /\d/.test(part));
  if (word === undefined || word.length > MAX_NUMBER_LENGTH) return null;
  const match =
    /^(?:[A-Za-z]=)?[([*$\\=:"']*(-?\$?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:\.\d+)?(?:\/\d+)?)(?:\\?%|°|[A-Za-z]+)?[)\]*$\\.,;:!?"']*$/.exec(
      word,
    );
  const number = match?.[1]?.replace('$', '');
  return number !== undefined && /\d/.test(number) ? number : null;
}

/** The last letter of a multiple choice: "(B)", "B)" or "option B"; or a text that is nothing but a letter. */
function lastChoice(text: string): string | null {
  const whole = choiceLetter(text.trim());
  if (whole !== null) return whole;
  const option = /\(([A-J])\)|(?<![\w'])([A-J])(?:\)|\.(?=\s|$))|\b(?:option|choice|answer)(?: is)?:? ([A-J])\b/g;
  let found: string | null = null;
  for (let match = option.exec(text); match !== null; match = option.exec(text)) {
    found = match[1] ?? match[2] ?? match[3]!;
  }
  return found;
}
