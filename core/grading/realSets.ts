/**
 * Sets of real numbers: unions, intersections and differences of intervals, points and inequalities.
 *
 * Owns: whether two of them contain the same numbers, however they are put together: (2, 12) ∪ (12, 102) is
 * (2, 102) without 12, and "x ≠ 3" is everything below and above 3. All boundaries of both sets cut the line into
 * points and gaps; the sets are the same when they contain the same of those.
 */
import { agree, isUsable } from './approximate.ts';
import { evaluate, toApproximate } from './evaluate.ts';
import { asExpression, asInterval, isUnknown } from './forms.ts';
import type { Node } from './nodes.ts';
import { isArithmetic } from './sampling.ts';

const MAX_BOUNDARIES = 64;
const infinity = { re: Infinity, im: 0, error: 0 };

type Boundary = ReturnType<typeof toApproximate>;

/** Whether two nodes are the same set of reals; null when either is not put together from intervals and points. */
export function sameRealSet(a: Node, b: Node): boolean | null {
  if (!isComposite(a) && !isComposite(b)) return null;
  const boundaries: Boundary[] = [];
  if (!collect(a, boundaries) || !collect(b, boundaries) || boundaries.length > MAX_BOUNDARIES) return null;
  boundaries.sort((x, y) => x.re - y.re);
  const distinct = boundaries.filter((x, i) => i === 0 || !agree(x, boundaries[i - 1]!));
  // Even cells are gaps, odd cells are boundaries.
  for (let cell = 0; cell <= 2 * distinct.length; cell++) {
    if (contains(a, cell, distinct) !== contains(b, cell, distinct)) return false;
  }
  return true;
}

/** Whether a node is put together in a way that needs looking at what it contains. */
function isComposite(node: Node): boolean {
  switch (node.kind) {
    case 'union':
    case 'intersection':
    case 'difference':
      return true;
    case 'symbol':
      return node.name === 'reals';
    case 'list':
      return node.items.some((item) => item.kind === 'relation' && /^[<>!]/.test(item.operators[0]!));
    case 'relation': {
      const expression = asExpression(node);
      return isUnequal(node) || (expression !== node && isComposite(expression));
    }
    default:
      return false;
  }
}

function isUnequal(node: Node): node is Node & { kind: 'relation' } {
  return node.kind === 'relation' && node.operators.length === 1 && node.operators[0] === '!=';
}

/** What a set is made of: its parts, or the two ends of an interval, or points. */
type Shape =
  | { kind: 'parts'; how: 'union' | 'intersection' | 'difference'; parts: readonly Node[] }
  | { kind: 'interval'; low: Node; high: Node; lowClosed: boolean; highClosed: boolean }
  | { kind: 'points'; points: readonly Node[] }
  | { kind: 'complement'; points: readonly Node[] };

function shapeOf(given: Node): Shape | null {
  if (isUnequal(given)) {
    const [left, right] = given.operands as [Node, Node];
    return isUnknown(left) ? { kind: 'complement', points: [right] } : null;
  }
  const node = asInterval(asExpression(given));
  if (node.kind === 'union' || node.kind === 'intersection' || node.kind === 'difference') {
    return { kind: 'parts', how: node.kind, parts: node.items };
  }
  if (node.kind === 'list') {
    // "x ≠ 1, 3" and "x ≠ 1 and x ≠ 3" exclude both.
    const excluded = node.items.some(isUnequal);
    if (excluded) return { kind: 'parts', how: 'intersection', parts: excludingEach(node.items) };
    return { kind: 'parts', how: 'union', parts: node.items };
  }
  if (node.kind === 'symbol' && node.name === 'reals') return { kind: 'complement', points: [] };
  if (node.kind === 'symbol' && node.name === 'emptyset') return { kind: 'points', points: [] };
  if (node.kind !== 'collection') return node === given ? null : { kind: 'points', points: [node] };
  if (node.open === '{') return { kind: 'points', points: node.items };
  const [low, high] = node.items;
  if (!'(['.includes(node.open) || node.items.length !== 2) return null;
  return { kind: 'interval', low: low!, high: high!, lowClosed: node.open === '[', highClosed: node.close === ']' };
}

function excludingEach(items: readonly Node[]): Node[] {
  const first = items.find(isUnequal)!;
  return items.map((item) => (item.kind === 'relation' ? item : { ...first, operands: [first.operands[0]!, item] }));
}

function boundaryOf(node: Node): Boundary | null {
  if (node.kind === 'symbol' && node.name === 'infinity') return infinity;
  if (node.kind === 'operation' && node.name === 'negate' && boundaryOf(node.operands[0]!) === infinity) {
    return { ...infinity, re: -Infinity };
  }
  if (!isArithmetic(node)) return null;
  const value = toApproximate(evaluate(node, new Map()));
  return isUsable(value) && value.im === 0 ? value : null;
}

/** Adds all finite boundaries of a set; false when it is none. */
function collect(node: Node, boundaries: Boundary[]): boolean {
  const shape = shapeOf(node);
  if (shape === null) return false;
  if (shape.kind === 'parts') return shape.parts.every((part) => collect(part, boundaries));
  for (const end of shape.kind === 'interval' ? [shape.low, shape.high] : shape.points) {
    const boundary = boundaryOf(end);
    if (boundary === null) return false;
    if (Number.isFinite(boundary.re)) boundaries.push(boundary);
  }
  return true;
}

/** Whether a set, for which `collect` was true, contains a cell. */
function contains(node: Node, cell: number, boundaries: readonly Boundary[]): boolean {
  const shape = shapeOf(node)!;
  const cellOf = (end: Node): number => {
    const boundary = boundaryOf(end)!;
    if (!Number.isFinite(boundary.re)) return boundary.re < 0 ? -1 : 2 * boundaries.length + 1;
    return 2 * boundaries.findIndex((other) => agree(other, boundary)) + 1;
  };
  if (shape.kind === 'interval') {
    const [low, high] = [cellOf(shape.low), cellOf(shape.high)];
    return (cell > low || (cell === low && shape.lowClosed)) && (cell < high || (cell === high && shape.highClosed));
  }
  if (shape.kind !== 'parts') {
    return shape.points.some((point) => cellOf(point) === cell) === (shape.kind === 'points');
  }
  const inside = shape.parts.map((part) => contains(part, cell, boundaries));
  if (shape.how === 'union') return inside.includes(true);
  if (shape.how === 'intersection') return !inside.includes(false);
  return inside[0]! && !inside.slice(1).includes(true);
}
