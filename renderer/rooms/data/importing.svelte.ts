/**
 * Files on their way into the project: previewed, mapped, imported one after another.
 *
 * Owns: the list of files with what each would become, following the jobs that import them, and which
 * dataset a file goes into. Nothing is read before it was dropped or chosen, nothing is written before it
 * is confirmed.
 */
import type { Client, ContractError } from '#core/contract/client.ts';
import type { DataMapping, DataPreview, Job, RequestOf } from '#core/contract/contract.ts';
import { isComplete, proposedName } from './mappingFields.ts';

export type Split = RequestOf<'data.import'>['split'];
/** A new dataset, the one the file before goes into, or one that is there. */
export type Target = 'new' | 'previous' | number;

export interface Imported {
  datasetId: number;
  imported: number;
  skipped: number;
}

export class ImportFile {
  readonly path: string;
  preview = $state.raw<DataPreview | null>(null);
  mapping = $state.raw<DataMapping>({ prompt: null, answer: null });
  name = $state('');
  split = $state<Split>('auto');
  target = $state<Target>('new');
  isReading = $state(true);
  error = $state.raw<Pick<ContractError, 'message' | 'where' | 'hint'> | null>(null);
  /** A person ended it; `error` says that nothing was imported. */
  wasCancelled = $state(false);
  job = $state.raw<Job | null>(null);
  result = $state.raw<Imported | null>(null);

  constructor(path: string) {
    this.path = path;
  }

  get isReady(): boolean {
    return this.preview !== null && !this.isReading && isComplete(this.mapping) && this.preview.rows > 0;
  }
  get isDone(): boolean {
    return this.result !== null;
  }
}

export class Importing {
  readonly #client: Client;
  files = $state.raw<readonly ImportFile[]>([]);
  isRunning = $state(false);

  constructor(client: Client) {
    this.#client = client;
  }

  /** @param taken names of datasets that are there */
  async add(path: string, taken: readonly string[]): Promise<ImportFile> {
    const known = this.files.find((file) => file.path === path && !file.isDone);
    if (known !== undefined) return known;
    const file = new ImportFile(path);
    const names = [...taken, ...this.files.map(({ name }) => name)];
    file.name = proposedName(path.split(/[\\/]/).at(-1) ?? path, names);
    this.files = [...this.files, file];
    await this.#look(file, null);
    return file;
  }

  remove(file: ImportFile): void {
    this.files = this.files.filter((other) => other !== file);
  }

  clear(): void {
    if (!this.isRunning) this.files = [];
  }

  /** Shows what the rows become under another mapping; the latest one wins. */
  remap(file: ImportFile, mapping: DataMapping): void {
    file.mapping = mapping;
    void this.#look(file, mapping);
  }

  async #look(file: ImportFile, mapping: DataMapping | null): Promise<void> {
    file.isReading = true;
    const isLatest = () => mapping === null || file.mapping === mapping;
    try {
      const preview = await this.#client.call('data.preview', { path: file.path, mapping });
      if (!isLatest()) return;
      file.preview = preview;
      if (mapping === null) file.mapping = preview.mapping;
      file.error = null;
    } catch (thrown) {
      if (!isLatest()) return;
      file.error = thrown as ContractError;
    }
    file.isReading = false;
  }

  /** Imports all files that are ready, in order; stops at the first that fails or is cancelled. */
  async run(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    try {
      let previous: number | null = null;
      for (const file of this.files) {
        if (!file.isDone && file.isReady) {
          const appendTo = file.target === 'new' ? null : file.target === 'previous' ? previous : file.target;
          await this.#import(file, appendTo);
          if (file.result === null) return;
        }
        previous = file.result?.datasetId ?? previous;
      }
    } finally {
      this.isRunning = false;
    }
  }

  cancel(): void {
    const job = this.files.find((file) => file.job?.state === 'running')?.job;
    if (job) void this.#client.call('jobs.cancel', { jobId: job.jobId });
  }

  async #import(file: ImportFile, appendTo: number | null): Promise<void> {
    file.error = null;
    file.wasCancelled = false;
    try {
      const { path, mapping, name, split } = file;
      const { jobId } = await this.#client.call('data.import', { path, mapping, name, split, appendTo });
      const end = await this.#follow(file, jobId);
      file.wasCancelled = end.state === 'cancelled';
      if (end.state === 'finished') file.result = end.result as Imported;
      else
        file.error = end.error ?? {
          message: 'The import was cancelled. Nothing was imported.',
          where: null,
          hint: null,
        };
    } catch (thrown) {
      file.error = thrown as ContractError;
    }
    file.job = null;
  }

  #follow(file: ImportFile, jobId: number): Promise<Job> {
    return new Promise((resolve, reject) => {
      const end = this.#client.subscribe(
        'job',
        { jobId },
        (job) => {
          file.job = job;
          if (job.state === 'running') return;
          resolve(job);
          queueMicrotask(() => end());
        },
        (error) => {
          if (error !== null) reject(error);
        },
      );
    });
  }
}
