/**
 * The runs of a project, as a list and one by one.
 *
 * Owns: what is said about a run from outside, whether or not a process works on it.
 */
import { changesOfState, markInterruptedRuns } from '#core/runs/lifecycle.ts';
import { advance, estimate, startProgress } from '#core/runs/progress.ts';
import type { StageWork } from '#core/runs/progress.ts';
import type { Event } from '#core/store/events.ts';
import type { Run, RunError, RunState, Stage } from '#core/store/runs.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import { openProject } from './project.ts';
import { factsOf, workOf } from './runFacts.ts';

export interface ListedRun {
  runId: number;
  name: string;
  kind: string;
  state: RunState;
  folder: string;
  /** At work or next; null when all are done. */
  stage: string | null;
  /** Share of the work that is done, in [0, 1]. */
  fraction: number;
  /** Estimate from the pace so far; null where nothing was timed or nothing remains. */
  remainingMs: number | null;
  createdMs: number;
  error: RunError | null;
}

/** Newest first. Runs whose process is gone are found to be interrupted. @throws AresError 'not-found' */
export function listRuns(projectFolder: string): ListedRun[] {
  return withProject(projectFolder, (store) => {
    markInterruptedRuns(store, Date.now());
    return store.runs.list().map((run) => {
      const { runId, name, kind, state, folder, createdMs, error } = run;
      const { stage, fraction, remainingMs } = standingOf(store, run);
      return { runId, name, kind, state, folder, stage, fraction, remainingMs, createdMs, error };
    });
  });
}

/** Opens a project for one question. */
export function withProject<T>(projectFolder: string, ask: (store: Store) => T): T {
  const store = openProject(projectFolder);
  try {
    return ask(store);
  } finally {
    store.close();
  }
}

/** @throws AresError 'not-found' */
export function requireRun(store: Pick<Store, 'runs'>, runId: number): Run {
  const run = store.runs.get(runId);
  if (run !== undefined) return run;
  throw new AresError('not-found', `There is no run ${runId} in this project.`, {
    hint: 'List the runs with "ares runs DIR".',
  });
}

/** The stages of a run as work, and what its log says so far. */
export function workOfRun(projectFolder: string, runId: number): { work: StageWork[]; log: string[] } {
  return withProject(projectFolder, (store) => {
    const run = requireRun(store, runId);
    const created = store.events
      .page(runId, 0, LOG_LINES)
      .filter(({ timeMs, details }) => timeMs === run.createdMs && !('to' in (details as object)));
    return { work: workOf(factsOf(store, run), store.runs.stages(runId)), log: created.map(({ message }) => message) };
  });
}

/** More than any run has. */
const LOG_LINES = 100_000;

/**
 * How long processes have worked on a run, by the changes of state in its log.
 * @returns null when one of them died: nobody knows when
 */
function timeAtWork(log: readonly Event[], nowMs: number): number | null {
  let totalMs = 0;
  let sinceMs: number | null = null;
  for (const { timeMs, from, to } of changesOfState(log)) {
    if (to === 'interrupted') return null;
    if (from === 'running' && sinceMs !== null) {
      totalMs += timeMs - sinceMs;
      sinceMs = null;
    }
    if (to === 'running') sinceMs = timeMs;
  }
  return sinceMs === null ? totalMs : totalMs + nowMs - sinceMs;
}

export interface Standing extends Pick<ListedRun, 'stage' | 'fraction' | 'remainingMs'> {
  stages: Stage[];
}

/** How far a run is by what the store says. */
export function standingOf(store: Store, run: Run): Standing {
  const stages = store.runs.stages(run.runId);
  const done = stages.reduce(
    (progress, { stage, doneUnits }) => advance(progress, stage, doneUnits, 0),
    startProgress(workOf(factsOf(store, run), stages)),
  );
  const { fraction } = estimate(done, 0);
  const current = stages.find((stage) => stage.state !== 'finished');
  return {
    stages,
    stage: current?.name ?? null,
    fraction,
    remainingMs: current !== undefined && fraction > 0 ? remainingFrom(store, run, fraction) : null,
  };
}

function remainingFrom(store: Store, { runId }: Run, fraction: number): number | null {
  const workedMs = timeAtWork(store.events.page(runId, 0, LOG_LINES), Date.now());
  return workedMs === null ? null : (workedMs * (1 - fraction)) / fraction;
}
