/**
 * Matrices and what is computed with them.
 *
 * Owns: sums, products, multiples and transposes of matrices as one matrix of formulas, so that a matrix left as
 * "2 · (1, 2)ᵀ" is compared entry by entry like one that was written out.
 */
import { type Node, operation, some } from './nodes.ts';

type Rows = readonly (readonly Node[])[];

const MAX_SIDE = 12;
/** Matrices in one answer: each factor of a product multiplies the size of the entries. */
const MAX_MATRICES = 6;

/** Whether a matrix occurs anywhere in a node. */
export function hasMatrix(node: Node): boolean {
  return some(node, (part) => part.kind === 'matrix');
}

/** The rows of what a node amounts to when it is computed; null when it is no matrix, or too much work. */
export function matrixOf(node: Node): Rows | null {
  let count = 0;
  some(node, (part) => part.kind === 'matrix' && ++count > MAX_MATRICES);
  return count > MAX_MATRICES ? null : computed(node);
}

function computed(node: Node): Rows | null {
  if (node.kind === 'matrix') return isRectangle(node.rows) ? node.rows : null;
  if (node.kind !== 'operation' || !hasMatrix(node)) return null;
  const [first, second] = node.operands as [Node, Node?];
  switch (node.name) {
    case 'add':
      return node.operands.map(computed).reduce((sum, next) => sum && next && combined(sum, next));
    case 'negate':
      return scaled(computed(first), (entry) => operation('negate', entry));
    case 'divide':
      return hasMatrix(second!) ? null : scaled(computed(first), (entry) => operation('divide', entry, second!));
    case 'multiply':
      return product(node.operands);
    case 'power':
      return second?.kind === 'symbol' && (second.name === 'T' || second.name === 'top') ? transposed(first) : null;
    default:
      return null;
  }
}

function isRectangle(rows: Rows): boolean {
  const width = rows[0]?.length ?? 0;
  return rows.length <= MAX_SIDE && width <= MAX_SIDE && width > 0 && rows.every((row) => row.length === width);
}

function combined(a: Rows, b: Rows): Rows | null {
  if (a.length !== b.length || a[0]!.length !== b[0]!.length) return null;
  return a.map((row, i) => row.map((entry, j) => operation('add', entry, b[i]![j]!)));
}

function scaled(rows: Rows | null, scale: (entry: Node) => Node): Rows | null {
  return rows === null ? null : rows.map((row) => row.map(scale));
}

function transposed(node: Node): Rows | null {
  const rows = computed(node);
  return rows === null ? null : rows[0]!.map((_, j) => rows.map((row) => row[j]!));
}

function product(factors: readonly Node[]): Rows | null {
  let rows: Rows | null = null;
  const scalars: Node[] = [];
  for (const factor of factors) {
    if (!hasMatrix(factor)) {
      scalars.push(factor);
      continue;
    }
    const next = computed(factor);
    if (next === null) return null;
    rows = rows === null ? next : multiplied(rows, next);
    if (rows === null) return null;
  }
  return scalars.length === 0 ? rows : scaled(rows, (entry) => operation('multiply', ...scalars, entry));
}

function multiplied(a: Rows, b: Rows): Rows | null {
  if (a[0]!.length !== b.length) return null;
  return a.map((row) =>
    b[0]!.map((_, j) => operation('add', ...row.map((entry, k) => operation('multiply', entry, b[k]![j]!)))),
  );
}

/** The entries of a matrix with one row or one column, from first to last; null for other matrices. */
export function vectorOf(rows: Rows): readonly Node[] | null {
  if (rows.length === 1) return rows[0]!;
  return rows.every((row) => row.length === 1) ? rows.map((row) => row[0]!) : null;
}
