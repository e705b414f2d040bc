/**
 * Clusters of problems that are the same: word for word, or nearly.
 *
 * Owns: the rule of what is a duplicate and finding all of them in one pass over a stream of problems. Exact: the
 * same words, numbers, signs and images. Near: the same figures (words.ts) and images, and a Jaccard similarity of
 * the three-word shingles of at least the threshold. So two problems that differ in a number are never duplicates.
 * Candidates come from MinHash bands keyed with the figures; every candidate is verified by its exact similarity, so
 * nothing below the threshold links two problems. Clusters are what such links connect: two members of one may be
 * less alike than the threshold, and each tells its similarity to the first.
 *
 * Deterministic: the same problems in the same order give the same clusters. Memory: 140 bytes a problem and four
 * bytes a word; texts are not kept.
 */
import { AresError } from '#core/util/errors.ts';
import { GrowingUint32 } from './growing.ts';
import { hashText } from './hashing.ts';
import { BANDS, SIGNATURE_LENGTH, bandKeysInto, signatureInto } from './minHash.ts';
import { jaccard, shinglesOf } from './shingles.ts';
import type { Words } from './words.ts';

/** A key of 32 bits and a number of a problem share the 53 bits of a float. */
const MAX_PROBLEMS = 2 ** 21;

/** Earlier problems of one bucket that a problem is compared with: bounds what adversarial data can cost. */
const MAX_COMPARED = 500;

export interface DuplicateMember {
  /** Number of the problem, in the order in which they were added. */
  problem: number;
  /** Number of the first problem of its cluster. */
  first: number;
  /** Jaccard similarity to the first; 1 for itself and for exact duplicates. */
  similarity: number;
}

export interface Duplicates {
  /** Members of clusters of two or more, cluster by cluster, in the order of the problems. */
  members: DuplicateMember[];
  /** Comparisons that were left out because a bucket was too large; 0 unless the data are adversarial. */
  skippedComparisons: number;
}

export class DuplicateFinder {
  readonly #threshold: number;
  /** Exact identity (two independent hashes) to the first problem that has it. */
  readonly #known = new Map<string, number>();
  /** Per problem the first with the same words; itself mostly. */
  readonly #sameAs = new GrowingUint32();
  /** The others are only looked at here: shingles, where they begin, band keys. */
  readonly #shingles = new GrowingUint32();
  readonly #starts = new GrowingUint32();
  readonly #distinct = new GrowingUint32();
  readonly #bands = new GrowingUint32();
  /** What must be equal besides the shingles, as two independent hashes each. */
  readonly #contexts = new GrowingUint32();
  readonly #signature = new Uint32Array(SIGNATURE_LENGTH);

  /** @param threshold Jaccard similarity in (0, 1] from which on two problems are near duplicates */
  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  get problems(): number {
    return this.#sameAs.length;
  }

  /** @param images what tells its images from others, in order */
  add({ words, figures }: Words, images: readonly string[]): void {
    const problem = this.#sameAs.length;
    if (problem >= MAX_PROBLEMS) {
      throw new AresError(
        'unsupported',
        `More than ${MAX_PROBLEMS.toLocaleString('en')} problems cannot be checked at once.`,
        {
          hint: 'Check a part of them.',
        },
      );
    }
    const context = `${figures}\n${images.join('\n')}`;
    const text = `${words.join(' ')}\n${context}`;
    const identity = `${hashText(text, 1)} ${hashText(text, 2)}`;
    const known = this.#known.get(identity);
    this.#sameAs.push(known ?? problem);
    if (known !== undefined) return;
    this.#known.set(identity, problem);
    const shingles = shinglesOf(words);
    this.#distinct.push(problem);
    const contextHash = hashText(context, 1);
    this.#contexts.push(contextHash);
    this.#contexts.push(hashText(context, 2));
    this.#starts.push(this.#shingles.length);
    this.#shingles.append(shingles);
    signatureInto(this.#signature, shingles);
    const at = this.#bands.extend(BANDS);
    bandKeysInto(this.#bands.values, at, this.#signature, contextHash);
  }

  /** @param progress called after each band with the share that is done */
  finish(progress: (share: number) => void = () => undefined): Duplicates {
    const count = this.#distinct.length;
    this.#starts.push(this.#shingles.length);
    const parent = Int32Array.from({ length: count }, (_, i) => i);
    const find = (i: number): number => {
      let root = i;
      while (parent[root] !== root) root = parent[root] = parent[parent[root]!]!;
      return root;
    };
    const keyed = new Float64Array(count);
    let skipped = 0;
    for (let band = 0; band < BANDS; band++) {
      // Sorted by key, then by number: equal keys stand together, and the order does not depend on chance.
      const keys = this.#bands.values;
      for (let i = 0; i < count; i++) keyed[i] = keys[i * BANDS + band]! * MAX_PROBLEMS + i;
      keyed.sort();
      for (let start = 0; start < count;) {
        const key = Math.floor(keyed[start]! / MAX_PROBLEMS);
        let end = start + 1;
        while (end < count && Math.floor(keyed[end]! / MAX_PROBLEMS) === key) end++;
        for (let i = start + 1; i < end; i++) {
          const later = keyed[i]! % MAX_PROBLEMS;
          const from = Math.max(start, i - MAX_COMPARED);
          skipped += from - start;
          for (let j = from; j < i; j++) {
            const earlier = keyed[j]! % MAX_PROBLEMS;
            const [a, b] = [find(earlier), find(later)];
            if (a === b || !this.#isNear(earlier, later)) continue;
            parent[Math.max(a, b)] = Math.min(a, b);
          }
        }
        start = end;
      }
      progress((band + 1) / BANDS);
    }
    return { members: this.#members(find), skippedComparisons: skipped };
  }

  #setOf(i: number): Uint32Array {
    return this.#shingles.values.subarray(this.#starts.values[i], this.#starts.values[i + 1]);
  }

  #isNear(a: number, b: number): boolean {
    const contexts = this.#contexts.values;
    if (contexts[2 * a] !== contexts[2 * b] || contexts[2 * a + 1] !== contexts[2 * b + 1]) return false;
    const [first, second] = [this.#setOf(a), this.#setOf(b)];
    const [less, more] = [Math.min(first.length, second.length), Math.max(first.length, second.length)];
    // The most that sets of these sizes can have in common.
    return less / more >= this.#threshold && jaccard(first, second) >= this.#threshold;
  }

  #members(find: (distinct: number) => number): DuplicateMember[] {
    const distinctOf = new Map<number, number>();
    for (let i = 0; i < this.#distinct.length; i++) distinctOf.set(this.#distinct.values[i]!, i);
    const clusters = new Map<number, DuplicateMember[]>();
    for (let problem = 0; problem < this.#sameAs.length; problem++) {
      const own = distinctOf.get(this.#sameAs.values[problem]!)!;
      const root = find(own);
      const first = this.#distinct.values[root]!;
      const similarity = own === root ? 1 : jaccard(this.#setOf(root), this.#setOf(own));
      const member = { problem, first, similarity };
      const cluster = clusters.get(first);
      if (cluster === undefined) clusters.set(first, [member]);
      else cluster.push(member);
    }
    return [...clusters.values()].filter((members) => members.length > 1).flat();
  }
}
