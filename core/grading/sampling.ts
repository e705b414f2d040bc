/**
 * Whether two formulas are equal, found out by evaluating them.
 *
 * Owns: the points at which formulas are compared, and what their values there say. Numbers are compared exactly,
 * irrational ones within rounding; formulas with variables at several fixed points, and must agree at all of them.
 * A value that cannot be computed well enough says nothing; when too little is said, the answer is "undecided"
 * and never "equal". Irrational numbers are compared in double precision; where a smaller difference is written out,
 * as in √3 and √3 + 10⁻³⁰, that is undecided too. A smaller one that is not, as in √3·(1 + 10⁻³⁰), is not seen.
 */
import { philox } from '#core/util/rng.ts';
import { type Approximate, add, agree, approximate, isUsable, negate } from './approximate.ts';
import { type Point, type Value, combine, evaluate, toApproximate } from './evaluate.ts';
import { type Exact, add as addExact, equalExact, exact, isReal, negate as negateExact } from './exact.ts';
import { type Node, collectVariables, operation, some } from './nodes.ts';
import { isRounded } from './rounding.ts';

/** true, false, or null where it is undecided. */
export type Sameness = boolean | null;

/** Points at which formulas with variables are compared. */
const POINTS = 5;
/** Attempts to find points where both sides have a value. */
const ATTEMPTS = 16;
const MAX_VARIABLES = 16;
const SEED = 0x67726164;

/** False when any is false, else null when any is undecided. Stops at the first false. */
export function every<T>(items: readonly T[], test: (item: T, index: number) => Sameness): Sameness {
  let all: Sameness = true;
  for (const [index, item] of items.entries()) {
    const result = test(item, index);
    if (result === false) return false;
    if (result === null) all = null;
  }
  return all;
}

function variablesOf(...nodes: Node[]): string[] {
  const names = new Set<string>();
  for (const node of nodes) collectVariables(node, names);
  return [...names].sort();
}

/** A fixed pseudo-random point: rationals between 0.4 and 3.4, of either sign after the first attempt. */
function pointOf(names: readonly string[], attempt: number): Point {
  const point = new Map<string, Exact>();
  names.forEach((name, index) => {
    const [word, sign] = philox([index, attempt, 0, 0], [SEED, 0]);
    point.set(name, exact(BigInt(400 + (word % 3001)) * (attempt > 0 && sign % 2 === 1 ? -1n : 1n), 0n, 1009n)!);
  });
  return point;
}

function sameNumber(a: Value, b: Value): Sameness {
  if (a.exact !== null && b.exact !== null) return equalExact(a.exact, b.exact);
  const [left, right] = [toApproximate(a), toApproximate(b)];
  return isUsable(left) && isUsable(right) ? agree(left, right) : null;
}

/**
 * Whether `compare` holds at all points where it says anything, and says it often enough. Where it does not say
 * enough at points that keep everything real, the others are asked too.
 */
function holdsEverywhere(names: readonly string[], compare: (point: Point, realOnly: boolean) => Sameness): Sameness {
  if (names.length > MAX_VARIABLES) return null;
  // Without variables every point is the same point.
  if (names.length === 0) return compare(pointOf(names, 0), false);
  for (const realOnly of [true, false]) {
    let decided = 0;
    for (let attempt = 0; attempt < ATTEMPTS && decided < POINTS; attempt++) {
      const result = compare(pointOf(names, attempt), realOnly);
      if (result === false) return false;
      if (result) decided++;
    }
    if (decided === POINTS) return true;
  }
  return null;
}

/** Whether a value off the real line comes from the point: √x at a negative x, where rules like √(1/x) = 1/√x fail. */
function leavesReals(values: readonly Value[], nodes: readonly Node[]): boolean {
  if (values.every(isRealValue)) return false;
  return !nodes.some((node) => some(node, (part) => part.kind === 'symbol' && part.name === 'i'));
}

function isRealValue(value: Value): boolean {
  return value.exact === null ? value.approximate.im === 0 : isReal(value.exact);
}

