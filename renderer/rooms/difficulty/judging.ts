/**
 * Labelling by hand: what is chosen, what a key does, and how it is taken back.
 *
 * Owns: the cursor, the selection, and the history of changes, as plain values; keys.ts of the kit says which
 * key means what, and the controller writes. A change is shown at once and undone where writing it fails.
 */
import type { BucketName } from '#core/contract/contract.ts';

export interface Judgement {
  problemId: number;
  bucket: BucketName | null;
}

/** Positions are those of the list on screen. */
export interface Cursor {
  at: number;
  /** Where a range began; null when none is being drawn. */
  anchor: number | null;
}

export function moved(cursor: Cursor, by: number, length: number, extend: boolean): Cursor {
  const at = Math.max(0, Math.min(length - 1, cursor.at + by));
  return { at, anchor: extend ? (cursor.anchor ?? cursor.at) : null };
}

/** The positions a range covers, in order; empty without one. */
export function rangeOf({ at, anchor }: Cursor): number[] {
  if (anchor === null) return [];
  const [first, last] = [Math.min(at, anchor), Math.max(at, anchor)];
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Ids with those of some others taken in, or out when all of them were in. */
export function toggled(selection: ReadonlySet<number>, ids: readonly number[]): Set<number> {
  const next = new Set(selection);
  const isIn = ids.every((id) => selection.has(id));
  for (const id of ids) {
    if (isIn) next.delete(id);
    else next.add(id);
  }
  return next;
}

/** What undoing does, newest last; bounded, because each entry may hold a hundred thousand labels. */
const MAX_UNDO = 100;

export function remembered(history: readonly Judgement[][], change: Judgement[]): Judgement[][] {
  return [...history, change].slice(-MAX_UNDO);
}

/** Puts judgements into the column of the contract: 0 for none, else 1 + the index of the bucket. */
export function withJudgements(
  human: Uint8Array,
  positionOf: (problemId: number) => number,
  judgements: readonly Judgement[],
  bucketIndex: (bucket: BucketName) => number,
): Uint8Array<ArrayBuffer> {
  const next = Uint8Array.from(human);
  for (const { problemId, bucket } of judgements) {
    const position = positionOf(problemId);
    if (position >= 0) next[position] = bucket === null ? 0 : 1 + bucketIndex(bucket);
  }
  return next;
}

/** Position of an id among ids that ascend; −1 where it is not. */
export function positionIn(ids: Int32Array, problemId: number): number {
  let [low, high] = [0, ids.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = ids[middle]!;
    if (found === problemId) return middle;
    if (found < problemId) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
