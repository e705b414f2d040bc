/**
 * From ragged sequences to padded batches and back.
 *
 * Owns: how sequences are grouped under a token budget, right-padded, and how per-token columns map to
 * the rows of a graph. Everything is pure; trainer.ts and scorer.ts run what comes out.
 */
import { type Tensor, float32, int64 } from '#core/tensor/types.ts';
import type { Sequence } from './api.ts';
import type { InParts } from './trainGraph.ts';

/** Adding this to a score switches the position off without producing NaN in a fully masked row. */
export const MASKED = -1e30;

export interface MicroBatch {
  /** Indices into the given sequences. */
  sequences: readonly number[];
  batch: number;
  /** Padded length T of the inputs. The last token of a sequence is only ever a target. */
  length: number;
  /** Rows R of the graph's columns; those beyond `columnIndex` are padding. */
  rows: number;
  inParts: InParts;
  /** [R] index into the flat response columns for each row of the graph. */
  columnIndex: Int32Array;
  /** ids, positions, mask, rows, targets */
  feeds: Record<string, Tensor>;
}

/** Input positions a sequence occupies. */
function inputLength({ promptIds, responseIds }: Sequence): number {
  return promptIds.length + responseIds.length - 1;
}

/**
 * What a run of a graph costs besides its tokens, in tokens: gradients are handed over and added up, and operators
 * started. Per weight that is some 3 ns, a token's six multiplications at 200 GFLOP/s are .03 ns.
 */
const RUN_COST_TOKENS = 100;

/**
 * Groups sequences of similar length so that no padded batch exceeds the budget (one sequence alone may), with the
 * least padding that is worth the number of batches. Sequences without response tokens are left out. Every
 * sequence needs a prompt.
 */
export function planMicroBatches(sequences: readonly Sequence[], tokenBudget: number): number[][] {
  const order = sequences
    .map((_, i) => i)
    .filter((i) => sequences[i]!.responseIds.length > 0)
    .toSorted((a, b) => inputLength(sequences[b]!) - inputLength(sequences[a]!) || a - b);
  // Of the sequences from each place on: the least cost, and the size of the first batch that leads to it.
  const cost = new Float64Array(order.length + 1);
  const size = new Int32Array(order.length);
  for (let start = order.length - 1; start >= 0; start--) {
    const longest = inputLength(sequences[order[start]!]!);
    const capacity = Math.max(1, Math.floor(tokenBudget / longest));
    cost[start] = Infinity;
    for (let count = 1; count <= Math.min(capacity, order.length - start); count++) {
      const total = count * longest + RUN_COST_TOKENS + cost[start + count]!;
      // Of equal ones the largest.
      if (total <= cost[start]!) [cost[start], size[start]] = [total, count];
    }
  }
  const groups: number[][] = [];
  for (let start = 0; start < order.length; start += size[start]!)
    groups.push(order.slice(start, start + size[start]!));
  return groups;
}

/** Start of every sequence in the flat response columns. */
export function responseOffsets(sequences: readonly Sequence[]): Int32Array {
  const offsets = new Int32Array(sequences.length + 1);
  sequences.forEach(({ responseIds }, i) => (offsets[i + 1] = offsets[i]! + responseIds.length));
  return offsets;
}

