/**
 * A second grader, plain and strict, to check the first against.
 *
 * Owns: grading by spelling: the last box, tag, "####" line or "answer is" of the response and the gold, brought
 * to one form, must be the same text or the same decimal number. It shares no code with the other rules, so that
 * both are not wrong for one reason; where the two disagree is worth a look (see audit.ts). It is never used to
 * train.
 */
import type { Verdict } from './verdict.ts';

export interface StrictGrade {
  verdict: Verdict;
  extracted: string | null;
}

/** Longer answers are compared as they are. */
const MAX_LENGTH = 2_000;

export function gradeStrictly(gold: string, response: string): StrictGrade {
  const wanted = canonical(marked(gold) ?? gold);
  if (wanted === '') return { verdict: 'ungradable', extracted: null };
  const conclusion = after(response, '</think>');
  const extracted = (conclusion === null ? null : marked(conclusion)) ?? marked(response);
  if (extracted === null) return { verdict: 'no_answer', extracted };
  const given = canonical(extracted);
  const same = given === wanted || (isNumber(given) && isNumber(wanted) && sameDecimal(given, wanted));
  return { verdict: same ? 'correct' : 'wrong', extracted };
}

/** The last answer that is marked as one; null when none is. */
function marked(text: string): string | null {
  const boxed = boxContent(text);
  if (boxed !== null) return boxed;
  const rest = after(text, '<answer>') ?? after(text, '####');
  if (rest !== null) return rest.split(/<\/answer>|\n/, 1)[0]!.trim();
  const lower = text.toLowerCase();
  const phrase = Math.max(lower.lastIndexOf('answer is'), lower.lastIndexOf('answer:'));
  if (phrase < 0) return null;
  const sentence = text.slice(phrase).replace(/^answer(?: is)?[:*\s]*/i, '');
  return sentence.split(/\n|\.\s|\.$/, 1)[0]!.trim();
}

function after(text: string, mark: string): string | null {
  const at = text.lastIndexOf(mark);
  return at < 0 ? null : text.slice(at + mark.length);
}

/** What stands between the braces of the last box. */
function boxContent(text: string): string | null {
  const start = text.lastIndexOf('\\boxed{');
  if (start < 0) return null;
  let depth = 0;
  for (let at = start + 6; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return text.slice(start + 7, at);
  }
  return null;
}

/** One spelling for texts that differ in typesetting only. */
function canonical(raw: string): string {
  if (raw.length > MAX_LENGTH) return raw;
  return raw
    .trim()
    .toLowerCase()
    .replace(/\\(?:left|right|displaystyle|!|,|;|:| )/g, '')
    .replace(/\\[dt]frac/g, '\\frac')
    .replace(/\\frac(\d)(\d)/g, '\\frac{$1}{$2}')
    .replace(/\\(?:text|textbf|mathrm|mbox)\{([^{}]*)\}/g, '$1')
    .replace(/\^\{?\\circ\}?|\\?[$%]/g, '')
    .replace(/^\(([a-j])\)$/, '$1')
    .replace(/(\d),(?=\d{3}(?!\d))/g, '$1')
    .replace(/\s+|\.$/g, '');
}

function isNumber(text: string): boolean {
  return /^[-+]?(?:\d+\.?\d*|\.\d+)$/.test(text);
}

/** The same digits, but for a sign +, leading zeros and zeros after the decimal point. */
function sameDecimal(a: string, b: string): boolean {
  const trimmed = (text: string): string => {
    const [whole = '', fraction = ''] = text.replace(/^[-+]/, '').split('.');
    const digits = `${whole.replace(/^0+/, '')}.${fraction.replace(/0+$/, '')}`;
    return text.startsWith('-') && digits !== '.' ? `-${digits}` : digits;
  };
  return trimmed(a) === trimmed(b);
}
