/**
 * Runs as a front end shows them.
 *
 * Owns: putting together the row of a run from the store, its facts and the queue. It changes nothing.
 */
import type { RunDetails, RunRow } from '#core/contract/contract.ts';
import type { Run } from '#core/store/runs.ts';
import type { Store } from '#core/store/store.ts';
import type { RunQueue } from './hostContext.ts';
import { factsOf, modelName } from './runFacts.ts';
import type { StoredSplit } from './runFile.ts';
import { standingOf } from './runList.ts';

/** Newest first. */
export function runRows(store: Store, queue: Pick<RunQueue, 'current' | 'progress'>): RunRow[] {
  const describe = describer(store, queue);
  return store.runs.list().map(describe);
}

export function describer(store: Store, queue: Pick<RunQueue, 'current' | 'progress'>): (run: Run) => RunRow {
  const runs = store.runs.list();
  const models = new Map(store.models.list().map((model) => [model.modelId, modelName(runs, model)]));
  const datasets = new Map(store.problems.datasets().map(({ datasetId, name }) => [datasetId, name]));
  const positions = new Map(store.runs.waiting().map(({ runId }, i) => [runId, i + 1]));
  const dataset = (set: StoredSplit) => {
    const pool = set.poolId === null ? undefined : store.pools.get(set.poolId)?.name;
    const name = datasets.get(set.datasetId) ?? 'removed';
    return pool === undefined ? name : `${name} · ${pool}`;
  };
  return (run) => {
    const { file, method } = factsOf(store, run);
    const set = file?.train ?? file?.heldout ?? null;
    const standing = standingOf(store, run);
    const live = queue.current() === run.runId ? queue.progress(run.runId) : standing;
    return {
      runId: run.runId,
      name: run.name,
      kind: run.kind,
      state: run.state,
      stage: standing.stage,
      fraction: live.fraction,
      remainingMs: live.remainingMs,
      seed: run.seed,
      recipeHash: run.recipeHash,
      method,
      model: (file === null ? undefined : models.get(file.baseModelId)) ?? 'unknown',
      dataset: set === null ? 'unknown' : dataset(set),
      parentId: run.parentId,
      queuePosition: positions.get(run.runId) ?? null,
      createdMs: run.createdMs,
      startedMs: run.startedMs,
      endedMs: run.endedMs,
      error: run.error,
    };
  };
}

/** A stored set of problems as a front end names it. */
export function problemSetOf(set: StoredSplit | null): RunDetails['train'] {
  return set === null ? null : { datasetId: set.datasetId, split: set.split, poolId: set.poolId };
}
