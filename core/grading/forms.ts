/**
 * One notation of an answer turned into another that says the same.
 *
 * Owns: "x = 5" as 5, "x ≥ 3" and "x ∈ [3, ∞)" as an interval, "1 ± √2" as two answers. What is then
 * compared with what is equivalence.ts.
 */
import { type Node, constants, operation, some } from './nodes.ts';

/** Functions are written f(x) = …: a product to the parser, a name on the left of an equation. */
const functionNames = new Set(['f', 'g', 'h', 'p', 'q', 'P', 'Q', 'F', 'G', 'H', 'V', 'A', 'S', 'T']);

/** Whether a node is a function applied to something, as f(x), f'(2) or f^{-1}(x). */
export function isApplication(node: Node): boolean {
  if (node.kind !== 'operation' || node.name !== 'multiply' || node.operands.length !== 2) return false;
  const first = node.operands[0]!;
  const base = first.kind === 'operation' && first.name === 'power' ? first.operands[0]! : first;
  return base.kind === 'symbol' && functionNames.has(base.name.replace(/'+$/, ''));
}

/** Whether a node is a product of capital letters: a segment AB or a triangle ABC. */
function isSegment(node: Node): boolean {
  if (node.kind !== 'operation' || node.name !== 'multiply') return false;
  return node.operands.every((operand) => operand.kind === 'symbol' && /^[A-Z]$/.test(operand.name));
}

/** Whether a node is dy/dx. */
function isDerivative(node: Node): boolean {
  if (node.kind !== 'operation' || node.name !== 'divide') return false;
  return node.operands.every((part) => {
    const first = part.kind === 'operation' && part.name === 'multiply' ? part.operands[0]! : part;
    return first.kind === 'symbol' && first.name === 'd';
  });
}

/** Whether a side of a relation only names the unknown: x, a_n, f(x), AB, dy/dx, (x, y). */
export function isUnknown(node: Node): boolean {
  if (node.kind === 'collection') return node.items.length > 0 && node.items.every(isUnknown);
  if (node.kind === 'symbol') return !constants.has(node.name) && !namedSets.has(node.name);
  return isApplication(node) || isSegment(node) || isDerivative(node);
}

/** Symbols that name no number and no unknown. */
const namedSets = new Set(['infinity', 'reals', 'emptyset', 'dots']);

/** "x = 4 + 7 = 11" as "x = 11": steps on the way to the value are not part of the answer. Other nodes as they are. */
export function withoutSteps(node: Node): Node {
  if (node.kind !== 'relation' || node.operands.length < 3 || node.operators.some((operator) => operator !== '=')) {
    return node;
  }
  const first = node.operands[0]!;
  return isUnknown(first) ? { ...node, operands: [first, node.operands.at(-1)!], operators: ['='] } : node;
}

/** What an equation "unknown = value" or a membership "x ∈ set" says of its unknown; other nodes as they are. */
export function asExpression(given: Node): Node {
  const node = withoutSteps(given);
  if (node.kind !== 'relation' || node.operands.length !== 2) return node;
  const [left, right] = node.operands as [Node, Node];
  const operator = node.operators[0];
  if (operator === '∈') return isUnknown(left) ? right : node;
  if (operator !== '=') return node;
  if (isUnknown(left)) return right;
  return isUnknown(right) ? left : node;
}

/**
 * The values of several different unknowns, "x = 1, y = 2", in the order of their names; null for anything else.
 * Several values of one unknown are a list.
 */
export function namedValues(node: Node): [name: string, value: Node][] | null {
  if (node.kind !== 'list') return null;
  const values = new Map<string, Node>();
  for (const item of node.items) {
    if (item.kind !== 'relation' || item.operators[0] !== '=') return null;
    const [first, ...rest] = item.operands;
    if (first?.kind !== 'symbol' || !isUnknown(first) || values.has(first.name)) return null;
    values.set(first.name, rest.at(-1)!);
  }
  return values.size < 2 ? null : [...values].sort(([a], [b]) => (a < b ? -1 : 1));
}

const infinity: Node = { kind: 'symbol', name: 'infinity' };

/** An inequality on one unknown as an interval; other nodes as they are. */
export function asInterval(node: Node): Node {
  if (node.kind !== 'relation') return node;
  const directions = new Set(node.operators.map((operator) => operator[0]));
  if (directions.size !== 1 || (!directions.has('<') && !directions.has('>'))) return node;
  // Read from small to large.
  const falling = directions.has('>');
  const operands = falling ? node.operands.toReversed() : node.operands;
  const operators = falling ? node.operators.toReversed() : node.operators;
  const closed = operators.map((operator) => operator.endsWith('='));
  const [first, second, third] = operands as [Node, Node, Node?];
  if (operands.length === 3 && third !== undefined && isUnknown(second)) {
    return interval(closed[0] ? '[' : '(', first, third, closed[1] ? ']' : ')');
  }
  if (operands.length !== 2) return node;
  if (isUnknown(first)) return interval('(', operation('negate', infinity), second, closed[0] ? ']' : ')');
  return isUnknown(second) ? interval(closed[0] ? '[' : '(', first, infinity, ')') : node;
}

function interval(open: string, low: Node, high: Node, close: string): Node {
  return { kind: 'collection', open, close, items: [low, high] };
}

/** Whether a node is a ± or a ∓. */
function isPlusMinus(node: Node): boolean {
  return node.kind === 'operation' && (node.name === '±' || node.name === '∓');
}

/** The separate answers in a list, a set, a union or an expression with ±; null when there is but one. */
export function itemsOf(node: Node): Node[] | null {
  if (node.kind === 'list' || node.kind === 'union' || (node.kind === 'collection' && node.open === '{')) {
    return node.items.flatMap((item) => itemsOf(asExpression(item)) ?? [item]);
  }
  return some(node, isPlusMinus) ? [withSigns(node, 1), withSigns(node, -1)] : null;
}

/** A formula with every ± read as + (sign 1) or as − (sign −1), and every ∓ the other way. */
function withSigns(node: Node, sign: 1 | -1): Node {
  switch (node.kind) {
    case 'operation': {
      const operands = node.operands.map((operand) => withSigns(operand, sign));
      if (!isPlusMinus(node)) return { ...node, operands };
      const last = operands.at(-1)!;
      const signed = (node.name === '±') === (sign === 1) ? last : operation('negate', last);
      return operands.length === 1 ? signed : operation('add', operands[0]!, signed);
    }
    case 'relation':
      return { ...node, operands: node.operands.map((operand) => withSigns(operand, sign)) };
    case 'collection':
    case 'list':
    case 'union':
      return { ...node, items: node.items.map((item) => withSigns(item, sign)) };
    default:
      return node;
  }
}
