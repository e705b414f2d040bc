/**
 * Whether two answers are the same answer.
 *
 * Owns: the rules of sameness for every kind of answer: sets and lists in any order, points and intervals in
 * theirs, brackets included; words word by word; units and percent. Formulas are compared by sampling.ts.
 * Nothing is ever reduced to less than its value, so 12 is never 21 (METHOD §7.1 B18); what cannot be told is
 * undecided, never the same.
 */
import { type Answer, readAnswer } from './answer.ts';
import { basedValue } from './evaluate.ts';
import { equalExact } from './exact.ts';
import { asExpression, asInterval, isApplication, isUnknown, itemsOf, namedValues, withoutSteps } from './forms.ts';
import { hasMatrix, matrixOf, vectorOf } from './matrices.ts';
import { type Node, constants, some } from './nodes.ts';
import { sameRealSet } from './realSets.ts';
import { type Sameness, every, isArithmetic, sameFormula, sameRelation } from './sampling.ts';
import { canonicalUnit, unitLetters } from './units.ts';

const MAX_ITEMS = 64;

/** Whether two answers, as written, are certainly equivalent. False when either cannot be read. */
export function equivalent(a: string, b: string): boolean {
  const [left, right] = [readAnswer(a), readAnswer(b)];
  return left !== null && right !== null && sameAnswer(left, right) === true;
}

/** Whether two answers are equivalent. Symmetric. */
export function sameAnswer(a: Answer, b: Answer): Sameness {
  if (a.choice !== null || b.choice !== null) {
    // Of "B" and "B) 12 cm" one must be the bare letter, or any two sentences starting alike would agree.
    if (a.leadingChoice !== null && a.leadingChoice === b.leadingChoice) return true;
  }
  if (a.spelling !== '' && a.spelling === b.spelling) return true;
  if (isReadAs(a.decimalComma, b.formula) || isReadAs(b.decimalComma, a.formula)) return true;
  if (a.formula !== null && b.formula !== null) return sameNode(a.formula, b.formula);
  return a.words !== null && a.words === b.words;
}

/** "1,22" is read as 1.22 only where the other answer is one number: else it is two. */
function isReadAs(decimal: Node | null, other: Node | null): boolean {
  if (decimal === null || other === null) return false;
  const number = withoutUnit(other).value;
  const bare = number.kind === 'operation' && number.name === 'negate' ? number.operands[0]! : number;
  return bare.kind === 'number' && sameFormula(decimal, number) === true;
}

/** Whether an answer can be told from others: it is certainly the same as itself, without a look at its spelling. */
export function isComparable(answer: Answer): boolean {
  return answer.formula === null
    ? answer.words !== null || answer.choice !== null
    : sameNode(answer.formula, answer.formula) === true;
}

function sameNode(a: Node, b: Node): Sameness {
  const [x, y] = [measured(a, b), measured(b, a)];
  if (x.unit !== '' && y.unit !== '' && x.unit !== y.unit) return false;
  const same = sameValue(x.value, y.value);
  if (same !== false) return same;
  return samePercent(x.value, y.value) || samePercent(y.value, x.value);
}

interface Measured {
  value: Node;
  unit: string;
}

/** A value and its unit, beside what it is compared with: "∠A = 45°" is 45 degrees unless the other names an unknown too. */
function measured(node: Node, other: Node): Measured {
  const outer = withoutUnit(node);
  if (outer.value.kind !== 'relation' || withoutUnit(other).value.kind === 'relation') {
    return isConstant(other) ? lettersAsUnit(outer) : outer;
  }
  const inner = withoutUnit(asExpression(outer.value));
  return { value: inner.value, unit: inner.unit || outer.unit };
}

function withoutUnit(node: Node): Measured {
  if (node.kind === 'quantity') return { value: withoutUnit(node.value).value, unit: node.unit };
  if (node.kind === 'operation' && node.name === 'degree') return { value: node.operands[0]!, unit: 'degree' };
  return { value: node, unit: '' };
}

/** Beside a mere number "5 m" and "5 m²" are metres, although elsewhere m is a variable. */
function lettersAsUnit(given: Measured): Measured {
  const node = given.value;
  if (given.unit !== '' || node.kind !== 'operation' || node.name !== 'multiply' || node.operands.length !== 2)
    return given;
  const [value, last] = node.operands as [Node, Node];
  const isPower = last.kind === 'operation' && last.name === 'power' && last.operands[1]!.kind === 'number';
  const letter = isPower ? last.operands[0]! : last;
  if (!isConstant(value) || letter.kind !== 'symbol' || !unitLetters.has(letter.name)) return given;
  const exponent = isPower ? last.operands[1]! : null;
  const parts = exponent?.kind === 'number' ? [letter.name, `^${exponent.value.re}`] : [letter.name];
  return { value, unit: canonicalUnit(parts) };
}

/** Whether a node is arithmetic without variables. */
function isConstant(node: Node): boolean {
  const { value } = withoutUnit(node);
  return isArithmetic(value) && !some(value, (part) => part.kind === 'symbol' && !constants.has(part.name));
}

/** 50 % is what is meant by 50 where percent are asked for; as 0.5 it is compared anyway. */
function samePercent(a: Node, b: Node): boolean {
  return isPercent(a) && !isPercent(b) && sameValue(a.operands[0]!, b) === true;
}

function isPercent(node: Node): node is Node & { kind: 'operation' } {
  return node.kind === 'operation' && node.name === 'percent';
}

