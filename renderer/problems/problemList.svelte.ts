/**
 * The problems a table shows: all ids of a query, and the rows that were in view.
 *
 * Owns: one question at a time, so that typing does not pile up searches; asking for rows as they come into
 * view; and keeping what is shown while it is asked for again. Rows that were long out of view are
 * forgotten.
 */
import type { Client, ContractError } from '#core/contract/client.ts';
import type { ProblemQuery, ProblemRow } from '#core/contract/contract.ts';

const ROWS_AT_ONCE = 200;
/** Rows before and after the view that are asked for with it. */
const AHEAD = 40;
/** A view that jumps, as under a dragged scrollbar, must rest so long before its rows are asked for. */
const REST_MS = 80;
const MAX_KEPT = 4000;

interface Kept {
  row: ProblemRow;
  epoch: number;
}

interface Patch {
  change: Partial<ProblemRow>;
  /** Whether the host has it: rows asked for from then on contain it. */
  isWritten: boolean;
}

export class ProblemList {
  readonly #client: Client;
  #query = $state.raw<ProblemQuery | null>(null);
  #asked: ProblemQuery | null = null;
  #isAsking = false;
  #ids = $state.raw<Int32Array>(new Int32Array(0));
  #error = $state.raw<ContractError | null>(null);
  #isLoading = $state(false);
  /** Grows when rows have arrived, so that cells are drawn again. */
  #arrivals = $state(0);
  #rows = new Map<number, Kept>();
  /** Changes that rows on their way may not know of yet. */
  #patches = new Map<number, Patch>();
  #epoch = 0;
  #range: readonly [number, number] = [0, 0];
  #isFetching = false;
  #resting: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  /** In the order of the query. */
  get ids(): Int32Array {
    return this.#ids;
  }
  get query(): ProblemQuery | null {
    return this.#query;
  }
  get error(): ContractError | null {
    return this.#error;
  }
  get isLoading(): boolean {
    return this.#isLoading;
  }

  row = (index: number): ProblemRow | undefined => {
    void this.#arrivals;
    const id = this.#ids[index];
    return id === undefined ? undefined : this.#rows.get(id)?.row;
  };

  rowOf(problemId: number): ProblemRow | undefined {
    void this.#arrivals;
    return this.#rows.get(problemId)?.row;
  }

  /** Shows another query; null shows nothing. */
  show(query: ProblemQuery | null): void {
    if (JSON.stringify(query) === JSON.stringify(this.#query)) return;
    if (query?.modelId !== this.#query?.modelId) this.#epoch++;
    this.#query = query;
    void this.#ask();
  }

  /** Asks again: something changed. What is shown stays until the answer is there. */
  refresh(): void {
    this.#epoch++;
    this.#asked = null;
    void this.#ask();
    void this.#fetch();
  }

  /** Told by the table which rows are in view. */
  look = (first: number, end: number): void => {
    const [before, beforeEnd] = this.#range;
    const hasJumped = beforeEnd > before && (first >= beforeEnd || end <= before);
    this.#range = [first, end];
    clearTimeout(this.#resting);
    this.#resting = undefined;
    if (hasJumped) this.#resting = setTimeout(() => this.#rested(), REST_MS);
    else void this.#fetch();
  };

  #rested(): void {
    this.#resting = undefined;
    void this.#fetch();
  }

  /**
   * Shows a change before the host has confirmed it, also in a row that has not come yet.
   * @param written settles when the host has it; until then rows that arrive are older than the change
   */
  patch(problemId: number, change: Partial<ProblemRow>, written: Promise<unknown> = Promise.resolve()): void {
    const patch: Patch = { change: { ...this.#patches.get(problemId)?.change, ...change }, isWritten: false };
    this.#patches.set(problemId, patch);
    const settle = () => void (patch.isWritten = true);
    written.then(settle, settle);
    const kept = this.#rows.get(problemId);
    if (kept === undefined) return;
    this.#rows.set(problemId, { ...kept, row: { ...kept.row, ...change } });
    this.#arrivals++;
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#isLoading = true;
    while (this.#asked !== this.#query) {
      const query = this.#query;
      this.#asked = query;
      try {
        const ids = query === null ? new Int32Array(0) : (await this.#client.call('problems.index', query)).problemId;
        // A newer question is waiting: its answer is the one to show.
        if (this.#asked !== this.#query) continue;
        this.#ids = ids;
        this.#error = null;
      } catch (thrown) {
        if (this.#asked === this.#query) this.#error = thrown as ContractError;
      }
    }
    this.#isAsking = false;
    this.#isLoading = false;
    void this.#fetch();
  }

  async #fetch(): Promise<void> {
    if (this.#isFetching || this.#resting !== undefined) return;
    this.#isFetching = true;
    for (;;) {
      const wanted = this.#missing();
      if (wanted.length === 0) break;
      const epoch = this.#epoch;
      try {
        const modelId = this.#query?.modelId ?? null;
        for (const id of wanted) if (this.#patches.get(id)?.isWritten) this.#patches.delete(id);
        const rows = await this.#client.call('problems.rows', { problemIds: wanted, modelId });
        // Ids without a row are problems that are gone; the next index leaves them out.
        for (const row of rows) {
          this.#rows.delete(row.problemId);
          this.#rows.set(row.problemId, { row: { ...row, ...this.#patches.get(row.problemId)?.change }, epoch });
        }
        this.#forget();
        this.#arrivals++;
        if (rows.length < wanted.length) break;
      } catch (thrown) {
        this.#error = thrown as ContractError;
        break;
      }
    }
    this.#isFetching = false;
  }

  /** Ids in and around the view whose rows are not there or not up to date; those in view first. */
  #missing(): number[] {
    const [first, end] = this.#range;
    const isMissing = (id: number) => this.#rows.get(id)?.epoch !== this.#epoch;
    const inView = Array.from(this.#ids.subarray(first, end)).filter(isMissing);
    if (inView.length === 0) return [];
    const around = Array.from(this.#ids.subarray(Math.max(0, first - AHEAD), end + AHEAD)).filter(isMissing);
    return [...new Set([...inView, ...around])].slice(0, ROWS_AT_ONCE);
  }

  #forget(): void {
    for (const id of this.#rows.keys()) {
      if (this.#rows.size <= MAX_KEPT) return;
      this.#rows.delete(id);
    }
  }
}
