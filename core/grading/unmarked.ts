/**
 * Answers that nothing marks as answers.
 *
 * Owns: what is taken for the answer of a response without a box or a phrase: the letter of a choice, the last
 * formula, the last number. What may be taken depends on the gold ("style"), never on its value.
 */
import { type AnswerStyle, choiceLetter, readAnswer } from './answer.ts';

/** Only the end of a long response is searched for formulas and numbers. */
const TAIL_LENGTH = 4_000;
/** A longer line is prose; a longer number is none. */
const MAX_LINE_LENGTH = 200;
const MAX_NUMBER_LENGTH = 100;

export interface Unmarked {
  answer: string;
  how: 'choice' | 'last-math' | 'last-number' | 'last-line';
}

/** The answer of a text that marks none; null where the style allows nothing that the text offers. */
export function unmarkedAnswer(text: string, style: AnswerStyle): Unmarked | null {
  if (style === 'choice') {
    const letter = lastChoice(text);
    return letter === null ? null : { answer: letter, how: 'choice' };
  }
  const line = lastLine(text);
  const isBareLine = line !== null && !hasProse(line) && readAnswer(line)?.formula != null;
  if (isBareLine && !/[$]|\\[([]/.test(line)) return { answer: line, how: 'last-line' };
  const tail = text.slice(-TAIL_LENGTH);
  const math = lastMath(tail);
  const number = style === 'numeric' ? lastNumber(tail) : null;
  if (number !== null && (math === null || number.start >= math.end)) {
    return { answer: number.text, how: 'last-number' };
  }
  if (math !== null && (style !== 'numeric' || !/\d/.test(tail.slice(math.end)))) {
    return { answer: math.text, how: 'last-math' };
  }
  if (isBareLine) return { answer: line, how: 'last-line' };
  // A response that is nothing but a few words.
  const isWords = style === 'words' && line !== null && line === text.trim();
  return isWords && readAnswer(line)?.words != null ? { answer: line, how: 'last-line' } : null;
}

interface Segment {
  text: string;
  start: number;
  end: number;
}

/** Formulas set off from a text by $…$, $$…$$, \(…\) or \[…\]. Dollars that are money pair up with nothing. */
export function mathSegments(text: string): Segment[] {
  const delimited =
    /\$\$([^$]{1,1000})\$\$|(?<!\\)\$((?:\\\$|[^$\n]){1,1000})(?<!\\)\$|\\\(((?:(?!\\\)).){1,1000})\\\)|\\\[([^]{1,1000}?)\\\]/g;
  const found: Segment[] = [];
  for (const match of text.matchAll(delimited)) {
    const content = (match[1] ?? match[2] ?? match[3] ?? match[4]!).trim();
    if (content !== '') found.push({ text: content, start: match.index, end: match.index + match[0].length });
  }
  return found;
}

/** The last formula that can be read, when it is not followed by many more words. */
function lastMath(text: string): Segment | null {
  return mathSegments(text).findLast((segment) => !/[A-Za-z]{3,} [A-Za-z]{3,}/.test(segment.text)) ?? null;
}

function lastLine(text: string): string | null {
  const line = text.trimEnd().split('\n').at(-1)!.trim();
  return line === '' || line.length > MAX_LINE_LENGTH ? null : line;
}

/** Whether a line has words in it that are no commands, functions or units: such a line is no formula alone. */
function hasProse(line: string): boolean {
  const rest = line.replace(/\\[A-Za-z]+/g, ' ').replace(/\b(?:sin|cos|tan|ln|log|sqrt|pi|and|or|inf)\b/gi, ' ');
  return /[A-Za-z]{2,}/.test(rest.replace(/(?<=\d\s?)[A-Za-z]{1,3}(?:\^\d)?\.?$/, ''));
}

/**
 * The last number of a text. Null when the last digit is part of something else: of "\frac{14}{3}", "3-5" or "x^2"
 * no digit alone is the answer.
 */
export function lastNumber(text: string): Segment | null {
  const number =
    /-?\$?(?:(?:\d+ )?\d+\/\d+|(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+,\d{1,2}(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:\s?\\?%)?/g;
  let last: RegExpExecArray | null = null;
  for (let match = number.exec(text); match !== null; match = number.exec(text)) last = match;
  if (last === null || last[0].length > MAX_NUMBER_LENGTH) return null;
  const before = text.slice(Math.max(0, last.index - 2), last.index);
  const after = text.slice(last.index + last[0].length, last.index + last[0].length + 2);
  const isPart =
    /[\p{Script=Latin}\p{Script=Greek}\d_^{\\]$/u.test(before) ||
    /[\p{Script=Latin}\p{Script=Greek}\d)}][-–+*/:×·]$/u.test(before) ||
    /^(?:[\^_\\{/]|[-–:]\d|\.\d)/.test(after);
  if (isPart && !/\\[[(]$/.test(before)) return null;
  return { text: last[0].replace('$', ''), start: last.index, end: last.index + last[0].length };
}

/** The last letter of a multiple choice: "(B)", "B)", "**B**" or "option B"; or a text that is nothing but one. */
export function lastChoice(text: string): string | null {
  const whole = choiceLetter(text.trim());
  if (whole !== null) return whole;
  const option =
    /\(([A-J])\)|(?<![\w']|\b(?:or|nor|not) )([A-J])(?:\)|\.(?=\s|$))|\*\*([A-J])\*\*|\b(?:[Oo]ption|[Cc]hoice|[Aa]nswer|it'?s|it is)(?: is)?:? \(?([B-HJ]\b|[AI]\b(?! [a-z]))/g;
  let found: string | null = null;
  for (const match of text.replaceAll('。', '. ').matchAll(option)) {
    found = match.slice(1).find((letter) => letter !== undefined)!;
  }
  return found;
}
