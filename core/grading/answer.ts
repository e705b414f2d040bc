/**
 * One answer, read in every way it can be compared.
 *
 * Owns: which readings an answer has (a formula, a letter of a multiple choice, words) and when it has
 * none. How readings are compared is equivalence.ts.
 */
import { comparableWords, toLatexCharacters, withoutTypesetting } from './characters.ts';
import { evaluate } from './evaluate.ts';
import { isReal } from './exact.ts';
import { asExpression } from './forms.ts';
import type { Node } from './nodes.ts';
import { parseFormula } from './parse.ts';
import { MAX_ANSWER_LENGTH, type Token } from './tokens.ts';

export interface Answer {
  /** The formula; null when the answer is none. */
  formula: Node | null;
  /** Letter of a multiple choice when the answer is nothing but that letter: B, (B), \text{(B)}. */
  choice: string | null;
  /** Letter with which the answer begins, as in "B) 12 cm". */
  leadingChoice: string | null;
  /** Words in comparable form when the answer reads as words; null when it does not. */
  words: string | null;
  /** The number that "1,22" is where the comma is the decimal sign; null when the answer is written otherwise. */
  decimalComma: Node | null;
  /** Spelling without spaces and typesetting: two answers spelt alike are the same whatever they mean. */
  spelling: string;
}

/** Longer texts are prose: agreeing word by word with prose is no way to be right. */
const MAX_WORDS = 20;

/** Reads an answer. `null` when there is none, or too much of it. */
export function readAnswer(raw: string): Answer | null {
  const text = withoutLabel(raw.slice(0, MAX_ANSWER_LENGTH + 1).trim());
  if (text === '' || text.length > MAX_ANSWER_LENGTH) return null;
  const choice = choiceLetter(text);
  const clock = clockTime(text);
  const words = clock ?? readWords(text);
  const parsed = parseFormula(text);
  const isText = clock !== null || (words !== null && isProse(parsed.tokens, words));
  const formula = isText ? null : (parsed.node ?? lastMember(text));
  return {
    formula,
    choice,
    leadingChoice: choice ?? leadingChoiceLetter(text),
    words: formula === null ? words : null,
    decimalComma: decimalComma(text),
    spelling: formula === null ? (words ?? literalSpelling(text)) : parsed.tokens.map(spell).join(' '),
  };
}

/** Whether an answer has a reading, so that others can be compared with it and not only its spelling. */
export function isReadable(answer: Answer): boolean {
  return answer.formula !== null || answer.choice !== null || answer.words !== null;
}

/** Words that only announce the answer inside a box: "the answer is 5", "Answer: 5". */
function withoutLabel(text: string): string {
  return text.replace(
    /^(?:\\(?:text|textbf|mathrm)\s*\{)?(?:the |final |so |thus |hence |therefore,? )*answer(?: is)?\s*[:=]?\s*\}?\s*(?=\S)/i,
    '',
  );
}

/** In "P(at least two) = 1/2" the left side only says what is asked for, in whatever notation. */
function lastMember(text: string): Node | null {
  const parts = text.split(/(?<![<>!:=])=(?!=)/);
  return parts.length === 2 && !/[,;]/.test(text) && parts[0]!.trim() !== '' ? parseFormula(parts[1]!).node : null;
}

/** A time of day with "am" or "pm", as "3:30 pm"; null for other texts. */
function clockTime(text: string): string | null {
  const match = /^0?(\d{1,2})(?::([0-5]\d))?\s*([ap])\.?\s*m\.?$/i.exec(withoutTypesetting(text));
  return match === null ? null : `${match[1]}:${match[2] ?? '00'} ${match[3]!.toLowerCase()}m`;
}

function decimalComma(text: string): Node | null {
  const match = /^([-+]?\d+),(\d+)$/.exec(withoutTypesetting(text).replaceAll(' ', ''));
  // "14,000" is fourteen thousand everywhere this grader is used; "0,111" can only be a decimal.
  if (match === null || (match[2]!.length === 3 && !/^[-+]?0$/.test(match[1]!))) return null;
  return parseFormula(`${match[1]}.${match[2]}`).node;
}

/**
 * A text that has no reading, without typesetting and without spaces that separate nothing. The mark in front keeps
 * it apart from the spellings of formulas.
 */
function literalSpelling(text: string): string {
  const literal = toLatexCharacters(text)
    .replace(/\\(?:left|right|displaystyle)(?![A-Za-z])|\\[,;:! ]|[$\s]/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/(?<![A-Za-z\d]) | (?![A-Za-z\d])/g, '')
    .replace(/\\[dt]frac/g, '\\frac')
    .replace(/\{([A-Za-z\d])\}/g, '$1');
  return `literal: ${literal}`;
}

function spell(token: Token): string {
  return token.kind === 'number' && token.repeating !== '' ? `${token.text}(${token.repeating})` : token.text;
}

/** The letter when the text is nothing but a choice, with or without brackets; upper case. */
export function choiceLetter(text: string): string | null {
  const match = /^\(?\s*([A-J])\s*\)?[.:]?$/.exec(withoutTypesetting(text));
  return match?.[1] ?? null;
}

/** The letter that a text begins with as the label of a choice: "(B) 12", "B. 12", "option B", "C Cecile". */
export function leadingChoiceLetter(text: string): string | null {
  const plain = withoutTypesetting(text);
  const match =
    /^(?:\(\s*([A-Ja-j])\s*\)|([A-Ja-j])\s*[).:]|(?:[Oo]ption|[Cc]hoice)\s+\(?([A-Ja-j])\b|([A-HJ])\s+(?=\p{Lu}\p{Ll}))/u.exec(
      plain,
    );
  return (
    match
      ?.slice(1)
      .find((letter) => letter !== undefined)
      ?.toUpperCase() ?? null
  );
}

/** The comparable words of a text that is written like words: no operators, no commands but typesetting. */
function readWords(text: string): string | null {
  const plain = withoutTypesetting(text);
  if (!/\p{L}/u.test(plain) || /[\\^_=<>+*/|&%#@[\]]/.test(plain)) return null;
  const words = comparableWords(text);
  return words.split(' ').length <= MAX_WORDS ? words : null;
}

function isLetters(token: Token): boolean {
  return token.kind === 'word' || (token.kind === 'symbol' && token.text.length === 1);
}

/**
 * Whether a text is words although it could be read as a product of letters: in "dog" the order of
 * the letters matters.
 */
function isProse(tokens: readonly Token[], words: string): boolean {
  return tokens.every(isLetters) && /\p{L}{2}/u.test(words);
}

/** How a response must be searched for something comparable with an answer. */
export type AnswerStyle = 'numeric' | 'choice' | 'words' | 'other';

/** 'choice' for a letter; 'numeric' for a plain number, for which the last number of a response may stand. */
export function styleOf(answer: Answer): AnswerStyle {
  if (answer.choice !== null || isLabelledChoice(answer)) return 'choice';
  if (answer.words !== null) return 'words';
  let node = answer.formula;
  if (node !== null) node = asExpression(node);
  while (node?.kind === 'quantity') node = node.value;
  if (node?.kind === 'operation' && node.name === 'degree') node = node.operands[0]!;
  if (node === null || node.kind === 'based') return 'other';
  const value = evaluate(asExpression(node), new Map()).exact;
  return value !== null && isReal(value) ? 'numeric' : 'other';
}

/** "(B) Alina": the letter of a choice with its text. */
function isLabelledChoice(answer: Answer): boolean {
  return answer.leadingChoice !== null && answer.words !== null;
}
