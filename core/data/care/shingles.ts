/**
 * A text as the set of its runs of three words, and how much of two such sets is common.
 *
 * Owns: shingles as sorted 32-bit hashes and their exact Jaccard similarity. Two different runs of one text share
 * a hash with probability of about n²/2³³: for 200 words, one text in 200,000.
 */
import { combine, hashText } from './hashing.ts';

/** Words of a shingle: one changed word in forty leaves a similarity of 0.85. */
export const SHINGLE_WORDS = 3;

/** @returns hashes in ascending order, each once; of a text shorter than a shingle the one of all of it */
export function shinglesOf(words: readonly string[]): Uint32Array {
  const hashes = words.map((word) => hashText(word));
  const count = Math.max(1, words.length - SHINGLE_WORDS + 1);
  const shingles = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    let hash = 0;
    const end = Math.min(words.length, i + SHINGLE_WORDS);
    for (let j = i; j < end; j++) hash = combine(hash, hashes[j]!);
    shingles[i] = hash;
  }
  shingles.sort();
  let kept = 1;
  for (let i = 1; i < count; i++) if (shingles[i] !== shingles[kept - 1]) shingles[kept++] = shingles[i]!;
  return shingles.subarray(0, kept);
}

/** |A ∩ B| / |A ∪ B| of two ascending sets that are not both empty. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let common = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [x, y] = [a[i]!, b[j]!];
    if (x === y) {
      common++;
      i++;
      j++;
    } else if (x < y) i++;
    else j++;
  }
  return common / (a.length + b.length - common);
}
