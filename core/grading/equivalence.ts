/**
 * Whether two answers are the same answer.
 *
 * Owns: the rules of sameness for every kind of answer. Numbers are compared exactly, irrational ones
 * within rounding; formulas with variables at several fixed points, and must agree at all of them;
 * sets and lists in any order, points and intervals in theirs, brackets included; words word by word.
 * Nothing is ever reduced to less than its value, so 12 is never 21 (METHOD §7.1 B18).
 */
import { philox } from '#core/util/rng.ts';
import { type Answer, readAnswer } from './answer.ts';
import { agree, isUsable } from './approximate.ts';
import { type Exact, equalExact, exact } from './exact.ts';
import { type Point, type Value, basedValue, combine, evaluate, toApproximate } from './evaluate.ts';
import { asExpression, asInterval, isUnknown, itemsOf } from './forms.ts';
import { type Node, collectVariables, operation, some } from './nodes.ts';

/** Points at which formulas with variables are compared. */
const POINTS = 5;
/** Attempts to find points where both sides have a value. */
const ATTEMPTS = 12;
const MAX_VARIABLES = 16;
const MAX_ITEMS = 64;
const SEED = 0x67726164;

/** Whether two answers, as written, are equivalent. False when either cannot be read. */
export function equivalent(a: string, b: string): boolean {
  const [left, right] = [readAnswer(a), readAnswer(b)];
  return left !== null && right !== null && sameAnswer(left, right);
}

/** Whether two answers are equivalent. Symmetric. */
export function sameAnswer(a: Answer, b: Answer): boolean {
  if (a.choice !== null || b.choice !== null) {
    // Of "B" and "B) 12 cm" one must be the bare letter, or any two sentences starting alike would agree.
    if (a.leadingChoice !== null && a.leadingChoice === b.leadingChoice) return true;
  }
  if (a.spelling !== '' && a.spelling === b.spelling) return true;
  if (a.formula !== null && b.formula !== null) return sameNode(a.formula, b.formula);
  return a.words !== null && a.words === b.words;
}

function sameNode(a: Node, b: Node): boolean {
  const [x, y] = [withoutUnit(a), withoutUnit(b)];
  if (x.unit !== '' && y.unit !== '' && x.unit !== y.unit) return false;
  return sameValue(x.value, y.value) || samePercent(x.value, y.value) || samePercent(y.value, x.value);
}

function withoutUnit(node: Node): { value: Node; unit: string } {
  if (node.kind === 'quantity') return { value: withoutUnit(node.value).value, unit: node.unit };
  if (node.kind === 'operation' && node.name === 'degree') return { value: node.operands[0]!, unit: 'degree' };
  return { value: node, unit: '' };
}

/** 50 % is what is meant by 50 where percent are asked for; as 0.5 it is compared anyway. */
function samePercent(a: Node, b: Node): boolean {
  return a.kind === 'operation' && a.name === 'percent' && !isPercent(b) && sameValue(a.operands[0]!, b);
}

function isPercent(node: Node): boolean {
  return node.kind === 'operation' && node.name === 'percent';
}

function sameValue(a: Node, b: Node): boolean {
  const bothRelations = a.kind === 'relation' && b.kind === 'relation';
  if (bothRelations && sameRelation(a, b)) return true;
  const [x, y] = [reduced(a), reduced(b)];
  const [items, others] = [itemsOf(x), itemsOf(y)];
  if (items !== null || others !== null) return sameItems(items ?? [x], others ?? [y]);
  if (x.kind === 'collection' && y.kind === 'collection') {
    return x.open === y.open && x.close === y.close && pairwise(x.items, y.items);
  }
  if (x.kind === 'matrix' && y.kind === 'matrix') {
    return x.rows.length === y.rows.length && x.rows.every((row, i) => pairwise(row, y.rows[i]!));
  }
  if (x.kind === 'based' || y.kind === 'based') return sameBased(x, y);
  // "x = 5" is 5 where 5 was asked for, but "x = 5" and "y = 5" were compared above and differ.
  return !bothRelations && isArithmetic(x) && isArithmetic(y) && sameFormula(x, y);
}

