/**
 * Problems of the sample project: a two-digit counter and a chain of steps, told in words.
 *
 * Owns: what a problem is, how hard it is, how it is drawn and how it reads. Difficulty is the number
 * of multiplications and nothing else: every grade has the same chain lengths, so a model cannot
 * tell from the length of the question how long it should think.
 */
import { AresError } from '#core/util/errors.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import {
  CLOSINGS,
  DEVICES,
  OPENINGS,
  OPERATORS,
  ORDINALS,
  READINGS,
  VERBS,
  fillTemplate,
  operandPieces,
  splitPieces,
  valuePieces,
} from './vocabulary.ts';
import type { Operator } from './vocabulary.ts';

export interface Operation {
  operator: Operator;
  /** 1..9 for plus and minus; coprime to 10, one or two digits, for times. */
  operand: number;
}

/** What has to be worked out, without its wording. */
export interface Chain {
  /** 10..99 */
  start: number;
  operations: readonly Operation[];
}

export const GRADES = ['easy', 'medium', 'hard'] as const;
export type Grade = (typeof GRADES)[number];

/** One line of a dataset file. */
export interface Problem {
  id: string;
  question: string;
  /** Two digits, as in the box. */
  answer: string;
  grade: Grade;
  /** Source in the sense of AdaCS: chains of one length. */
  source: string;
}

export interface ProblemOptions {
  seed: number;
  count: number;
  /** Start of every id; a running number follows. */
  idPrefix: string;
  /** Every pair of a grade and a chain length gets the same number of problems, give or take one. */
  grades: readonly Grade[];
  chainLengths: readonly number[];
  /** Chains (as chainKey) that must not be drawn. */
  reserved?: ReadonlySet<string>;
}

/** One step of a two-digit counter. */
export function applyOperation(value: number, { operator, operand }: Operation): number {
  if (operator === 'times') return (value * operand) % 100;
  return (value + (operator === 'plus' ? operand : 100 - operand)) % 100;
}

/** Final value, 0..99. */
export function solveChain(chain: Chain): number {
  return chain.operations.reduce(applyOperation, chain.start);
}

/** Identity of a problem's content, whatever its wording: "47 plus 6 times 17". */
export function chainKey({ start, operations }: Chain): string {
  return `${start}${operations.map(({ operator, operand }) => ` ${operator} ${operand}`).join('')}`;
}

/** Grade from the number of multiplications: 0, 1, more. */
export function gradeOf(chain: Chain): Grade {
  const multiplications = chain.operations.filter(({ operator }) => operator === 'times').length;
  return multiplications === 0 ? 'easy' : multiplications === 1 ? 'medium' : 'hard';
}

/**
 * A chain of `length` steps of which `multiplications` multiply, in random order.
 * Multipliers are coprime to 10: others collapse values modulo 100, errors cancel and hard turns easy.
 */
export function drawChain(random: RandomSequence, length: number, multiplications: number): Chain {
  const operations = Array.from({ length }, (_, step) => drawOperation(random, step < multiplications));
  return { start: 10 + random.integer(90), operations: random.shuffled(operations) };
}

function drawOperation(random: RandomSequence, multiplies: boolean): Operation {
  if (!multiplies) return { operator: random.integer(2) === 0 ? 'plus' : 'minus', operand: 1 + random.integer(9) };
  const oneDigit = random.uniform() < 0.4;
  const operand = oneDigit ? random.pick([3, 7, 9]) : 10 * (1 + random.integer(9)) + random.pick([1, 3, 7, 9]);
  return { operator: 'times', operand };
}

const verbPieces: Readonly<Record<Operator, readonly (readonly string[])[]>> = {
  plus: VERBS.plus.map((words) => splitPieces(` ${words}`)),
  minus: VERBS.minus.map((words) => splitPieces(` ${words}`)),
  times: VERBS.times.map((words) => splitPieces(` ${words}`)),
};
// Every opening and closing as pieces, by [sentence][device][reading]: they are needed once per document of the corpus.
const openingPieces = sentencePieces(OPENINGS);
const closingPieces = sentencePieces(CLOSINGS);

function sentencePieces(templates: readonly string[]): string[][][][] {
  return templates.map((template) =>
    DEVICES.map((device) => READINGS.map((reading) => splitPieces(fillTemplate(template, device, reading)))),
  );
}

/** A question in randomly chosen words, as pieces. The first begins with the line break that ends "user". */
export function drawQuestionPieces(random: RandomSequence, chain: Chain): string[] {
  const device = random.integer(DEVICES.length);
  const reading = random.integer(READINGS.length);
  const opening = random.pick(openingPieces)[device]![reading]!;
  const closing = random.pick(closingPieces)[device]![reading]!;
  const pieces = [...opening, ...valuePieces(chain.start), '.'];
  chain.operations.forEach(({ operator, operand }, step) => {
    pieces.push(`\n${ORDINALS[step]!}`, ...random.pick(verbPieces[operator]), ...operandPieces(operand));
  });
  pieces.push(...closing);
  return pieces;
}

/** How many multiplications a problem of this grade has: for hard, any number from 2 to all, equally often. */
function drawMultiplications(random: RandomSequence, grade: Grade, length: number): number {
  if (grade !== 'hard') return grade === 'easy' ? 0 : 1;
  return 2 + random.integer(length - 1);
}

/**
 * Draws distinct problems; the same options always give the same problems, in the same order.
 * @throws AresError 'usage' when a chain would be shorter than 2 or longer than there are ordinals
 */
export function generateProblems(options: ProblemOptions): Problem[] {
  const { grades, chainLengths, count } = options;
  if (chainLengths.some((length) => length < 2 || length > ORDINALS.length)) {
    throw new AresError('usage', `A chain has from 2 to ${ORDINALS.length} steps.`, {
      where: `chainLengths ${chainLengths.join(', ')}`,
    });
  }
  const random = new RandomSequence(options.seed, Stream.problems);
  const cells = grades.flatMap((grade) => chainLengths.map((length) => ({ grade, length })));
  const order = random.shuffled(Array.from({ length: count }, (_, index) => cells[index % cells.length]!));
  const taken = new Set(options.reserved);
  return order.map(({ grade, length }, index) => {
    let chain: Chain;
    do chain = drawChain(random, length, drawMultiplications(random, grade, length));
    while (taken.has(chainKey(chain)));
    taken.add(chainKey(chain));
    return {
      id: `${options.idPrefix}${String(index + 1).padStart(4, '0')}`,
      question: drawQuestionPieces(random, chain).join('').trimStart(),
      answer: valuePieces(solveChain(chain)).join('').trim(),
      grade,
      source: `k=${length}`,
    };
  });
}

const operatorOfVerb = new Map(
  OPERATORS.flatMap((operator) => VERBS[operator].map((verb) => [verb, operator] as const)),
);
const stepPattern = new RegExp(`\n(?:${ORDINALS.join('|')}) ([a-z ]+) (\\d{1,2})(?=\n)`, 'g');

/** Reads a question of this project back; null for any other text. */
export function parseQuestion(question: string): Chain | null {
  const start = /^[^\n\d]* (\d\d)\.\n/.exec(question);
  if (start === null) return null;
  const operations: Operation[] = [];
  for (const [, verb, operand] of question.matchAll(stepPattern)) {
    const operator = operatorOfVerb.get(verb!);
    if (operator === undefined) return null;
    operations.push({ operator, operand: Number(operand) });
  }
  return operations.length === 0 ? null : { start: Number(start[1]), operations };
}
