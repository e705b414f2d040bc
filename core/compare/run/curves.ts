/**
 * What the training stages of a run logged, as curves.
 */
import type { Series, TrainingCurve } from '#core/compare/types.ts';
import { type PlannedStage, stageName } from '#core/runs/pipeline.ts';
import { armLabel } from './evaluations.ts';
import type { RunRecord } from './record.ts';

const trained = ['cold-start', 'policy'] as const satisfies readonly PlannedStage['kind'][];

/** One curve per training stage that has taken a step, finished or not. */
export function readCurves({ store, run, recipe, stages }: RunRecord): TrainingCurve[] {
  const summaries = store.metrics.summaries(run.runId);
  return trained.flatMap((kind): TrainingCurve[] => {
    const stage = stages.find(({ name }) => name === stageName({ kind }))?.stage;
    const own = summaries.filter((summary) => summary.stage === stage);
    if (own.length === 0) return [];
    const series = own.map(({ stage, name }): [string, Series] => [
      name,
      store.metrics.read({ runId: run.runId, stage, name }),
    ]);
    const steps = 1 + Math.max(...own.map(({ lastStep }) => lastStep));
    return [{ arm: kind, label: armLabel(kind, recipe), seed: run.seed, steps, series: Object.fromEntries(series) }];
  });
}
