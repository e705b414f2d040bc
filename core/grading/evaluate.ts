/**
 * The value of a formula at a point: exactly where that is possible, else approximately.
 *
 * Owns: the table of operations, each with its exact and its approximate meaning. What a value is
 * compared with, and at which points, is equivalence.ts.
 */
import * as real from './approximate.ts';
import type { Approximate } from './approximate.ts';
import * as rational from './exact.ts';
import type { Exact } from './exact.ts';
import type { Node } from './nodes.ts';

/** Values of the variables. */
export type Point = ReadonlyMap<string, Exact>;

interface Operation {
  exact(...operands: Exact[]): Exact | null;
  approximate(...operands: Approximate[]): Approximate;
  /** Tried before `approximate`: a value that depends on an operand being exact. */
  mixed?(...operands: Value[]): Approximate | null;
}

/** a^(p/q) of a negative real with q odd is the real root, as \sqrt[3]{-8} is −2; null for other powers. */
function powerOf(base?: Value, exponent?: Value): Approximate | null {
  const n = exponent?.exact;
  if (base === undefined || !n || n.im !== 0n || n.den === 1n || n.den % 2n === 0n) return null;
  const a = toApproximate(base);
  if (a.im !== 0 || a.re >= 0) return null;
  const size = real.power(real.negate(a), toApproximate({ exact: n }));
  return n.re % 2n === 0n ? size : real.negate(size);
}

const HUNDRED: Exact = { re: 100n, im: 0n, den: 1n };
const never = (): null => null;
const unknown = (): Approximate => real.approximate(NaN);

function fold<T>(combine: (a: T, b: T) => T | null): (...operands: T[]) => T | null {
  return (first, ...rest) =>
    rest.reduce<T | null>((sum, next) => (sum === null ? null : combine(sum, next)), first ?? null);
}

/** A function of one real number that has no exact value here (its zeros and such excepted, which rounding covers). */
function realFunction(f: (x: number) => number, derivative: (x: number) => number): Operation {
  return { exact: never, approximate: (a) => real.applyReal(a!, f, derivative) };
}

/** 1/f for a function and its derivative. */
function reciprocal(f: (x: number) => number, derivative: (x: number) => number): Operation {
  return realFunction(
    (x) => 1 / f(x),
    (x) => derivative(x) / f(x) ** 2,
  );
}

const minusSine = (x: number): number => -Math.sin(x);
const tangentSlope = (x: number): number => 1 / Math.cos(x) ** 2;
const circleSlope = (x: number): number => 1 / Math.sqrt(1 - x * x);
const LOG_10 = Math.LN10;

