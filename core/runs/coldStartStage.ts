/**
 * The cold-start stage: curate traces from the labelled responses, then fine-tune on them.
 *
 * Owns: reading the candidates back from the store, and the stage's loop. The selection is
 * ares/adacs.ts, a single step is coldStart.ts.
 */
import { CORRECT } from '#core/grading/verdict.ts';
import { type Curation, type Trace, curate } from '#core/ares/adacs.ts';
import type { ModelHandle, Sequence } from '#core/engine/api.ts';
import { learningRateAt } from '#core/engine/schedule.ts';
import { AresError } from '#core/util/errors.ts';
import { coldStartBatch, coldStartSteps, superviseStep } from './coldStart.ts';
import type { RunContext, StageEnd } from './context.ts';
import { type LabelledRun, readLabels } from './labelStage.ts';
import { type PreparedProblem, type RunProblem, imagesFor } from './prompts.ts';
import { runTrainingLoop } from './trainingLoop.ts';

interface Candidate<P extends RunProblem> extends Trace {
  rolloutId: number;
  prepared: P;
}

export interface CuratedSet<P extends RunProblem = PreparedProblem> {
  curation: Curation;
  candidates: readonly Candidate<P>[];
}

/** The selection, from the stored responses of the label stage; the same whenever it is asked for. */
export function curateFromStore<P extends RunProblem>(context: LabelledRun<P>, labelStage: number): CuratedSet<P> {
  const { store, runId, train, recipe } = context;
  const labels = new Map(readLabels(context, labelStage).map((labelled) => [labelled.problem.problemId, labelled]));
  const problems = new Map(train.map((problem) => [problem.problemId, problem]));
  const candidates = store.rollouts.steps(runId, labelStage).flatMap((step) => {
    const columns = store.rollouts.columns({ runId, stage: labelStage, step });
    return Array.from(columns.rolloutId, (rolloutId, i): Candidate<P> => {
      const prepared = problems.get(columns.problemId[i]!)!;
      const { label } = labels.get(prepared.problemId)!;
      return {
        rolloutId,
        prepared,
        problem: prepared.id,
        source: prepared.source,
        lengthTokens: columns.lengthTokens[i]!,
        correct: columns.verdict[i] === CORRECT,
        problemCorrect: label.correct,
        problemSamples: label.samples,
      };
    });
  });
  return { curation: curate(candidates, recipe.coldStart.curation, recipe.seed), candidates };
}

export async function runColdStartStage(
  context: RunContext,
  stage: number,
  labelStage: number,
  model: ModelHandle,
): Promise<StageEnd> {
  const { recipe, engine, store, listener } = context;
  const { epochs, batchSize, schedule, optimizer } = recipe.coldStart;
  const { curation, candidates } = curateFromStore(context, labelStage);
  for (const { text } of curation.warnings) listener.message('warning', text);
  if (curation.chosen.length === 0) {
    throw new AresError('no-signal', 'No traces could be selected for the cold start.', {
      hint: 'See the warnings above: the model needs problems it solves at different rates, with longer answers where it is harder.',
    });
  }
  const traces = curation.chosen.map(({ index }) => {
    const { rolloutId, prepared } = candidates[index]!;
    return { problem: prepared, responseIds: store.rollouts.tokens(rolloutId)!.ids };
  });
  const plan = { traces: traces.length, epochs, batchSize, seed: recipe.seed };
  const steps = coldStartSteps(plan);
  await engine.openTrainer(model, optimizer, recipe.coldStart.trains);
  return runTrainingLoop(context, {
    stage,
    name: 'cold-start',
    model,
    steps,
    initial: null,
    advance: async (step) => {
      const learningRate = learningRateAt({ ...schedule, totalSteps: steps }, step);
      const chosen = coldStartBatch(plan, step).map((i) => traces[i]!);
      const imagesOf = await imagesFor(chosen.map(({ problem }) => problem));
      const batch = chosen.map(({ problem, responseIds }): Sequence => ({
        promptIds: problem.promptIds,
        ...imagesOf(problem),
        responseIds,
      }));
      const { loss, gradientNorm } = await superviseStep(engine, model, batch, learningRate);
      const tokens = batch.reduce((sum, { responseIds }) => sum + responseIds.length, 0);
      return { state: null, metrics: { loss, gradientNorm, learningRate }, tokens };
    },
  });
}
