/**
 * Keys and values of the rows being generated, where they stay on the device.
 *
 * Owns: moving rows in and out there, the counterpart of keyValueCache.ts. Every place of the next batch is
 * looked up by an index in two tables, the batch before and a prefill's result; the CPU only makes the index.
 */
import { type BuiltModel, Graph } from '#core/tensor/graph.ts';
import * as ops from '#core/tensor/ops.ts';
import type { DeviceTensor, Feed, Outputs, Session } from '#core/tensor/runtime.ts';
import { float32 } from '#core/tensor/types.ts';
import { type CacheShape, type KeyValueCache, type RowSource, pastFeeds } from './keyValueCache.ts';
import type { ModelState } from './modelState.ts';
import { isPresent, presentTensors } from './rolloutGraph.ts';
import type { SessionCache } from './sessionCache.ts';

/** Keys and values of every layer, alternating, [rows, kvHeads, width, headDim] each. */
interface Table {
  rows: number;
  width: number;
  tensors: readonly DeviceTensor[];
}

/** A prefill's result, until the last of its rows has joined a batch. */
interface Prefilled extends Table {
  users: number;
}

/** A row of a prefill's result; null where it has no positions. */
export type DeviceRow = { prefill: Prefilled; row: number } | null;

export class DeviceKeyValueCache implements KeyValueCache<DeviceRow> {
  readonly keep = isPresent;
  readonly #sessions: SessionCache;
  readonly #state: ModelState;
  readonly #prefills = new Set<Prefilled>();
  #batch: Table | null = null;

  constructor(sessions: SessionCache, state: ModelState) {
    this.#sessions = sessions;
    this.#state = state;
  }

  get capacity(): number {
    return this.#batch?.width ?? 0;
  }

  rowsOf(outputs: Outputs | null, rows: readonly { length: number; users: number }[]): DeviceRow[] {
    if (outputs === null) return rows.map(() => null);
    const tensors = presentTensors(outputs.device, this.#state.config.layers);
    const users = rows.reduce((sum, row) => sum + (row.length > 0 ? row.users : 0), 0);
    const prefill: Prefilled = { rows: rows.length, width: tensors[0]!.shape[2]!, tensors, users };
    this.#prefills.add(prefill);
    return rows.map(({ length }, row) => (length > 0 ? { prefill, row } : null));
  }

  async assemble(rows: readonly RowSource<DeviceRow>[]): Promise<void> {
    const { config } = this.#state;
    const session = await this.#sessions.get(
      this.#state,
      'assemble',
      () => buildAssembleGraph(config),
      () => true,
    );
    const joining = new Set(rows.map((row) => (row.kind === 'new' ? (row.cached?.prefill ?? null) : null)));
    joining.delete(null);
    // Rows of the batch as it is now, by their place in the next.
    let places = rows.map((row) => (row.kind === 'kept' ? row.row : null));
    // One prefill after another: what came before is in the batch, each row at its place.
    for (const prefill of joining.size > 0 ? joining : [null]) {
      const own = rows.map((row) => (row.kind === 'new' && row.cached?.prefill === prefill ? row.cached!.row : null));
      const next = await gather(session, config, rows, { table: this.#batch, places }, { table: prefill, places: own });
      disposeTable(this.#batch);
      this.#batch = next;
      places = rows.map((_, i) => (places[i] === null && own[i] === null ? null : i));
    }
    for (const row of rows) if (row.kind === 'new' && row.cached !== null) this.#release(row.cached.prefill);
  }

  feeds(): Record<string, Feed> {
    return pastFeeds(this.#batch?.tensors ?? []);
  }

  advance({ device }: Outputs, steps: number): void {
    const { rows, width } = this.#batch!;
    disposeTable(this.#batch);
    this.#batch = { rows, width: width + steps, tensors: presentTensors(device, this.#state.config.layers) };
  }

  dispose(): void {
    disposeTable(this.#batch);
    this.#batch = null;
    for (const prefill of this.#prefills) disposeTable(prefill);
    this.#prefills.clear();
  }

  #release(prefill: Prefilled): void {
    if (--prefill.users > 0) return;
    disposeTable(prefill);
    this.#prefills.delete(prefill);
  }
}

function disposeTable(table: Table | null): void {
  for (const tensor of table?.tensors ?? []) tensor.dispose();
}

/** A table, and which of its rows stands at each place of the next batch; null for none. */
interface Part {
  table: Table | null;
  places: readonly (number | null)[];
}

/** The next batch: at least one column wide, which a mask switches off where no row has any position. */
async function gather(
  session: Session,
  shape: CacheShape,
  rows: readonly { length: number }[],
  batch: Part,
  prefill: Part,
): Promise<Table> {
  const { layers, kvHeads } = shape;
  const width = Math.max(1, ...rows.map(({ length }) => length));
  const index = new Int32Array(rows.length * kvHeads * width);
  const look = ({ table, places }: Part, tableStart: number, skipped: (length: number) => number) =>
    places.forEach((row, place) => {
      if (row === null) return;
      const { length } = rows[place]!;
      for (let head = 0; head < kvHeads; head++) {
        const first = tableStart + (row * kvHeads + head) * table!.width + skipped(length);
        const target = (place * kvHeads + head + 1) * width - length;
        for (let i = 0; i < length; i++) index[target + i] = first + i;
      }
    });
  // Of the batch a row's positions are the last, of a prefill the first.
  look(batch, 0, (length) => batch.table!.width - length);
  look(prefill, batch.table === null ? kvHeads : batch.table.rows * kvHeads * batch.table.width, () => 0);
  const feeds: Record<string, Feed> = {
    index: { type: 'int32', shape: [rows.length, kvHeads, width], data: index },
  };
  for (let t = 0; t < 2 * layers; t++) {
    feeds[batchName(t)] = batch.table?.tensors[t] ?? noTable(shape);
    feeds[prefillName(t)] = prefill.table?.tensors[t] ?? noTable(shape);
  }
  const { device } = await session.runKeeping(feeds);
  const tensors = Array.from({ length: 2 * layers }, (_, t) => device[gatheredName(t)]!);
  return { rows: rows.length, width, tensors };
}

/** Stands for a table that is not there; nothing that counts is looked up in it. */
function noTable({ kvHeads, headDim }: CacheShape): Feed {
  return float32(new Float32Array(kvHeads * headDim), [1, kvHeads, 1, headDim]);
}

const batchName = (t: number) => `batch_${t}`;
const prefillName = (t: number) => `prefill_${t}`;
const gatheredName = (t: number) => `gathered_${t}`;

/** `index` [B, kvHeads, C] counts vectors of headDim numbers through both tables, one after the other. */
function buildAssembleGraph({ layers, kvHeads, headDim }: CacheShape): BuiltModel {
  const g = new Graph();
  const index = g.input('index', 'int32', ['B', kvHeads, 'C']);
  for (let t = 0; t < 2 * layers; t++) {
    const batch = g.input(batchName(t), 'float32', ['B of the batch', kvHeads, 'C of the batch', headDim]);
    const prefill = g.input(prefillName(t), 'float32', ['B of the prefill', kvHeads, 'C of the prefill', headDim]);
    const vectors = [batch, prefill].map((table, i) => ops.reshape(g, table, [`vectors ${i}`, headDim]));
    g.namedOutput(ops.gatherRows(g, ops.concat(g, vectors, 0, 'vectors'), index), gatheredName(t));
  }
  return g.build();
}
