/**
 * Evaluation: samples of every held-out problem under one model.
 *
 * Owns: collecting them. What they show is computed in compare/, from the store.
 */
import { CORRECT } from '#core/grading/verdict.ts';
import type { ModelHandle } from '#core/engine/api.ts';
import { mean } from '#core/util/statistics.ts';
import { chunksOf, collect } from './collectStage.ts';
import { RandomStep, type RunContext, type StageEnd } from './context.ts';
import { engineResponses } from './responseSource.ts';

/** Share of right answers to each held-out problem, from the stored responses. */
export function heldoutPassRates({ store, runId }: RunContext, stage: number): number[] {
  const answers = new Map<number, number[]>();
  for (const step of store.rollouts.steps(runId, stage)) {
    const { problemId, verdict } = store.rollouts.columns({ runId, stage, step });
    problemId.forEach((id, i) => answers.set(id, [...(answers.get(id) ?? []), Number(verdict[i] === CORRECT)]));
  }
  return [...answers.values()].map(mean);
}

export function runEvaluateStage(context: RunContext, stage: number, model: ModelHandle): Promise<StageEnd> {
  const { recipe, heldout, listener } = context;
  const { samples, responsesPerChunk } = recipe.evaluation;
  const chunks = chunksOf(heldout, 0, samples, responsesPerChunk);
  const source = engineResponses(context, model, recipe.evaluation, RandomStep.evaluation);
  return collect(context, { stage, source, firstChunk: 0 }, chunks, (done) =>
    listener.progress(stage, done, heldout.length * samples),
  );
}
