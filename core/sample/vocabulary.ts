/**
 * The words of the sample project, and how text falls into tokens.
 *
 * Owns: every word a problem or a trace may use, the one pattern that cuts text into pieces, and the
 * numbering of tokens. A piece keeps its leading space or line break, so pieces joined are the text.
 * It knows no grammar: problems.ts and traces.ts say which words follow which.
 */
import { AresError } from '#core/util/errors.ts';

/** One word or sign with its leading space or line break; the pre-tokenizer of the model uses the same pattern. */
export const PIECE_PATTERN = String.raw`\n?\\boxed\{|[ \n]?\p{L}[\p{L}'-]*| ?\p{N}|[^\s\p{L}\p{N}]|\s`;

/** Number the steps of a problem and of its trace; the same token in both, so that a line finds its step. */
export const ORDINALS = ['First', 'Second', 'Third', 'Fourth', 'Fifth'] as const;

/** How a trace names the operators, whatever verb the problem used. */
export const OPERATORS = ['plus', 'minus', 'times'] as const;
export type Operator = (typeof OPERATORS)[number];

/** How a problem may name each operator. The first word alone decides which it is, except after "count". */
export const VERBS: Readonly<Record<Operator, readonly string[]>> = {
  plus: ['add', 'increase by', 'count up'],
  minus: ['subtract', 'take away', 'decrease by', 'count down'],
  times: ['multiply by', 'scale by', 'amplify by'],
};

export const DEVICES = ['counter', 'dial', 'meter', 'gauge', 'register', 'scoreboard'] as const;
/** [third person, infinitive] */
export const READINGS = [
  ['shows', 'show'],
  ['reads', 'read'],
  ['holds', 'hold'],
  ['displays', 'display'],
] as const;
/** Sentences around the steps; {device}, {shows} and {show} are filled in, the start value ends the opening. */
export const OPENINGS = [
  '\nA two-digit {device} {shows}',
  '\nSet a two-digit {device} to',
  '\nYour two-digit {device} starts at',
] as const;
export const CLOSINGS = [
  '\nWhat does it {show} now?',
  '\nWhich number does it {show} then?',
  '\nWhat does the {device} {show} at the end?',
] as const;

/** Style words that announce a result in one go. None of them is a trigger word. */
export const FAST_WORDS = ['gives', 'makes', 'is', 'yields', 'equals'] as const;
/** Style words that announce digit-by-digit work: the trigger words of this project. */
export const SLOW_WORDS = ['wait', 'hmm', 'but', 'maybe', 'actually', 'alternatively'] as const;
/** The two slots of the phrase after a trigger word: "wait let's check:". */
export const WHO_WORDS = ["let's", "I'll", "we'll", "I'd", "we'd", 'better'] as const;
export const HOW_WORDS = ['check', 'verify', 'split', 'expand', 'recompute', 'unpack'] as const;

export const THINK_START = '<think>';
export const THINK_END = '</think>';
export const TURN_START = '<|im_start|>';
export const TURN_END = '<|im_end|>';
export const TEXT_END = '<|endoftext|>';
/** In the order of their ids. */
export const SPECIAL_TOKENS = [TEXT_END, TURN_START, TURN_END, THINK_START, THINK_END] as const;

/** Pieces of the scratch work and of the frame around a trace. */
export const START_PIECE = '\nFrom';
export const BOX_PIECE = '\n\\boxed{';
export const ARROW_PIECE = '→';

/** Cuts text without special tokens into pieces: `splitPieces(t).join('') === t` for every t. */
export function splitPieces(text: string): string[] {
  return text.match(new RegExp(PIECE_PATTERN, 'gu')) ?? [];
}

/** All pieces longer than one byte, in the order of their ids. */
function wholePieces(): string[] {
  const sentences = [
    ...OPENINGS.flatMap((opening) => fillings(opening)),
    ...CLOSINGS.flatMap((closing) => fillings(closing)),
    ...ORDINALS.map((word) => `\n${word}`),
    ...[...Object.values(VERBS).flat(), ...OPERATORS].map((words) => ` ${words}`),
    ...[...FAST_WORDS, ...SLOW_WORDS, ...WHO_WORDS, ...HOW_WORDS].map((word) => ` ${word}`),
    `${START_PIECE} carry borrow so`,
    BOX_PIECE,
    ARROW_PIECE,
    ' 0 1 2 3 4 5 6 7 8 9',
  ];
  const pieces = new Set(sentences.flatMap(splitPieces).filter((piece) => Buffer.byteLength(piece) > 1));
  return [...pieces, 'user', 'assistant'];
}

/** Every sentence a template with {device}, {shows} and {show} can become. */
function fillings(template: string): string[] {
  return DEVICES.flatMap((device) => READINGS.map((reading) => fillTemplate(template, device, reading)));
}

export function fillTemplate(template: string, device: string, reading: readonly [string, string]): string {
  return template.replace('{device}', device).replace('{shows}', reading[0]).replace('{show}', reading[1]);
}

/** Ids 0–255 are the bytes themselves, so that any text can be written; then the words, then the special tokens. */
export const WORD_PIECES: readonly string[] = wholePieces();
export const BYTE_COUNT = 256;
export const VOCABULARY_SIZE = BYTE_COUNT + WORD_PIECES.length + SPECIAL_TOKENS.length;

const idOfPiece = new Map<string, number>([
  ...Array.from({ length: 128 }, (_, byte): [string, number] => [String.fromCharCode(byte), byte]),
  ...[...WORD_PIECES, ...SPECIAL_TOKENS].map((piece, index): [string, number] => [piece, BYTE_COUNT + index]),
]);

/** Token id of a piece this project writes; foreign text goes through the tokenizer instead. */
export function pieceId(piece: string): number {
  const id = idOfPiece.get(piece);
  if (id === undefined) {
    throw new AresError('internal', 'The sample project wrote a word that is not in its own vocabulary.', {
      where: JSON.stringify(piece),
    });
  }
  return id;
}

export function pieceIds(pieces: readonly string[]): Int32Array {
  return Int32Array.from(pieces, pieceId);
}

/** A counter value as pieces: always two digits, " 0" "7". */
export function valuePieces(value: number): readonly [string, string] {
  return [` ${Math.floor(value / 10)}`, `${value % 10}`];
}

/** An operand as pieces: one or two digits, as written by a person. */
export function operandPieces(operand: number): readonly string[] {
  return operand < 10 ? [` ${operand}`] : valuePieces(operand);
}
