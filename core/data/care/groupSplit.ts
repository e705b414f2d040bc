/**
 * Holding problems out so that no group is on both sides.
 *
 * Owns: the draw. What a group is (a cluster of duplicates, a value of a column) is the caller's; several kinds of
 * group at once are joined, so that neither straddles.
 */
import { RandomSequence, Stream } from '#core/util/rng.ts';

/**
 * Numbers that are equal where any of the given groupings puts two problems together, directly or through others.
 * @param groupings each one value per problem; null is in no group
 */
export function joinGroups(problems: number, groupings: readonly (readonly (string | number | null)[])[]): Int32Array {
  const parent = Int32Array.from({ length: problems }, (_, i) => i);
  const find = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root] = parent[parent[root]!]!;
    return root;
  };
  for (const grouping of groupings) {
    const first = new Map<string | number, number>();
    for (let i = 0; i < problems; i++) {
      const value = grouping[i] ?? null;
      if (value === null) continue;
      const known = first.get(value);
      if (known === undefined) first.set(value, i);
      else {
        const [a, b] = [find(known), find(i)];
        parent[Math.max(a, b)] = Math.min(a, b);
      }
    }
  }
  return Int32Array.from({ length: problems }, (_, i) => find(i));
}

export interface GroupSplit {
  /** 1 where a problem is held out. */
  heldout: Uint8Array<ArrayBuffer>;
  heldoutProblems: number;
  groups: number;
  /** Problems of the largest group: a share below it cannot be met without it. */
  largestGroup: number;
}

/**
 * Draws whole groups, in random order, as long as each brings the held-out part nearer to its size. The same for the
 * same groups and seed.
 * @param group per problem the number of its group
 * @param fraction share of the problems to hold out, in (0, 1)
 */
export function splitByGroup(group: Int32Array, fraction: number, seed: number): GroupSplit {
  const sizes = new Map<number, number>();
  for (const each of group) sizes.set(each, (sizes.get(each) ?? 0) + 1);
  const wanted = fraction * group.length;
  const order = new RandomSequence(seed, Stream.selection).shuffled([...sizes.keys()]);
  const chosen = new Set<number>();
  let heldoutProblems = 0;
  for (const each of order) {
    const size = sizes.get(each)!;
    if (Math.abs(heldoutProblems + size - wanted) >= Math.abs(heldoutProblems - wanted)) continue;
    chosen.add(each);
    heldoutProblems += size;
  }
  const heldout = Uint8Array.from(group, (each) => Number(chosen.has(each)));
  let largestGroup = 0;
  for (const size of sizes.values()) largestGroup = Math.max(largestGroup, size);
  return { heldout, heldoutProblems, groups: sizes.size, largestGroup };
}
