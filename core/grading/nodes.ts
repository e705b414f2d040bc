/**
 * What an answer means: a small tree.
 *
 * Owns: the types of the tree and the few questions asked of it everywhere. It is built by parse.ts,
 * given numbers by evaluate.ts and compared by equivalence.ts.
 */
import type { Exact } from './exact.ts';

export type Node =
  /** A literal; `places` are the digits after its decimal point, where it was written with one. */
  | { kind: 'number'; value: Exact; places?: number }
  /** A variable, or one of the constants pi, e, i and infinity. */
  | { kind: 'symbol'; name: string }
  /** A sum, product, power, function …: `name` is a key of the table in evaluate.ts, or ± or ∓. */
  | { kind: 'operation'; name: string; operands: Node[] }
  /** Bracketed and ordered, except in braces: point, interval, vector ⟨…⟩, ratio (open ":"), set (open "{"). */
  | { kind: 'collection'; open: string; close: string; items: Node[] }
  /** Several answers, in any order. */
  | { kind: 'list'; items: Node[] }
  | { kind: 'union'; items: Node[] }
  /** Sets of reals combined: what is in both, or in the first only. */
  | { kind: 'intersection' | 'difference'; items: Node[] }
  | { kind: 'matrix'; rows: Node[][] }
  /** a < b ≤ c has three operands and two operators. */
  | { kind: 'relation'; operands: Node[]; operators: string[] }
  /** Digits written with their base, as 1010_2. */
  | { kind: 'based'; digits: string; base: number }
  | { kind: 'quantity'; value: Node; unit: string };

export function operation(name: string, ...operands: Node[]): Node {
  return { kind: 'operation', name, operands };
}

function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'operation':
    case 'relation':
      return node.operands;
    case 'collection':
    case 'list':
    case 'union':
    case 'intersection':
    case 'difference':
      return node.items;
    case 'matrix':
      return node.rows.flat();
    case 'quantity':
      return [node.value];
    default:
      return [];
  }
}

/** Whether any node of the tree satisfies the predicate. */
export function some(node: Node, predicate: (node: Node) => boolean): boolean {
  return predicate(node) || childrenOf(node).some((child) => some(child, predicate));
}

/** Names that stand for numbers; every other symbol is a variable. Infinity is compared like a variable. */
export const constants: ReadonlySet<string> = new Set(['pi', 'e', 'i']);

/** Adds the names of the variables in a tree to `names`. */
export function collectVariables(node: Node, names: Set<string>): void {
  if (node.kind === 'symbol' && !constants.has(node.name)) names.add(node.name);
  for (const child of childrenOf(node)) collectVariables(child, names);
}