/** A relation as the value or set it gives its unknown; a true chain of equations (3 + 4 = 7) as its last member. */
function reduced(node: Node): Node {
  const value = asInterval(asExpression(node));
  if (value.kind !== 'relation' || value.operators.some((operator) => operator !== '=')) return value;
  const members = isUnknown(value.operands[0]!) ? value.operands.slice(1) : value.operands;
  const last = members.at(-1)!;
  return members.every((member) => isArithmetic(member) && sameFormula(member, last)) ? last : value;
}

function pairwise(a: readonly Node[], b: readonly Node[]): boolean {
  return a.length === b.length && a.every((item, i) => sameNode(item, b[i]!));
}

/** The same items in any order, each as often. */
function sameItems(a: readonly Node[], b: readonly Node[]): boolean {
  if (a.length !== b.length || a.length > MAX_ITEMS) return false;
  const rest = [...b];
  return a.every((item) => {
    const found = rest.findIndex((other) => sameNode(item, other));
    if (found >= 0) rest.splice(found, 1);
    return found >= 0;
  });
}

/** 52 with base 8 and 52 without are different numbers, and a base that was asked for must be written. */
function sameBased(a: Node, b: Node): boolean {
  if (a.kind !== 'based' || b.kind !== 'based') return false;
  const [x, y] = [basedValue(a.digits, a.base), basedValue(b.digits, b.base)];
  return x !== null && y !== null && equalExact(x, y);
}

function isArithmetic(node: Node): boolean {
  return !some(node, (part) => !['number', 'symbol', 'operation', 'based'].includes(part.kind));
}

// Formulas -----------------------------------------------------------------------------------------

function variablesOf(...nodes: Node[]): string[] {
  const names = new Set<string>();
  for (const node of nodes) collectVariables(node, names);
  return [...names].sort();
}

/** A fixed pseudo-random point: rationals between 0.4 and 3.4, of either sign. */
function pointOf(names: readonly string[], attempt: number): Point {
  const point = new Map<string, Exact>();
  names.forEach((name, index) => {
    const [word, sign] = philox([index, attempt, 0, 0], [SEED, 0]);
    point.set(name, exact(BigInt(400 + (word % 3001)) * (attempt > 0 && sign % 2 === 1 ? -1n : 1n), 0n, 1009n)!);
  });
  return point;
}

/** What two values say about each other: true, false, or null where one is no number or too uncertain. */
type Verdict = boolean | null;

function sameNumber(a: Value, b: Value): Verdict {
  if (a.exact !== null && b.exact !== null) return equalExact(a.exact, b.exact);
  const [left, right] = [toApproximate(a), toApproximate(b)];
  return isUsable(left) && isUsable(right) ? agree(left, right) : null;
}

/** Whether `compare` holds at all points where it is decided, and is decided often enough. */
function holdsEverywhere(names: readonly string[], compare: (point: Point) => Verdict): boolean {
  if (names.length > MAX_VARIABLES) return false;
  const needed = names.length === 0 ? 1 : POINTS;
  let decided = 0;
  for (let attempt = 0; attempt < ATTEMPTS && decided < needed; attempt++) {
    const verdict = compare(pointOf(names, attempt));
    if (verdict === false) return false;
    if (verdict) decided++;
    // Without variables every point is the same point.
    else if (names.length === 0) return false;
  }
  return decided === needed;
}

function sameFormula(a: Node, b: Node): boolean {
  return holdsEverywhere(variablesOf(a, b), (point) => sameNumber(evaluate(a, point), evaluate(b, point)));
}

/**
 * Relations with the same solutions up to a constant factor: y = 2x + 3 and 2x − y + 3 = 0. The factor
 * must be positive for an inequality.
 */
function sameRelation(a: Node & { kind: 'relation' }, b: Node & { kind: 'relation' }): boolean {
  const [x, y] = [difference(a), difference(b)];
  if (x === null || y === null || x.operator !== y.operator) return false;
  const signMatters = x.operator !== '=' && x.operator !== '!=';
  let factor: Value | null = null;
  return holdsEverywhere(variablesOf(x.node, y.node), (point) => {
    const ratio = combine('divide', [evaluate(x.node, point), evaluate(y.node, point)]);
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
