/**
 * The life of a run: queued → running → paused | finished | failed | stopped | interrupted (DESIGN §6).
 *
 * Owns: which changes of state are allowed, and applying them to the store together with a line in
 * the run's log. A paused, failed, stopped or interrupted run goes back into the queue to be resumed;
 * only a finished one is final. It does no work of a run.
 */
import { type RunOwner, type RunState, runStates } from '#core/store/runs.ts';
import type { Run } from '#core/store/runs.ts';
import type { Event, EventLevel } from '#core/store/events.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import { type ProcessTable, hasEnded, systemProcesses } from './processIdentity.ts';
import { lockRunFolder } from './runLock.ts';

export const transitions: Readonly<Record<RunState, readonly RunState[]>> = {
  queued: ['running', 'stopped'],
  running: ['paused', 'finished', 'failed', 'stopped', 'interrupted'],
  paused: ['queued', 'stopped'],
  failed: ['queued'],
  stopped: ['queued'],
  interrupted: ['queued', 'stopped'],
  finished: [],
};

export function canChange(from: RunState, to: RunState): boolean {
  return transitions[from].includes(to);
}

/** Whether a run in this state can be put into the queue again and go on from its newest checkpoint. */
export function canResume(state: RunState): boolean {
  return canChange(state, 'queued');
}

/** What the log says about having reached a state. */
const reached: Readonly<Record<RunState, readonly [EventLevel, string]>> = {
  queued: ['info', 'The run was put into the queue.'],
  running: ['info', 'The run was started.'],
  paused: ['info', 'The run was paused.'],
  finished: ['info', 'The run finished.'],
  failed: ['error', 'The run failed.'],
  stopped: ['info', 'The run was stopped.'],
  interrupted: ['warning', 'The run was interrupted: the process that worked on it is gone.'],
};

type RunStore = Pick<Store, 'runs' | 'events' | 'durably'>;

/**
 * Changes the state of a run and logs it; both are on disk when it returns.
 * @param error why it failed; only with `to` = 'failed'
 * @throws AresError 'not-found', or 'usage' when the change is not allowed from the present state
 */
export function changeRunState(
  store: RunStore,
  runId: number,
  to: Exclude<RunState, 'running'>,
  nowMs: number,
  error?: AresError,
): void {
  apply(store, runId, to, nowMs, null, error);
}

/** Logs that a run which was just created is in the queue; its place in it follows from this. */
export function logQueued(store: Pick<RunStore, 'events'>, runId: number, nowMs: number): void {
  const [level, message] = reached.queued;
  store.events.add({ runId, timeMs: nowMs, level, message, details: { to: 'queued' } });
}

/** The changes of state among the lines of a run's log. */
export function changesOfState(log: readonly Event[]): { timeMs: number; from: RunState | undefined; to: RunState }[] {
  return log.flatMap(({ timeMs, details }) => {
    const { from, to } = details as { from?: RunState; to?: RunState };
    return to === undefined ? [] : [{ timeMs, from, to }];
  });
}

/**
 * Makes this process the one that works on a queued run: locks its folder and sets it to running.
 * @returns a function that unlocks the folder, to be called after the run has left 'running'
 * @throws AresError 'usage' when it is not queued or another process works on it, 'not-found'
 */
export function claimRun(
  store: RunStore,
  runId: number,
  owner: RunOwner,
  processes: ProcessTable = systemProcesses,
): () => void {
  const unlock = lockRunFolder(existing(store, runId).folder, owner, processes);
  try {
    apply(store, runId, 'running', owner.claimedMs, owner);
  } catch (thrown) {
    unlock();
    throw thrown;
  }
  return unlock;
}

/**
 * Finds runs that are 'running' although their process has ended, and sets them to interrupted.
 * @returns their ids
 */
export function markInterruptedRuns(
  store: RunStore,
  nowMs: number,
  processes: ProcessTable = systemProcesses,
): number[] {
  const lost = store.runs
    .list(['running'])
    .filter(({ owner }) => owner === null || hasEnded(owner, processes))
    .map(({ runId }) => runId);
  for (const runId of lost) apply(store, runId, 'interrupted', nowMs, null);
  return lost;
}

function apply(
  store: RunStore,
  runId: number,
  to: RunState,
  nowMs: number,
  owner: RunOwner | null,
  error?: AresError,
): void {
  store.durably(() => {
    const { state: from } = existing(store, runId);
    if (!canChange(from, to)) throw notAllowed(runId, from, to);
    const stored =
      error === undefined
        ? null
        : { code: error.code, message: error.message, where: error.where ?? null, hint: error.hint ?? null };
    store.runs.changeState({ runId, from, to, nowMs, owner, error: stored });
    const [level, sentence] = reached[to];
    const message = error === undefined ? sentence : `${sentence.slice(0, -1)}: ${error.message}`;
    store.events.add({ runId, timeMs: nowMs, level, message, details: { from, to } });
  });
}

function existing(store: RunStore, runId: number): Run {
  const run = store.runs.get(runId);
  if (run === undefined) {
    throw new AresError('not-found', `There is no run ${runId}.`, { hint: 'List the runs to see which there are.' });
  }
  return run;
}

function notAllowed(runId: number, from: RunState, to: RunState): AresError {
  const possible = runStates.filter((state) => canChange(from, state));
  return new AresError('usage', `A run that is ${from} cannot become ${to}.`, {
    where: `run ${runId}`,
    hint: possible.length === 0 ? 'Start a new run from its recipe.' : `It can become ${possible.join(' or ')}.`,
  });
}
