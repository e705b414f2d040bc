/**
 * The queue of a project: its runs one at a time, in the order in which they were queued.
 *
 * Owns: which run is worked on and when, pausing and stopping it at a safe point, going on with the next
 * whatever became of the last, and telling followers how far a run is. What working on a run means is
 * executeRun.ts; the states it may go through are runs/lifecycle.ts.
 */
import type { RunProgress } from '#core/contract/contract.ts';
import type { RunListener } from '#core/runs/context.ts';
import { changeRunState, markInterruptedRuns } from '#core/runs/lifecycle.ts';
import { type Progress, advance, estimate, startClock, startProgress } from '#core/runs/progress.ts';
import type { Keys } from '#core/remote/keys.ts';
import type { Run } from '#core/store/runs.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import type { Changes } from './changes.ts';
import { executeIn } from './executeRun.ts';
import type { HostContext, OpenProject, RunQueue } from './hostContext.ts';
import { factsOf, workOf } from './runFacts.ts';
import { requireRun, standingOf } from './runList.ts';

export interface QueueOptions {
  project: OpenProject;
  changes: Pick<Changes, 'announce'>;
  keys: Keys;
  startEngine: HostContext['startEngine'];
  /** Frees the memory that other work holds, before a run needs it. */
  makeRoom(): Promise<void>;
}

/** The run at work. */
interface AtWork {
  runId: number;
  progress: Progress;
  asked: RunProgress['asked'];
  /** Resolves when nobody works on it any more. */
  ended: Promise<void>;
}

/**
 * Runs that were at work when their process died are found to be interrupted, and what is queued is begun.
 * @throws AresError 'store'
 */
