/**
 * How long a run will take, from earlier runs of the same model in this project.
 *
 * Owns: what counts as the same model (the one it was trained from, too), which stages were timed, and the
 * estimate from them. Response lengths are taken to be as they were.
 */
import { countOf } from '#core/compare/format.ts';
import { changesOfState } from '#core/runs/lifecycle.ts';
import type { StageWork } from '#core/runs/progress.ts';
import type { Stage } from '#core/store/runs.ts';
import type { Store } from '#core/store/store.ts';
import { factsOf } from './runFacts.ts';

/** Newer runs say more about the machine as it is now. */
const RUNS = 5;

export interface Duration {
  durationMs: number;
  /** What the estimate is founded on, for people. */
  basis: string;
}

/** Null when no stage of an earlier run of this model was timed without a break. */
export function expectedDuration(store: Store, modelId: number, work: readonly StageWork[]): Duration | null {
  const origin = originOf(store, modelId);
  const totals = new Map<string, { cost: number; durationMs: number }>();
  let runs = 0;
  for (const run of store.runs.list()) {
    const { file, costPerUnit } = factsOf(store, run);
    if (file === null || originOf(store, file.baseModelId) !== origin) continue;
    const breaks = changesOfState(store.events.page(run.runId, 0, LOG_LINES)).map(({ timeMs }) => timeMs);
    const timed = store.runs.stages(run.runId).filter((stage) => wasTimed(stage, breaks));
    for (const { stage, name, plannedUnits, startedMs, endedMs } of timed) {
      const total = totals.get(kindOf(name)) ?? { cost: 0, durationMs: 0 };
      total.cost += plannedUnits * costPerUnit[stage]!;
      total.durationMs += endedMs! - startedMs!;
      totals.set(kindOf(name), total);
    }
    if (timed.length > 0 && ++runs === RUNS) break;
  }
  if (runs === 0) return null;
  const all = [...totals.values()].reduce((sum, { cost, durationMs }) => ({
    cost: sum.cost + cost,
    durationMs: sum.durationMs + durationMs,
  }));
  const durationMs = work.reduce((sum, { name, units, costPerUnit }) => {
    const own = totals.get(kindOf(name)) ?? all;
    return sum + (units * costPerUnit * own.durationMs) / own.cost;
  }, 0);
  const unseen = new Set(work.map(({ name }) => kindOf(name)).filter((kind) => !totals.has(kind)));
  const guessed = unseen.size === 0 ? '' : `; ${[...unseen].join(' and ')} guessed from its other stages`;
  return { durationMs, basis: `The pace of ${countOf(runs, 'earlier run')} of this model${guessed}.` };
}

/** More than any run has. */
const LOG_LINES = 100_000;

/** Finished in one go: nobody knows how long a pause within a stage took. */
function wasTimed({ state, plannedUnits, startedMs, endedMs }: Stage, breaks: readonly number[]): boolean {
  if (state !== 'finished' || plannedUnits === 0 || startedMs === null || endedMs === null) return false;
  return !breaks.some((timeMs) => timeMs > startedMs && timeMs < endedMs);
}

/** Evaluations of all models are alike. */
function kindOf(stageName: string): string {
  return stageName.split(' ')[0]!;
}

function originOf(store: Pick<Store, 'models'>, modelId: number): number {
  for (let id = modelId; ;) {
    const parentId = store.models.get(id)?.parentId ?? null;
    if (parentId === null) return id;
    id = parentId;
  }
}
