/**
 * Which runs of the list are shown, and in which order.
 *
 * Owns: the filter by words and by state, and the order: what is at work, then the queue as it will be
 * worked off, then the rest, newest first.
 */
import type { RunRow, RunStateName } from '#core/contract/contract.ts';

export type StateFilter = 'all' | 'active' | 'finished' | 'halted';

const filters: Record<StateFilter, readonly RunStateName[] | null> = {
  all: null,
  active: ['running', 'queued'],
  finished: ['finished'],
  halted: ['paused', 'interrupted', 'failed', 'stopped'],
};

export function filterRuns(runs: readonly RunRow[], search: string, state: StateFilter): RunRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const states = filters[state];
  return runs
    .filter((run) => states === null || states.includes(run.state))
    .filter((run) => {
      const text = [
        run.runId,
        run.name,
        run.method ?? '',
        run.model,
        run.dataset,
        run.state,
        run.kind,
        `seed ${run.seed}`,
      ]
        .join(' ')
        .toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .toSorted((a, b) => rank(a) - rank(b) || order(a, b));
}

function rank({ state }: RunRow): number {
  return state === 'running' ? 0 : state === 'queued' ? 1 : 2;
}

function order(a: RunRow, b: RunRow): number {
  if (a.queuePosition !== null && b.queuePosition !== null) return a.queuePosition - b.queuePosition;
  return b.runId - a.runId;
}

export interface RunActions {
  pause: boolean;
  resume: boolean;
  stop: boolean;
}

/** What can be done with a run in its state. */
export function actionsOf(state: RunStateName): RunActions {
  return {
    pause: state === 'running',
    resume: state === 'paused' || state === 'interrupted' || state === 'failed' || state === 'stopped',
    stop: state === 'running' || state === 'queued' || state === 'paused' || state === 'interrupted',
  };
}