export function createRunQueue({ project, changes, keys, startEngine, makeRoom }: QueueOptions): RunQueue {
  const { store } = project;
  const versions = new Map<number, number>();
  const followers = new Map<number, Set<(progress: RunProgress) => void>>();
  /** Runs that could not be begun since the queue was woken; they stay queued. */
  const refused = new Set<number>();
  let atWork: AtWork | null = null;
  let working: Promise<void> | null = null;
  let isAwake = false;
  let isClosed = false;

  if (markInterruptedRuns(store, Date.now()).length > 0) changes.announce('runs');
  wake();
  return { wake, current: () => atWork?.runId ?? null, pause, stop, progress: progressOf, follow, close };

  function wake(): void {
    refused.clear();
    isAwake = true;
    // A store that cannot be read ends the work; whoever calls it next hears why.
    working ??= workOff()
      .catch(() => undefined)
      .finally(() => {
        working = null;
        // Woken after the last look.
        if (isAwake && !isClosed) wake();
      });
  }

  function nextRun(): Run | undefined {
    return isClosed ? undefined : store.runs.waiting().find(({ runId }) => !refused.has(runId));
  }

  async function workOff(): Promise<void> {
    // Whoever queued a run gets an answer before the work begins.
    await new Promise<void>((resolve) => void setImmediate(resolve));
    isAwake = false;
    for (let run = nextRun(); run !== undefined; run = nextRun()) {
      const own: AtWork = { runId: run.runId, progress: startProgress([]), asked: null, ended: Promise.resolve() };
      atWork = own;
      own.ended = workOn(own, run).finally(() => {
        atWork = null;
        tell(own.runId);
        changes.announce('runs', 'labels', 'models');
      });
      await own.ended;
    }
  }

  function startOf(run: Run): Progress {
    const { stages } = standingOf(store, run);
    const done = stages.reduce(
      (progress, { stage, doneUnits }) => advance(progress, stage, doneUnits, 0),
      startProgress(workOf(factsOf(store, run), stages)),
    );
    return startClock(done, performance.now());
  }

  /** Never throws: what went wrong is in the run's state and log. */
  async function workOn(own: AtWork, run: Run): Promise<void> {
    const { runId } = own;
    try {
      own.progress = startOf(run);
      await makeRoom();
      const end = await executeIn(store, {
        projectFolder: project.folder,
        runId,
        listener: listenerOf(own),
        stopRequested: () => own.asked !== null,
        keys,
        startEngine,
      });
      if (end.state === 'paused' && own.asked === 'stop') changeRunState(store, runId, 'stopped', Date.now());
    } catch (thrown) {
      // A run that failed is not queued any more; one that could not even be begun still is.
      if (store.runs.get(runId)?.state !== 'queued') return;
      refused.add(runId);
      log(runId, 'warning', `The run could not be begun: ${toAresError(thrown).message}`);
    }
  }

  function listenerOf(own: AtWork): RunListener {
    const { runId } = own;
    let current = -1;
    return {
      progress(stage, doneUnits, plannedUnits) {
        const stages = own.progress.stages.map((each, i) => (i === stage ? { ...each, units: plannedUnits } : each));
        own.progress = advance({ ...own.progress, stages }, stage, doneUnits, performance.now());
        if (stage !== current) {
          current = stage;
          changes.announce('runs', 'labels', 'models');
        }
        tell(runId);
      },
      metrics: () => tell(runId),
      message: () => tell(runId),
    };
  }

  function tell(runId: number): void {
    versions.set(runId, (versions.get(runId) ?? 0) + 1);
    const listeners = followers.get(runId);
    if (listeners === undefined) return;
    const progress = progressOf(runId);
    for (const listener of listeners) listener(progress);
  }

  function progressOf(runId: number): RunProgress {
    const run = requireRun(store, runId);
    const standing = standingOf(store, run);
    const stages = standing.stages.map(({ stage, name, state, doneUnits, plannedUnits, startedMs, endedMs }) => {
      return { stage, name, state, doneUnits, plannedUnits, startedMs, endedMs };
    });
    const version = versions.get(runId) ?? 0;
    const own = atWork;
    if (own?.runId !== runId || own.progress.stages.length === 0) {
      const { fraction, remainingMs } = standing;
      return { runId, state: run.state, fraction, remainingMs, stages, asked: null, version };
    }
    const { fraction, remainingMs } = estimate(own.progress, performance.now());
    return {
      runId,
      state: run.state,
      fraction,
      remainingMs: remainingMs ?? standing.remainingMs,
      // The store hears of progress only now and then.
      stages: stages.map((stage, i) => {
        const live = own.progress.stages[i];
        return live === undefined ? stage : { ...stage, doneUnits: live.doneUnits, plannedUnits: live.units };
      }),
      asked: own.asked,
      version,
    };
  }

  function follow(runId: number, listener: (progress: RunProgress) => void): () => void {
    const listeners = followers.get(runId) ?? new Set();
    followers.set(runId, listeners.add(listener));
    listener(progressOf(runId));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) followers.delete(runId);
    };
  }

  function pause(runId: number): Promise<void> {
    const run = requireRun(store, runId);
    if (atWork?.runId !== runId) {
      throw new AresError('usage', `This run is ${run.state}; only the run at work can be paused.`, {
        where: `run ${runId}`,
      });
    }
    return ask(atWork, 'pause');
  }

  function stop(runId: number): Promise<void> {
    requireRun(store, runId);
    if (atWork?.runId === runId) return ask(atWork, 'stop');
    changeRunState(store, runId, 'stopped', Date.now());
    tell(runId);
    changes.announce('runs');
    return Promise.resolve();
  }

  /** Stopping is stronger than pausing: it is not taken back by a later pause. */
  function ask(own: AtWork, what: 'pause' | 'stop'): Promise<void> {
    if (own.asked === null) log(own.runId, 'info', `Asked to ${what}: the run does so at its next safe point.`);
    if (own.asked !== 'stop') own.asked = what;
    tell(own.runId);
    changes.announce('runs');
    return own.ended;
  }

  function log(runId: number, level: 'info' | 'warning', message: string): void {
    store.events.add({ runId, timeMs: Date.now(), level, message, details: {} });
  }

  async function close(): Promise<void> {
    isClosed = true;
    if (atWork !== null) await ask(atWork, 'pause');
    await working;
  }
}
