/**
 * Where in a response the answer stands.
 *
 * Owns: finding it, by the conventions models follow: \boxed{…}, <answer>…</answer>, "#### 18", "the answer is …",
 * and for golds that allow it what unmarked.ts finds. It does not judge what it finds. Every search is one pass
 * over at most `MAX_RESPONSE_LENGTH` characters.
 */
import type { AnswerStyle } from './answer.ts';
import { lastBoxed } from './boxes.ts';
import { lastPhrase } from './phrases.ts';
import { type Unmarked, unmarkedAnswer } from './unmarked.ts';

export type ExtractionMethod = 'boxed' | 'tag' | 'hash' | 'final-phrase' | Unmarked['how'];

export interface Extraction {
  answer: string;
  how: ExtractionMethod;
}

/** Of a longer response only the end is searched: answers come last. */
export const MAX_RESPONSE_LENGTH = 65_536;

const THINK_END = '</think>';
const THINK_START = '<think>';
/** Special tokens that end a turn or begin the next: what a model wrote after one is no part of its response. */
const turnEnd = /<\|(?:im_end|endoftext|end_of_text|eot_id)\|>|<\|im_start\|>\s*(?:user|assistant|system|$)/;

/**
 * The answer a response gives, or null when it gives none.
 *
 * What follows `</think>` is preferred to what precedes it. `style` says which fall-backs the gold
 * allows; by default only formulas set as such. A response cut off while still thinking is never given a
 * fall-back answer.
 */
export function extractAnswer(response: string, options: { style?: AnswerStyle } = {}): Extraction | null {
  const text = firstTurn(response.slice(-MAX_RESPONSE_LENGTH));
  const style = options.style ?? 'other';
  const thinkEnd = text.lastIndexOf(THINK_END);
  // While thinking, answers are tried and dropped: only a box counts there.
  if (text.lastIndexOf(THINK_START) > thinkEnd) return boxedAnswer(text);
  const conclusion = thinkEnd < 0 ? text : text.slice(thinkEnd + THINK_END.length);
  const found = markedAnswer(conclusion, style) ?? unmarkedAnswer(conclusion, style);
  return found ?? (thinkEnd < 0 ? null : boxedAnswer(text.slice(0, thinkEnd)));
}

function firstTurn(text: string): string {
  const end = text.search(turnEnd);
  return end > 0 && text.slice(0, end).trim() !== '' ? text.slice(0, end) : text;
}

function boxedAnswer(text: string): Extraction | null {
  const boxed = lastBoxed(text);
  return boxed === null ? null : { answer: boxed.answer, how: 'boxed' };
}

/** An answer that is marked as one. */
export function markedAnswer(text: string, style: AnswerStyle): Extraction | null {
  const boxed = lastBoxed(text);
  if (boxed !== null) {
    // "Final answer: …" after the last box has the last word; a box on the way to it is a step.
    const stated = finalStatement(text.slice(boxed.end), style);
    return stated ?? { answer: boxed.answer, how: 'boxed' };
  }
  const tagged = lastTagged(text);
  if (tagged !== null) {
    const inside = lastHash(tagged) ?? lastPhrase(tagged, style)?.answer ?? tagged;
    return { answer: inside, how: 'tag' };
  }
  const hash = lastHash(text);
  if (hash !== null) return { answer: hash, how: 'hash' };
  const phrase = lastPhrase(text, style);
  return phrase === null ? null : { answer: phrase.answer, how: 'final-phrase' };
}

function finalStatement(text: string, style: AnswerStyle): Extraction | null {
  if (!/final answer/i.test(text)) return null;
  const phrase = lastPhrase(text, style);
  if (phrase === null || !phrase.isFinal || !/[\d\\$]/.test(phrase.answer)) return null;
  return { answer: phrase.answer, how: 'final-phrase' };
}

/** Content of the last <answer>…</answer>; a tag that is not closed reaches to the end. */
function lastTagged(text: string): string | null {
  const start = text.lastIndexOf('<answer>');
  if (start < 0) return null;
  const end = text.indexOf('</answer>', start);
  const content = text.slice(start + '<answer>'.length, end < 0 ? undefined : end).trim();
  return content === '' ? null : content;
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
