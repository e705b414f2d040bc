/**
 * Keys and values of the rows being generated, between chunks.
 *
 * Owns: moving rows in and out. Rows are right-aligned (a short past is padded on the left), so every
 * row's next token falls in the same column, and rows of different ages share a batch. Pure copying;
 * the graphs that read and write these tensors are in rolloutGraph.ts.
 */
import { type Tensor, float32 } from '#core/tensor/types.ts';

/** One row of every layer before it joins a batch: [kvHeads, length, headDim] per tensor. */
export interface CachedRow {
  length: number;
  /** The next token has the position length + positionDelta; not 0 after images (vision/geometry.ts). */
  positionDelta: number;
  /** keys and values of every layer, alternating */
  tensors: readonly Float32Array[];
}

/** A batch: keys and values of every layer, alternating, [rows, kvHeads, capacity, headDim] each. */
export interface CachedBatch {
  capacity: number;
  tensors: readonly Tensor[];
}

export interface CacheShape {
  layers: number;
  kvHeads: number;
  headDim: number;
}

/** Where a row of the next batch comes from. */
export type RowSource = { kind: 'kept'; row: number; length: number } | { kind: 'new'; cached: CachedRow };

/** A batch of the given rows, as narrow as its longest row. */
export function assembleBatch(
  { layers, kvHeads, headDim }: CacheShape,
  from: CachedBatch,
  rows: readonly RowSource[],
): CachedBatch {
  const lengths = rows.map((row) => (row.kind === 'kept' ? row.length : row.cached.length));
  const capacity = Math.max(0, ...lengths);
  const tensors = Array.from({ length: 2 * layers }, (_, t) => {
    const target = new Float32Array(rows.length * kvHeads * capacity * headDim);
    rows.forEach((source, row) => {
      const length = lengths[row]!;
      const data = source.kind === 'kept' ? (from.tensors[t]!.data as Float32Array) : source.cached.tensors[t]!;
      const width = source.kind === 'kept' ? from.capacity : length;
      const firstHead = source.kind === 'kept' ? source.row * kvHeads : 0;
      for (let head = 0; head < kvHeads; head++) {
        // The last `length` of `width` positions of this head.
        const end = (firstHead + head + 1) * width * headDim;
        target.set(
          data.subarray(end - length * headDim, end),
          ((row * kvHeads + head + 1) * capacity - length) * headDim,
        );
      }
    });
    return float32(target, [rows.length, kvHeads, capacity, headDim]);
  });
  return { capacity, tensors };
}

/** One row of a prefill result [batch, kvHeads, width, headDim], its first `length` positions. */
export function rowOfPrefill(
  { kvHeads, headDim }: CacheShape,
  present: readonly Tensor[],
  row: number,
  length: number,
  positionDelta: number,
): CachedRow {
  const tensors = present.map((tensor) => {
    const width = tensor.shape[2]!;
    const data = tensor.data as Float32Array;
    const out = new Float32Array(kvHeads * length * headDim);
    for (let head = 0; head < kvHeads; head++) {
      const start = (row * kvHeads + head) * width * headDim;
      out.set(data.subarray(start, start + length * headDim), head * length * headDim);
    }
    return out;
  });
  return { length, positionDelta, tensors };
}
