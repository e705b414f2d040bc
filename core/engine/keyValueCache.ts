/**
 * Keys and values of the rows being generated, between chunks.
 *
 * Owns: moving rows in and out, on the CPU. Rows are right-aligned (a short past is padded on the left), so
 * every row's next token falls in the same column, and rows of different ages share a batch. Pure copying;
 * the graphs that read and write these tensors are in rolloutGraph.ts. Where they stay on a device, rows are
 * moved by deviceKeyValueCache.ts.
 */
import type { Feed, Outputs } from '#core/tensor/runtime.ts';
import { type Tensor, discard, float32 } from '#core/tensor/types.ts';
import { pastName, presentTensors } from './rolloutGraph.ts';

export interface CacheShape {
  layers: number;
  kvHeads: number;
  headDim: number;
}

/** Where a row of the next batch comes from; `Row` is how a cache knows a row that is not in the batch yet. */
export type RowSource<Row> =
  | { kind: 'kept'; row: number; length: number }
  | { kind: 'new'; cached: Row; length: number };

/** The batch that is generated, and the rows that wait to join it. */
export interface KeyValueCache<Row> {
  /** Columns of the batch; the last of them are a row's own. */
  readonly capacity: number;
  /** Outputs of prefill and chunk that are left where the cache wants them; undefined for none. */
  readonly keep: ((output: string) => boolean) | undefined;
  /**
   * Rows of a prefill's result: of each its first so many positions, and how often it will join a batch.
   * @param outputs null where no row has any position
   */
  rowsOf(outputs: Outputs | null, rows: readonly { length: number; users: number }[]): Row[];
  /** Makes a batch of the given rows, as narrow as its longest row. */
  assemble(rows: readonly RowSource<Row>[]): Promise<void>;
  /** What a chunk is fed of the batch. */
  feeds(): Record<string, Feed>;
  /** Goes on with what a chunk of so many steps gave. */
  advance(outputs: Outputs, steps: number): void;
  dispose(): void;
}

/** `past_*` of every layer, from keys and values alternating. */
export function pastFeeds(tensors: readonly Feed[]): Record<string, Feed> {
  return Object.fromEntries(
    tensors.map((tensor, t) => [pastName(t % 2 === 0 ? 'key' : 'value', Math.floor(t / 2)), tensor]),
  );
}

/** One row of every layer before it joins a batch, keys and values alternating: [kvHeads, length, headDim] each. */
export type HostRow = readonly Float32Array[];

export class HostKeyValueCache implements KeyValueCache<HostRow> {
  readonly keep = undefined;
  readonly #shape: CacheShape;
  /** Keys and values of every layer, alternating, [rows, kvHeads, capacity, headDim] each. */
  #tensors: readonly Tensor[] = [];
  #capacity = 0;

  constructor(shape: CacheShape) {
    this.#shape = shape;
  }

  get capacity(): number {
    return this.#capacity;
  }

  rowsOf(outputs: Outputs | null, rows: readonly { length: number }[]): HostRow[] {
    const { layers } = this.#shape;
    const present = outputs === null ? [] : presentTensors(outputs.host, layers);
    const taken = rows.map(({ length }, row) =>
      length > 0
        ? rowOfPrefill(this.#shape, present, row, length)
        : Array.from({ length: 2 * layers }, () => new Float32Array(0)),
    );
    present.forEach(discard);
    return taken;
  }

  async assemble(rows: readonly RowSource<HostRow>[]): Promise<void> {
    const { layers, kvHeads, headDim } = this.#shape;
    const capacity = Math.max(0, ...rows.map(({ length }) => length));
    const tensors = Array.from({ length: 2 * layers }, (_, t) => {
      const target = new Float32Array(rows.length * kvHeads * capacity * headDim);
      rows.forEach((source, row) => {
        const { length } = source;
        const data = source.kind === 'kept' ? (this.#tensors[t]!.data as Float32Array) : source.cached[t]!;
        const width = source.kind === 'kept' ? this.#capacity : length;
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
    this.dispose();
    this.#tensors = tensors;
    this.#capacity = capacity;
  }

  feeds(): Record<string, Feed> {
    return pastFeeds(this.#tensors);
  }

  advance({ host }: Outputs, steps: number): void {
    this.dispose();
    this.#tensors = presentTensors(host, this.#shape.layers);
    this.#capacity += steps;
  }

  dispose(): void {
    this.#tensors.forEach(discard);
    this.#tensors = [];
  }
}

/** One row of a prefill result [batch, kvHeads, width, headDim], its first `length` positions. */
function rowOfPrefill(
  { kvHeads, headDim }: CacheShape,
  present: readonly Tensor[],
  row: number,
  length: number,
): HostRow {
  return present.map((tensor) => {
    const width = tensor.shape[2]!;
    const data = tensor.data as Float32Array;
    const out = new Float32Array(kvHeads * length * headDim);
    for (let head = 0; head < kvHeads; head++) {
      const start = (row * kvHeads + head) * width * headDim;
      out.set(data.subarray(start, start + length * headDim), head * length * headDim);
    }
    return out;
  });
}
