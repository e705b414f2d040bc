/**
 * Teacher traces: how a chain is worked out, line by line, fast or slowly.
 *
 * Owns: the grammar of a response. Each line repeats its step, then one style word says how the
 * result is found. The step stands *before* the style word, so whoever chooses the style has just
 * seen the operator; the running value is always the last two digits written before the line.
 *
 *     <think>
 *     From 47
 *     First plus 6 gives 53
 *     Second times 17 wait let's split: 1 carry 2, 2+5→7, 7+3→0 so 01</think>
 *     \boxed{01}
 *
 * A fast line writes the result in one go. A slow line first works with single digits ("→" keeps the
 * last digit). Teacher traces never contain an error; reading a model's trace is analysis.ts.
 */
import type { RandomSequence } from '#core/util/rng.ts';
import { applyOperation, solveChain } from './problems.ts';
import type { Chain, Operation } from './problems.ts';
import {
  ARROW_PIECE,
  BOX_PIECE,
  FAST_WORDS,
  HOW_WORDS,
  ORDINALS,
  SLOW_WORDS,
  START_PIECE,
  THINK_END,
  THINK_START,
  WHO_WORDS,
  operandPieces,
  valuePieces,
} from './vocabulary.ts';

export type Style = 'fast' | 'slow';

const spaced = (words: readonly string[]): readonly string[] => words.map((word) => ` ${word}`);
const fastPieces = spaced(FAST_WORDS);
const slowPieces = spaced(SLOW_WORDS);
const whoPieces = spaced(WHO_WORDS);
const howPieces = spaced(HOW_WORDS);

/**
 * A whole response without the end-of-turn token, as pieces; joined they are the text.
 * @param styles one per operation
 * @param onResult told, line by line, the index of the first of the two pieces that hold its result
 */
export function renderTrace(
  chain: Chain,
  styles: readonly Style[],
  random: RandomSequence,
  onResult?: (step: number, piece: number) => void,
): string[] {
  const pieces = [THINK_START, START_PIECE, ...valuePieces(chain.start)];
  let value = chain.start;
  chain.operations.forEach((operation, step) => {
    pieces.push(`\n${ORDINALS[step]!}`, ` ${operation.operator}`, ...operandPieces(operation.operand));
    const result = applyOperation(value, operation);
    if (styles[step] === 'slow') {
      pieces.push(random.pick(slowPieces), random.pick(whoPieces), random.pick(howPieces), ':');
      pieces.push(...scratchPieces(value, operation), ' so');
    } else {
      pieces.push(random.pick(fastPieces));
    }
    onResult?.(step, pieces.length);
    pieces.push(...valuePieces(result));
    value = result;
  });
  const [tens, units] = valuePieces(solveChain(chain));
  pieces.push(THINK_END, BOX_PIECE, tens.trim(), units, '}');
  return pieces;
}

/**
 * Digit-by-digit work for one step, as pieces. For a value with digits A a and an operand with digits
 * B b: plus and minus write the last digit and the carry (or borrow) of a ± b, then A ± carry; times
 * writes the last digit and carry of a·b, then adds to the carry the last digits of A·b and of a·B.
 */
export function scratchPieces(value: number, { operator, operand }: Operation): string[] {
  const tens = Math.floor(value / 10);
  const units = value % 10;
  if (operator === 'times') {
    const low = units * (operand % 10);
    const carry = Math.floor(low / 10);
    const cross = (tens * (operand % 10)) % 10;
    const pieces = [` ${low % 10}`, ' carry', ` ${carry}`, ',', ...sumPieces(carry, '+', cross)];
    // A one-digit multiplier has no second cross product.
    if (operand >= 10) {
      pieces.push(',', ...sumPieces((carry + cross) % 10, '+', (units * Math.floor(operand / 10)) % 10));
    }
    return pieces;
  }
  const low = operator === 'plus' ? units + operand : units - operand;
  const carry = low < 0 || low > 9 ? 1 : 0;
  const word = operator === 'plus' ? ' carry' : ' borrow';
  const sign = operator === 'plus' ? '+' : '-';
  return [` ${(low + 10) % 10}`, word, ` ${carry}`, ',', ...sumPieces(tens, sign, carry)];
}

/** " 7+3→0": both terms and the last digit of what they make. */
function sumPieces(left: number, sign: '+' | '-', right: number): string[] {
  const total = sign === '+' ? left + right : left - right;
  return [` ${left}`, sign, `${right}`, ARROW_PIECE, `${(total + 10) % 10}`];
}
