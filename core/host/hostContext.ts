/**
 * What the handlers of the contract work with.
 *
 * Owns: the type that ties them to the open project, the settings, the jobs, the queue of runs and the
 * engine for looking at models. It does nothing; workbench.ts makes one.
 */
import type { Job, ProjectInfo, RequestOf, RunProgress, Settings } from '#core/contract/contract.ts';
import type { DataReader } from '#core/data/reader.ts';
import type { Engine } from '#core/engine/api.ts';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import type { Store } from '#core/store/store.ts';
import type { Keys } from '#core/remote/keys.ts';
import type { Changes } from './changes.ts';
import type { EndpointBook } from './endpointBook.ts';

export interface OpenProject {
  /** Absolute path. */
  folder: string;
  store: Store;
}

export interface JobControl {
  /** Aborted by `jobs.cancel`; work stops at its next safe point. */
  signal: AbortSignal;
  progress(done: number, total: number | null): void;
}

export interface Jobs {
  /** Starts work and returns its number at once; what it returns becomes the job's result. */
  start(
    about: { kind: Job['kind']; title: string; unit: string },
    work: (control: JobControl) => Promise<unknown>,
  ): number;
  /**
   * Does work that somebody waits for, as a job while it lasts.
   * @throws what the work throws; AresError 'interrupted' when it was cancelled before it was done
   */
  run<T>(
    about: { kind: Job['kind']; title: string; unit: string },
    work: (control: JobControl) => Promise<T>,
  ): Promise<T>;
  list(): Job[];
  cancel(jobId: number): void;
  /** Calls back now and whenever the job moves on, until it ends. */
  follow(jobId: number, listener: (job: Job) => void): () => void;
}

/** Runs of the open project, one at a time, in the order in which they were queued. */
export interface RunQueue {
  /** Looks for queued runs and works on them; called after a run was queued. */
  wake(): void;
  /** The run at work; null when it rests. */
  current(): number | null;
  /**
   * Asks the run at work to stop at its next safe point; resolves when it has.
   * @throws AresError 'usage' at once when it is not at work
   */
  pause(runId: number): Promise<void>;
  /**
   * As pause, and leaves the run 'stopped'. A waiting run is taken out of the queue.
   * @throws AresError 'usage' at once when there is nothing to stop
   */
  stop(runId: number): Promise<void>;
  progress(runId: number): RunProgress;
  follow(runId: number, listener: (progress: RunProgress) => void): () => void;
  /** Pauses what is at work with a checkpoint and takes no more; for closing the project. */
  close(): Promise<void>;
}

/** Weights to look at. */
export interface InspectedModel {
  folder: string;
  /** A checkpoint whose weights take the place of the folder's; null for the folder's own. */
  checkpoint: string | null;
  /** Prompt and response together, tokens: decides whether the work fits in memory. */
  longestSequence: number;
}

/** Models opened to look at traces: kept for a while, closed before a run starts. */
export interface InspectionEngine {
  /**
   * Works with a model in an engine of its own; calls are served one after another.
   * @param signal aborted, the engine's process ends with whatever it does
   * @throws AresError 'memory' when the work cannot fit, 'interrupted' when it was aborted, else as opening the
   *   model does
   */
  withModel<T>(
    source: InspectedModel,
    work: (engine: Engine, model: string) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>;
  /** Waits for the call being served, then ends the engine; a later call starts another. */
  close(): Promise<void>;
}

export interface HostContext {
  readonly shell: 'electron' | 'serve';
  /** Settings, sample project, uploads: everything of this user that is not a project. */
  readonly userFolder: string;
  readonly changes: Changes;
  readonly jobs: Jobs;
  /** @throws AresError 'usage' when no project is open */
  project(): OpenProject;
  /** @throws AresError 'usage' when no project is open */
  queue(): RunQueue;
  inspection(): InspectionEngine;
  endpoints(): EndpointBook;
  readonly keys: Keys;
  /** Reads data files in processes of their own. */
  readonly reader: DataReader;
  settings(): Settings;
  changeSettings(patch: RequestOf<'settings.set'>): Settings;
  /** Projects that were opened, newest first; some may be gone. */
  recentProjects(): { folder: string; name: string; openedMs: number }[];
  /** Closes the open project, if any, and opens another. */
  openProject(folder: string, create: boolean): Promise<ProjectInfo>;
  currentProject(): ProjectInfo | null;
  /** Starts an engine process, which ends at once when `ended` is aborted; another one under another shell. */
  startEngine(options: EngineOptions, ended?: AbortSignal): Promise<Engine>;
}