export function buildMicroBatch(
  sequences: readonly Sequence[],
  chosen: readonly number[],
  offsets: Int32Array,
  vocabSize: number,
  limits: PartLimits = defaultPartLimits,
): MicroBatch {
  const batch = chosen.length;
  const longest = Math.max(...chosen.map((i) => inputLength(sequences[i]!)));
  const attention = attentionParts(longest, limits);
  const length = roundUp(longest, attention);
  const ids = new Int32Array(batch * length);
  const rows: number[] = [];
  const targets: number[] = [];
  const columnIndex: number[] = [];
  chosen.forEach((sequence, b) => {
    const { promptIds, responseIds } = sequences[sequence]!;
    ids.set(promptIds, b * length);
    ids.set(responseIds.subarray(0, responseIds.length - 1), b * length + promptIds.length);
    for (let j = 0; j < responseIds.length; j++) {
      rows.push(b * length + promptIds.length + j - 1);
      targets.push(responseIds[j]!);
      columnIndex.push(offsets[sequence]! + j);
    }
  });
  const logits = Math.max(1, Math.ceil((rows.length * vocabSize) / limits.logits));
  const padding = Array.from({ length: roundUp(rows.length, logits) - rows.length }, () => 0);
  rows.push(...padding);
  targets.push(...padding);
  return {
    sequences: chosen,
    batch,
    length,
    rows: rows.length,
    inParts: { attention: attention > 1, logits: logits > 1 },
    columnIndex: Int32Array.from(columnIndex),
    feeds: {
      ids: int64(ids, [batch, length]),
      positions: int64(
        Int32Array.from({ length: batch * length }, (_, i) => i % length),
        [batch, length],
      ),
      mask: causalMask(length, attention),
      rows: int64(rows, logits > 1 ? [logits, rows.length / logits] : [rows.length]),
      targets: int64(targets, logits > 1 ? [logits, rows.length / logits, 1] : [rows.length, 1]),
    },
  };
}

/** How much is held in memory at once of what grows with vocabulary and with the square of the length. */
export interface PartLimits {
  /** Numbers of logits. */
  logits: number;
  /** Queries of an attention. */
  queries: number;
}

/** 128 MiB of logits. */
export const defaultPartLimits: PartLimits = { logits: 2 ** 25, queries: 1024 };

/** Parts into which the attention of sequences of this length is cut. */
export function attentionParts(length: number, { queries }: PartLimits = defaultPartLimits): number {
  return Math.max(1, Math.ceil(length / queries));
}

function roundUp(x: number, multiple: number): number {
  return Math.ceil(x / multiple) * multiple;
}

/** A position sees itself and what is before it: float32 [1, 1, T, T], or [parts, 1, 1, T / parts, T] for several. */
export function causalMask(length: number, parts: number): Tensor<'float32'> {
  const mask = new Float32Array(length * length);
  for (let i = 0; i < length; i++) mask.fill(MASKED, i * length + i + 1, (i + 1) * length);
  return float32(mask, parts === 1 ? [1, 1, length, length] : [parts, 1, 1, length / parts, length]);
}

/** The rows of a flat column that a micro-batch needs, as [R, 1]; 0 in padding. */
export function gatherColumn(column: Float32Array, { columnIndex, rows }: MicroBatch): Tensor<'float32'> {
  const values = new Float32Array(rows);
  columnIndex.forEach((i, row) => (values[row] = column[i]!));
  return float32(values, [rows, 1]);
}

/** Writes a graph's [R, width] result back into a flat column of `width` values per token. */
export function scatterColumn(
  result: Tensor,
  { columnIndex }: MicroBatch,
  column: Float32Array | Int32Array,
  width = 1,
): void {
  const values = result.data as Float32Array | BigInt64Array;
  columnIndex.forEach((target, r) => {
    for (let j = 0; j < width; j++) column[target * width + j] = Number(values[r * width + j]!);
  });
}

/** The two matrices that average over each sequence's tokens and spread the mean back (GSPO). */
export function sequenceMatrices(
  sequences: readonly Sequence[],
  { sequences: chosen, batch, rows }: MicroBatch,
): Record<string, Tensor> {
  const mean = new Float32Array(batch * rows);
  const membership = new Float32Array(rows * batch);
  let row = 0;
  chosen.forEach((sequence, b) => {
    const count = sequences[sequence]!.responseIds.length;
    for (let j = 0; j < count; j++, row++) {
      mean[b * rows + row] = 1 / count;
      membership[row * batch + b] = 1;
    }
  });
  return { sequenceMean: float32(mean, [batch, rows]), membership: float32(membership, [rows, batch]) };
}