function sameValue(a: Node, b: Node): Sameness {
  const [left, right] = [withoutSteps(a), withoutSteps(b)];
  const sameSet = sameRealSet(left, right);
  if (sameSet !== null) return sameSet;
  if (left.kind === 'relation' && right.kind === 'relation') {
    const same = sameEquation(left, right);
    if (same === true || !describesSet(left) || !describesSet(right)) return same || sameFunction(left, right);
  }
  const named = sameNamed(left, right);
  if (named !== null) return named.result;
  const [x, y] = [reduced(left), reduced(right)];
  const [items, others] = [itemsOf(x), itemsOf(y)];
  if (items !== null || others !== null) return sameItems(items ?? [x], others ?? [y]);
  if (hasMatrix(x) || hasMatrix(y)) return sameMatrix(x, y);
  if (x.kind === 'collection' && y.kind === 'collection') {
    const alike = x.open === y.open && x.close === y.close;
    return (alike || (isVector(x) && isVector(y))) && pairwise(x.items, y.items);
  }
  if (x.kind === 'based' || y.kind === 'based') return sameBased(x, y);
  return isArithmetic(x) && isArithmetic(y) && sameFormula(x, y);
}

/** Relations that give the same unknown the same value, or have the same solutions. */
function sameEquation(a: Node & { kind: 'relation' }, b: Node & { kind: 'relation' }): Sameness {
  const [x, y] = [a.operands[0]!, b.operands[0]!];
  const isDefinition = [a, b].every(({ operators }) => operators.length === 1 && operators[0] === '=');
  if (
    isDefinition &&
    isUnknown(x) &&
    isUnknown(y) &&
    isArithmetic(x) &&
    isArithmetic(y) &&
    sameFormula(x, y) === true
  ) {
    const same = sameNode(a.operands[1]!, b.operands[1]!);
    if (same !== false) return same;
  }
  return sameRelation(a, b);
}

/** Whether a relation says which numbers its unknown may be: an inequality or a membership. */
function describesSet(relation: Node & { kind: 'relation' }): boolean {
  return relation.operators.some((operator) => operator !== '=' && operator !== '!=');
}

/** "f(x) = 2x + 3" and "y = 2x + 3" define the same function; "x = 5" and "y = 5" say different things. */
function sameFunction(a: Node & { kind: 'relation' }, b: Node & { kind: 'relation' }): Sameness {
  const [f, g] = [a.operands[0]!, b.operands[0]!];
  const isY = (node: Node): boolean => node.kind === 'symbol' && node.name === 'y';
  if (!(isApplication(f) && isY(g)) && !(isY(f) && isApplication(g))) return false;
  return sameValue(asExpression(a), asExpression(b));
}

/** Values of several unknowns: by name where both name them, in the order of the names where one does. */
function sameNamed(a: Node, b: Node): { result: Sameness } | null {
  const [x, y] = [namedValues(a), namedValues(b)];
  if (x === null && y === null) return null;
  if (x !== null && y !== null) {
    if (x.length !== y.length) return { result: false };
    return { result: every(x, ([name, value], i) => y[i]![0] === name && sameNode(value, y[i]![1])) };
  }
  const values = (x ?? y)!.map(([, value]) => value);
  const other = asExpression(x === null ? a : b);
  const isPoint = other.kind === 'list' || (other.kind === 'collection' && other.open === '(');
  return { result: isPoint && pairwise(values, other.items) };
}

/** A relation as the value or set it gives its unknown; a true chain of equations (3 + 4 = 7) as its last member. */
function reduced(node: Node): Node {
  const value = asInterval(asExpression(node));
  if (value.kind !== 'relation' || value.operators.some((operator) => operator !== '=')) return value;
  const members = isUnknown(value.operands[0]!) ? value.operands.slice(1) : value.operands;
  const last = members.at(-1)!;
  return members.every((member) => isArithmetic(member) && sameFormula(member, last) === true) ? last : value;
}

function pairwise(a: readonly Node[], b: readonly Node[]): Sameness {
  return a.length === b.length && every(a, (item, i) => sameNode(item, b[i]!));
}

/** The same items in any order, each as often. */
function sameItems(a: readonly Node[], b: readonly Node[]): Sameness {
  if (a.length !== b.length || a.length > MAX_ITEMS) return false;
  const rest = [...b];
  let isCertain = true;
  for (const item of a) {
    const results = rest.map((other) => sameNode(item, other));
    const found = results.includes(true) ? results.indexOf(true) : results.indexOf(null);
    if (found < 0) return false;
    isCertain &&= results[found] === true;
    rest.splice(found, 1);
  }
  return isCertain ? true : null;
}

/** ⟨1, 2⟩ and (1, 2) are notations of one vector. */
function isVector(node: Node & { kind: 'collection' }): boolean {
  return (node.open === '(' && node.close === ')') || node.open === '⟨';
}

/** Matrices entry by entry; a single row or column also against the same vector in brackets. */
function sameMatrix(a: Node, b: Node): Sameness {
  const [x, y] = [matrixOf(a), matrixOf(b)];
  if (x !== null && y !== null) return x.length === y.length && every(x, (row, i) => pairwise(row, y[i]!));
  const rows = x ?? y;
  const other = x === null ? a : b;
  const vector = rows === null ? null : vectorOf(rows);
  return vector !== null && other.kind === 'collection' && '([⟨'.includes(other.open) && pairwise(vector, other.items);
}

/** 52 with base 8 and 52 without are different numbers, and a base that was asked for must be written. */
function sameBased(a: Node, b: Node): Sameness {
  if (a.kind !== 'based' || b.kind !== 'based') return false;
  const [x, y] = [basedValue(a.digits, a.base), basedValue(b.digits, b.base)];
  return x !== null && y !== null && equalExact(x, y);
}
