/**
 * The control of a filtered pool: as many problems, drawn without looking at their difficulty.
 *
 * A pool that was chosen by pass rate is only shown to help against one of the same size that was not.
 */
import { RandomSequence, Stream } from '#core/util/rng.ts';

/**
 * Draws without replacement, every set of the size alike; problems of the pool may be among them.
 * @param problemIds what the pool was chosen from
 * @param size at most as many as there are
 * @returns ids in ascending order; the same for the same seed and problems
 */
export function drawControlSet(problemIds: Int32Array, size: number, seed: number): Int32Array<ArrayBuffer> {
  const random = new RandomSequence(seed, Stream.selection);
  const ids = Int32Array.from(problemIds);
  const count = Math.min(size, ids.length);
  // The beginning of a Fisher–Yates shuffle: the rest of it would not change what is in the set.
  for (let i = 0; i < count; i++) {
    const other = i + random.integer(ids.length - i);
    [ids[i], ids[other]] = [ids[other]!, ids[i]!];
  }
  return ids.slice(0, count).sort();
}