const operations: Readonly<Record<string, Operation>> = {
  add: { exact: fold(rational.add), approximate: (...all) => all.reduce(real.add) },
  multiply: { exact: fold(rational.multiply), approximate: (...all) => all.reduce(real.multiply) },
  divide: { exact: (a, b) => rational.divide(a!, b!), approximate: (a, b) => real.divide(a!, b!) },
  negate: { exact: (a) => rational.negate(a!), approximate: (a) => real.negate(a!) },
  power: { exact: (a, b) => rational.power(a!, b!), approximate: (a, b) => real.power(a!, b!), mixed: powerOf },
  sqrt: { exact: (a) => rational.squareRoot(a!), approximate: (a) => real.squareRoot(a!) },
  gcd: { exact: fold(rational.greatestCommonFactor), approximate: unknown },
  lcm: { exact: fold(rational.leastCommonMultiple), approximate: unknown },
  max: { exact: fold((a, b) => rational.larger(a, b)), approximate: (...all) => all.reduce(real.larger) },
  min: {
    exact: fold((a, b) => (rational.larger(a, b) === a ? b : a)),
    approximate: (...all) => real.negate(all.map(real.negate).reduce(real.larger)),
  },
  root: { exact: never, approximate: (a, n) => real.root(a!, n!) },
  abs: { exact: (a) => rational.absolute(a!), approximate: (a) => real.absolute(a!) },
  floor: { exact: (a) => rational.floor(a!), approximate: unknown },
  ceil: {
    exact: (a) => {
      const below = rational.floor(rational.negate(a!));
      return below === null ? null : rational.negate(below);
    },
    approximate: unknown,
  },
  factorial: { exact: (a) => rational.factorial(a!), approximate: unknown },
  binomial: { exact: (n, k) => rational.binomial(n!, k!), approximate: unknown },
  percent: {
    exact: (a) => rational.divide(a!, HUNDRED),
    approximate: (a) => real.divide(a!, real.approximate(100)),
  },
  degree: { exact: never, approximate: (a) => real.multiply(a!, real.approximate(Math.PI / 180)) },
  exp: { exact: never, approximate: (a) => real.exponential(a!) },
  ln: { exact: never, approximate: (a) => real.logarithm(a!) },
  log: { exact: never, approximate: (a) => real.divide(real.logarithm(a!), real.approximate(LOG_10)) },
  sin: realFunction(Math.sin, Math.cos),
  cos: realFunction(Math.cos, minusSine),
  tan: realFunction(Math.tan, tangentSlope),
  csc: reciprocal(Math.sin, Math.cos),
  sec: reciprocal(Math.cos, minusSine),
  cot: reciprocal(Math.tan, tangentSlope),
  arcsin: realFunction(Math.asin, circleSlope),
  arccos: realFunction(Math.acos, circleSlope),
  arctan: realFunction(Math.atan, (x) => 1 / (1 + x * x)),
  sinh: realFunction(Math.sinh, Math.cosh),
  cosh: realFunction(Math.cosh, Math.sinh),
  tanh: realFunction(Math.tanh, (x) => 1 / Math.cosh(x) ** 2),
};

/** Exactly known, or known within a bound on the error. */
export type Value = { exact: Exact } | { exact: null; approximate: Approximate };

/** Value of a formula; approximately not a number where it has none. One visit per node. */
export function evaluate(node: Node, point: Point): Value {
  const value = leafValue(node, point);
  if (value !== null) return value;
  if (node.kind !== 'operation') return approximately(unknown());
  return combine(
    node.name,
    node.operands.map((operand) => evaluate(operand, point)),
  );
}

/** One operation applied to values. */
export function combine(name: string, operands: readonly Value[]): Value {
  if (!Object.hasOwn(operations, name)) return approximately(unknown());
  const operation = operations[name]!;
  const exactOperands = operands.flatMap((operand) => (operand.exact === null ? [] : [operand.exact]));
  const result = exactOperands.length === operands.length ? operation.exact(...exactOperands) : null;
  if (result !== null) return { exact: result };
  return approximately(operation.mixed?.(...operands) ?? operation.approximate(...operands.map(toApproximate)));
}

function approximately(value: Approximate): Value {
  return { exact: null, approximate: value };
}

function leafValue(node: Node, point: Point): Value | null {
  if (node.kind === 'number') return { exact: node.value };
  if (node.kind === 'based') {
    const value = basedValue(node.digits, node.base);
    return value === null ? approximately(unknown()) : { exact: value };
  }
  if (node.kind !== 'symbol') return null;
  if (node.name === 'pi') return approximately(real.approximate(Math.PI));
  if (node.name === 'e') return approximately(real.approximate(Math.E));
  const value = node.name === 'i' ? rational.I : point.get(node.name);
  return value === undefined ? approximately(unknown()) : { exact: value };
}

/** The floating-point form of a value; whole numbers stay exact, others have the error of one rounding. */
export function toApproximate(value: Value): Approximate {
  if (value.exact === null) return value.approximate;
  const { re, im, den: denominator } = value.exact;
  if (denominator === 1n && Number.isSafeInteger(Number(re)) && Number.isSafeInteger(Number(im))) {
    return { re: Number(re), im: Number(im), error: 0 };
  }
  const den = Number(denominator);
  return real.approximate(Number(re) / den, Number(im) / den);
}

/** The number that digits mean in a base from 2 to 36; null for a digit the base does not have. */
export function basedValue(digits: string, base: number): Exact | null {
  let total = 0n;
  for (const digit of digits) {
    const value = Number.parseInt(digit, 36);
    if (!(value < base)) return null;
    total = total * BigInt(base) + BigInt(value);
  }
  return rational.exact(total);
}
