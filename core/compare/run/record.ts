/**
 * A run as the store has it, opened for reading.
 *
 * Owns: the run with its recipe and stages, the stage that did a certain thing, and all rollouts of a
 * stage as one set of columns. What they mean is the business of its neighbours.
 */
import { type Arm, type PlannedStage, stageName } from '#core/runs/pipeline.ts';
import { type Recipe, parseRecipe } from '#core/runs/recipe.ts';
import type { RolloutColumns } from '#core/store/rollouts.ts';
import type { Run, Stage } from '#core/store/runs.ts';
import type { StoreReader } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';

export interface RunRecord {
  store: StoreReader;
  run: Run;
  recipe: Recipe;
  stages: readonly Stage[];
}

/** @throws AresError 'not-found', 'bad-recipe' */
export function readRun(store: StoreReader, runId: number): RunRecord {
  const run = store.runs.get(runId);
  if (run === undefined) {
    throw new AresError('not-found', `There is no run ${runId}.`, { hint: 'List the runs to see which there are.' });
  }
  const recipe = parseRecipe(run.recipe, `the recipe of run ${runId}`);
  return { store, run, recipe, stages: store.runs.stages(runId) };
}

/** The stage that does this, if the run has it and it is finished: a part of a stage is no result. */
export function finishedStage({ stages }: RunRecord, planned: PlannedStage): Stage | undefined {
  return stages.find(({ name, state }) => name === stageName(planned) && state === 'finished');
}

/** The models a run can have evaluated, in the order in which they come to be. */
export const arms = ['base', 'cold-start', 'policy'] as const satisfies readonly Arm[];

/** All rollouts of a stage, step after step. */
export function stageColumns({ store, run: { runId } }: RunRecord, { stage }: Stage): RolloutColumns {
  const parts = store.rollouts.steps(runId, stage).map((step) => store.rollouts.columns({ runId, stage, step }));
  const joined = (name: keyof RolloutColumns): number[] => parts.flatMap((part) => Array.from(part[name]));
  return {
    rolloutId: Int32Array.from(joined('rolloutId')),
    problemId: Int32Array.from(joined('problemId')),
    sample: Int32Array.from(joined('sample')),
    verdict: Uint8Array.from(joined('verdict')),
    lengthTokens: Int32Array.from(joined('lengthTokens')),
    truncated: Uint8Array.from(joined('truncated')),
    highEntropyCount: Int32Array.from(joined('highEntropyCount')),
  };
}
