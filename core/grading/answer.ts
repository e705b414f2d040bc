/**
 * One answer, read in every way it can be compared.
 *
 * Owns: which readings an answer has (a formula, a letter of a multiple choice, words) and when it has
 * none. How readings are compared is equivalence.ts.
 */
import { comparableWords, withoutTypesetting } from './characters.ts';
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
  /** Spelling without spaces and typesetting: two answers spelt alike are the same whatever they mean. */
  spelling: string;
}

/** Longer texts are prose: agreeing word by word with prose is no way to be right. */
const MAX_WORDS = 20;

/** Reads an answer. `null` when it has no reading at all: empty, or notation that is not understood. */
export function readAnswer(raw: string): Answer | null {
  const text = raw.slice(0, MAX_ANSWER_LENGTH + 1).trim();
  if (text === '' || text.length > MAX_ANSWER_LENGTH) return null;
  const choice = choiceLetter(text);
  const words = readWords(text);
  const parsed = parseFormula(text);
  const formula = words !== null && isProse(parsed.tokens, words) ? null : parsed.node;
  if (formula === null && choice === null && words === null) return null;
  return {
    formula,
    choice,
    leadingChoice: choice ?? leadingChoiceLetter(text),
    words: formula === null ? words : null,
    spelling: formula === null ? comparableWords(text) : parsed.tokens.map(spell).join(' '),
  };
}

function spell(token: Token): string {
  return token.kind === 'number' && token.repeating !== '' ? `${token.text}(${token.repeating})` : token.text;
}

/** The letter when the text is nothing but a choice, with or without brackets; upper case. */
export function choiceLetter(text: string): string | null {
  const match = /^\(?\s*([A-J])\s*\)?[.:]?$/.exec(withoutTypesetting(text));
  return match?.[1] ?? null;
}

function leadingChoiceLetter(text: string): string | null {
  const plain = withoutTypesetting(text);
  const match = /^(?:\(\s*([A-Ja-j])\s*\)|([A-Ja-j])\s*[).:]|(?:option|choice)\s+\(?([A-Ja-j])\b)/i.exec(plain);
  const letter = match?.[1] ?? match?.[2] ?? match?.[3];
  return letter?.toUpperCase() ?? null;
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
export type AnswerStyle = 'numeric' | 'choice' | 'other';

/** 'choice' for a letter; 'numeric' for a plain number, for which the last number of a response may stand. */
export function styleOf(answer: Answer): AnswerStyle {
  if (answer.choice !== null) return 'choice';
  let node = answer.formula;
  while (node?.kind === 'quantity') node = node.value;
  if (node?.kind === 'operation' && node.name === 'degree') node = node.operands[0]!;
  if (node === null || node.kind === 'based') return 'other';
  const value = evaluate(asExpression(node), new Map()).exact;
  return value !== null && isReal(value) ? 'numeric' : 'other';
}
