/**
 * Reads a response line by line and says what went wrong, and where first.
 *
 * Owns: turning a model's text back into steps, styles and named errors. Each line is judged from the
 * value the model itself had written before it, so that one slip is counted once. It does not grade:
 * the box alone decides whether an answer is correct (grading/).
 */
import { applyOperation } from './problems.ts';
import type { Chain, Operation } from './problems.ts';
import { scratchPieces } from './traces.ts';
import type { Style } from './traces.ts';
import { BOX_PIECE, FAST_WORDS, OPERATORS, ORDINALS, SLOW_WORDS, START_PIECE, THINK_END } from './vocabulary.ts';
import type { Operator } from './vocabulary.ts';

/** What can go wrong, as a person would say it. */
export const TRACE_ERRORS = {
  'start-copy': 'The start value was copied wrongly.',
  'step-copy': 'A step was copied wrongly.',
  'fast-additive': 'A sum or difference found in one go is wrong.',
  'fast-multiplicative': 'A product guessed in one go is wrong.',
  'slow-additive': 'A sum or difference worked out digit by digit is wrong.',
  'slow-multiplicative': 'A product worked out digit by digit is wrong.',
  'step-count': 'Steps are missing or were added.',
  'answer-copy': 'The answer is not the last value.',
  unreadable: 'The response does not follow the form of the traces.',
} as const;
export type TraceErrorKind = keyof typeof TRACE_ERRORS;

export interface TraceError {
  kind: TraceErrorKind;
  /** Index of the line; null when it is not about one line. */
  line: number | null;
}

export interface TraceLine {
  /** As the model wrote it. */
  operation: Operation;
  style: Style;
  /** The style word. */
  word: string;
  /** Value written before the line. */
  before: number;
  result: number;
  /** What the written operation makes of the written value. */
  expected: number;
  /** Whether ordinal, operator and operand are those of the problem's step. */
  isCopied: boolean;
  /** Whether every digit of the scratch work is right; null for a fast line. */
  isScratchRight: boolean | null;
}

export interface TraceAnalysis {
  start: number | null;
  lines: TraceLine[];
  /** Content of the box; null when there is none. */
  answer: number | null;
  /** In reading order: the first one is the cause, later ones may follow from it. */
  errors: TraceError[];
}

const startPattern = new RegExp(`^<think>${START_PIECE} (\\d\\d)`);
const linePattern = new RegExp(
  `\\n(${ORDINALS.join('|')}) (${OPERATORS.join('|')}) (\\d{1,2}) (?:` +
    `(${FAST_WORDS.join('|')})|(${SLOW_WORDS.join('|')}) [a-zA-Z']+ [a-z]+:( [^\\n]{1,64}?) so) (\\d\\d)`,
  'y',
);
const endPattern = new RegExp(`${THINK_END}${BOX_PIECE.replace(/[\\{]/g, '\\$&')}(\\d\\d)\\}(?:<\\|im_end\\|>)?$`, 'y');

/**
 * @param response text of a response, with or without the end-of-turn token; any text is accepted
 * @param chain the problem (see parseQuestion)
 */
export function analyseTrace(response: string, chain: Chain): TraceAnalysis {
  const errors: TraceError[] = [];
  const opening = startPattern.exec(response);
  if (opening === null) return { start: null, lines: [], answer: null, errors: [{ kind: 'unreadable', line: null }] };
  const start = Number(opening[1]);
  if (start !== chain.start) errors.push({ kind: 'start-copy', line: null });

  const lines: TraceLine[] = [];
  let value = start;
  let position = opening[0].length;
  for (let match = matchAt(linePattern, response, position); match !== null;) {
    const line = readLine(match, value, lines.length, chain);
    lines.push(line);
    const kind = lineError(line);
    // A superfluous line is reported once, below.
    if (kind !== null && lines.length <= chain.operations.length) errors.push({ kind, line: lines.length - 1 });
    value = line.result;
    position += match[0].length;
    match = matchAt(linePattern, response, position);
  }

  const end = matchAt(endPattern, response, position);
  if (end === null) {
    errors.push({ kind: 'unreadable', line: lines.length });
    return { start, lines, answer: null, errors };
  }
  const answer = Number(end[1]);
  if (lines.length !== chain.operations.length) errors.push({ kind: 'step-count', line: null });
  if (answer !== value) errors.push({ kind: 'answer-copy', line: null });
  return { start, lines, answer, errors };
}

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(text);
}

function readLine(match: RegExpExecArray, before: number, index: number, chain: Chain): TraceLine {
  const [, ordinal, operator, operand, fastWord, slowWord, scratch, result] = match;
  const operation: Operation = { operator: operator as Operator, operand: Number(operand) };
  const step = chain.operations[index];
  return {
    operation,
    style: slowWord === undefined ? 'fast' : 'slow',
    word: slowWord ?? fastWord!,
    before,
    result: Number(result),
    expected: applyOperation(before, operation),
    isCopied:
      ordinal === ORDINALS[index] && operation.operator === step?.operator && operation.operand === step.operand,
    isScratchRight: scratch === undefined ? null : scratch === scratchPieces(before, operation).join(''),
  };
}

function lineError(line: TraceLine): TraceErrorKind | null {
  if (!line.isCopied) return 'step-copy';
  if (line.result === line.expected) return null;
  return `${line.style}-${line.operation.operator === 'times' ? 'multiplicative' : 'additive'}`;
}