/** Whether two formulas are equal for all values of their variables. */
export function sameFormula(a: Node, b: Node): Sameness {
  const names = variablesOf(a, b);
  if (names.length === 0) return sameConstant(a, b);
  return holdsEverywhere(names, (point, realOnly) => {
    const [left, right] = [evaluate(a, point), evaluate(b, point)];
    return realOnly && leavesReals([left, right], [a, b]) ? null : sameNumber(left, right);
  });
}

function sameConstant(a: Node, b: Node): Sameness {
  const [left, right] = [evaluate(a, new Map()), evaluate(b, new Map())];
  const same = sameNumber(left, right);
  if (same === true && differBeyondRounding(a, b)) return null;
  return same === false && (isRounded(a, right) || isRounded(b, left)) ? true : same;
}

/**
 * Whether two sums that agree within rounding have rational terms that differ while the others agree: 288π and
 * 288π + 10⁻¹². Their difference is too small for double precision, but it is written there.
 */
function differBeyondRounding(a: Node, b: Node): boolean {
  const [left, right] = [termsOf(a), termsOf(b)];
  if (left === null || right === null || equalExact(left.rational, right.rational)) return false;
  return agree(left.rest, right.rest);
}

/** A sum as its exact terms together and the others together; null where nothing but one of them is there. */
function termsOf(node: Node): { rational: Exact; rest: Approximate } | null {
  let rational: Exact | null = exact(0n);
  let rest = approximate(0);
  for (const { term, isNegative } of summands(node, false)) {
    const value = evaluate(term, new Map());
    if (value.exact === null) rest = add(rest, isNegative ? negate(value.approximate) : value.approximate);
    else rational = rational && addExact(rational, isNegative ? negateExact(value.exact) : value.exact);
  }
  return rational === null || !isUsable(rest) ? null : { rational, rest };
}

function summands(node: Node, isNegative: boolean): { term: Node; isNegative: boolean }[] {
  if (node.kind !== 'operation') return [{ term: node, isNegative }];
  if (node.name === 'add') return node.operands.flatMap((operand) => summands(operand, isNegative));
  if (node.name === 'negate') return summands(node.operands[0]!, !isNegative);
  return [{ term: node, isNegative }];
}

/**
 * Whether relations have the same solutions because they differ by a constant factor: y = 2x + 3 and
 * 2x − y + 3 = 0. The factor must be positive for an inequality.
 */
export function sameRelation(a: Node & { kind: 'relation' }, b: Node & { kind: 'relation' }): Sameness {
  const [x, y] = [difference(a), difference(b)];
  if (x === null || y === null || x.operator !== y.operator) return false;
  const signMatters = x.operator !== '=' && x.operator !== '!=';
  let factor: Value | null = null;
  const names = variablesOf(x.node, y.node);
  // Two true statements about numbers, as 1 = 1 and 2 = 2, are not one answer.
  if (names.length === 0) return false;
  return holdsEverywhere(names, (point, realOnly) => {
    const values = [evaluate(x.node, point), evaluate(y.node, point)];
    if (realOnly && leavesReals(values, [x.node, y.node])) return null;
    const ratio = combine('divide', values);
    const { re, im } = toApproximate(ratio);
    if ((re === 0 && im === 0) || !isUsable(toApproximate(ratio))) return null;
    factor ??= ratio;
    return signMatters && re <= 0 ? false : sameNumber(ratio, factor);
  });
}

/** One relation as "difference operator 0", with > turned into <; null for chains and memberships. */
function difference(relation: Node & { kind: 'relation' }): { node: Node; operator: string } | null {
  const [left, right, third] = relation.operands;
  const operator = relation.operators[0]!;
  if (third !== undefined || operator === '∈' || !isArithmetic(left!) || !isArithmetic(right!)) return null;
  const turned = operator.startsWith('>');
  const node = operation('add', turned ? right! : left!, operation('negate', turned ? left! : right!));
  return { node, operator: operator.replace('>', '<') };
}

const arithmeticKinds: ReadonlySet<Node['kind']> = new Set(['number', 'symbol', 'operation', 'based']);

/** Whether a node is nothing but arithmetic: evaluate.ts can give it a value. */
export function isArithmetic(node: Node): boolean {
  return !some(node, (part) => !arithmeticKinds.has(part.kind));
}
