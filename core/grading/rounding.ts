/**
 * Decimals that stand for numbers whose decimals do not end.
 *
 * Owns: the one numeric tolerance there is. 0.333333 is accepted for 1/3 and 3.141593 for π, because nobody can
 * write all the digits: a decimal with at least six places, correctly rounded at its last one. 0.333334 is wrong,
 * 0.33 says too little, and a number whose decimals end (0.125, 7) must be met exactly.
 */
import { isUsable } from './approximate.ts';
import { type Value, toApproximate } from './evaluate.ts';
import { type Exact, isReal, isTerminating } from './exact.ts';
import type { Node } from './nodes.ts';

const MIN_PLACES = 6;
/** 0.000001 has six places and says next to nothing. */
const MIN_DIGITS = 5;
/** Digits printed from double precision are allowed to be wrong at the very end. */
const DOUBLE_PRECISION = 2e-15;

/** Whether a node is a decimal that is the correct rounding of `value`. */
export function isRounded(node: Node, value: Value): boolean {
  const decimal = decimalOf(node);
  if (decimal === null || (value.exact !== null && (!isReal(value.exact) || isTerminating(value.exact)))) return false;
  const written = toApproximate({ exact: decimal.value });
  const meant = toApproximate(value);
  if (!isUsable(meant) || meant.im !== 0) return false;
  const halfPlace = 0.5 * 10 ** -decimal.places;
  return Math.abs(written.re - meant.re) <= Math.max(halfPlace, DOUBLE_PRECISION * Math.abs(meant.re)) + meant.error;
}

function decimalOf(node: Node): { value: Exact; places: number } | null {
  if (node.kind === 'operation' && node.name === 'negate') {
    const decimal = decimalOf(node.operands[0]!);
    return decimal === null ? null : { ...decimal, value: { ...decimal.value, re: -decimal.value.re } };
  }
  if (node.kind !== 'number' || node.places === undefined || node.places < MIN_PLACES) return null;
  const { re, den } = node.value;
  const digits = (re * 10n ** BigInt(node.places)) / den;
  return digits.toString().length < MIN_DIGITS ? null : { value: node.value, places: node.places };
}
