/**
 * The labels of a dataset while somebody looks at them and adds to them.
 *
 * Owns: the columns as the host has them, changes by hand shown before they are written, the order of
 * writing, and undo. A write that fails is taken back on screen and reported.
 */
import type { Client, ContractError } from '#core/contract/client.ts';
import { type BucketName, bucketNames } from '#core/contract/contract.ts';
import type { LabelColumns } from './brackets.ts';
import { type Judgement, positionIn, remembered, withJudgements } from './judging.ts';

export class Labels {
  readonly #client: Client;
  #columns = $state.raw<LabelColumns | null>(null);
  #history = $state.raw<Judgement[][]>([]);
  error = $state.raw<ContractError | null>(null);
  #wanted: { datasetId: number; modelId: number | null } | null = null;
  #isAsking = false;
  #isStale = false;
  /** Written one after another; what is waiting is put on top of columns that arrive meanwhile. */
  #writing: Promise<void> = Promise.resolve();
  #pending: Judgement[][] = [];
  /** When this window last wrote: a change announced right after is most likely its own. */
  #wroteMs = -Infinity;
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  get columns(): LabelColumns | null {
    return this.#columns;
  }
  get canUndo(): boolean {
    return this.#history.length > 0;
  }

  show(datasetId: number, modelId: number | null): void {
    if (this.#wanted?.datasetId === datasetId && this.#wanted.modelId === modelId) return;
    if (this.#wanted?.datasetId !== datasetId) {
      this.#history = [];
      this.#columns = null;
    }
    this.#wanted = { datasetId, modelId };
    this.refresh();
  }

  /**
   * Asks again because of an announced change: at once, or while a person labels, when they pause. The change is
   * then their own as a rule, and shown already; another's, announced with it, must not be missed.
   */
  refreshWhenCalm(refreshed: () => void): void {
    clearTimeout(this.#later);
    const calmMs = this.#wroteMs + CALM_AFTER_MS - performance.now();
    this.#later = setTimeout(
      () => {
        this.refresh();
        refreshed();
      },
      Math.max(0, calmMs),
    );
  }

  close(): void {
    clearTimeout(this.#later);
  }

  refresh(): void {
    this.#isStale = true;
    void this.#ask();
  }

  /** Shows at once, then writes. */
  judge(problemIds: readonly number[], bucket: BucketName | null): Promise<void> {
    return this.#write(
      problemIds.map((problemId) => ({ problemId, bucket })),
      true,
    );
  }

  /** Takes the last change back. @returns the labels as they are again; null when there was none */
  async undo(): Promise<Judgement[] | null> {
    const last = this.#history.at(-1);
    if (last === undefined) return null;
    this.#history = this.#history.slice(0, -1);
    await this.#write(last, false);
    return last;
  }

  /** The label by hand as shown. */
  humanOf(problemId: number): BucketName | null {
    const columns = this.#columns;
    if (columns === null) return null;
    const code = columns.human[positionIn(columns.problemId, problemId)] ?? 0;
    return code === 0 ? null : (bucketNames[code - 1] ?? null);
  }

  #apply(judgements: readonly Judgement[]): void {
    const columns = this.#columns;
    if (columns === null) return;
    const position = (problemId: number) => positionIn(columns.problemId, problemId);
    const human = withJudgements(columns.human, position, judgements, (bucket) => bucketNames.indexOf(bucket));
    this.#columns = { ...columns, human };
  }

  #write(judgements: Judgement[], isUndoable: boolean): Promise<void> {
    const before = judgements.map(({ problemId }) => ({ problemId, bucket: this.humanOf(problemId) }));
    if (isUndoable) this.#history = remembered(this.#history, before);
    this.#pending = [...this.#pending, judgements];
    this.#apply(judgements);
    const write = async () => {
      this.#wroteMs = performance.now();
      try {
        await this.#client.call('labels.setHuman', { labels: judgements });
      } catch (thrown) {
        this.#apply(before);
        this.#history = this.#history.filter((change) => change !== before);
        throw thrown;
      } finally {
        this.#pending = this.#pending.filter((change) => change !== judgements);
        this.#wroteMs = performance.now();
      }
    };
    const written = this.#writing.then(write);
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (this.#isStale) {
      this.#isStale = false;
      const wanted = this.#wanted;
      if (wanted === null) break;
      try {
        const columns = await this.#client.call('labels.columns', wanted);
        if (wanted !== this.#wanted) continue;
        this.#columns = columns;
        this.error = null;
        for (const judgements of this.#pending) this.#apply(judgements);
      } catch (thrown) {
        if (wanted === this.#wanted) this.error = thrown as ContractError;
      }
    }
    this.#isAsking = false;
  }
}

/** Somebody who has written nothing for so long has paused. */
const CALM_AFTER_MS = 1000;
