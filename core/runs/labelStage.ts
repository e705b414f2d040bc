/**
 * Measuring difficulty: how often the base model solves each training problem.
 *
 * Owns: the samples, the extra samples of problems that were hardly ever solved (so that the hardest
 * bracket has right traces to learn from), the labels with their circumstances, and the preflight on
 * them. A label's pass rate never counts the extra samples.
 */
import { type DifficultyLabel, difficultyLabel, mixedGroupProbability } from '#core/ares/difficulty.ts';
import { AresError } from '#core/util/errors.ts';
import { mean } from '#core/util/statistics.ts';
import type { ModelHandle } from '#core/engine/api.ts';
import { chunksOf, collect } from './collectStage.ts';
import { GRADER } from './constants.ts';
import { RandomStep, type RunContext, type StageEnd, samplingOf } from './context.ts';
import type { PreparedProblem, RunProblem } from './prompts.ts';

/** What labelling found out about one problem. */
export interface LabelledProblem<P extends RunProblem = PreparedProblem> {
  problem: P;
  label: DifficultyLabel;
  meanLengthTokens: number;
}

export async function runLabelStage(context: RunContext, stage: number, model: ModelHandle): Promise<StageEnd> {
  const { recipe, train, store, runId, listener } = context;
  const { samples, extraSamples, extraAtMost } = recipe.label;
  const first = chunksOf(train, 0, samples, recipe.label.responsesPerChunk);
  const plan = { stage, model, sampling: samplingOf(context.base, recipe.label), randomStep: RandomStep.labelling };
  const expected = train.length * samples;
  const end = await collect(context, { ...plan, firstChunk: 0 }, first, (done) =>
    listener.progress(stage, done, expected),
  );
  if (end === 'paused') return end;

  const labelled = readLabels(context, stage);
  const hardest = labelled.filter(({ label }) => label.correct <= extraAtMost).map(({ problem }) => problem);
  if (extraSamples > 0 && hardest.length > 0 && labelled.some(({ label }) => label.correct > 0)) {
    const more = chunksOf(hardest, samples, extraSamples, recipe.label.responsesPerChunk);
    const total = expected + hardest.length * extraSamples;
    const extraEnd = await collect(context, { ...plan, firstChunk: first.length }, more, (done) =>
      listener.progress(stage, expected + done, total),
    );
    if (extraEnd === 'paused') return extraEnd;
  }
  store.durably(() => {
    const labels = labelled.map(({ problem, label, meanLengthTokens }) => ({
      problemId: problem.problemId,
      modelId: context.baseModelId,
      runId,
      grader: GRADER,
      samples: label.samples,
      correct: label.correct,
      temperature: label.temperature,
      maxNewTokens: label.maxNewTokens,
      intervalLow: label.interval.low,
      intervalHigh: label.interval.high,
      meanLengthTokens,
      createdMs: Date.now(),
    }));
    store.labels.add(labels);
  });
  return 'finished';
}

/** The part of a run's context that its stored labels are read with; problems need not be prepared for that. */
export interface LabelledRun<P extends RunProblem = PreparedProblem> extends Pick<
  RunContext,
  'store' | 'runId' | 'recipe'
> {
  base: Pick<RunContext['base'], 'folder'>;
  train: readonly P[];
}

/** Labels from the stored responses of the first pass. */
export function readLabels<P extends RunProblem>(
  { recipe, train, store, runId, base }: LabelledRun<P>,
  stage: number,
): LabelledProblem<P>[] {
  const { samples, temperature, maxNewTokens, responsesPerChunk } = recipe.label;
  const correct = new Map<number, number>();
  const lengths = new Map<number, number[]>();
  chunksOf(train, 0, samples, responsesPerChunk).forEach((_, step) => {
    const columns = store.rollouts.columns({ runId, stage, step });
    columns.problemId.forEach((problemId, i) => {
      correct.set(problemId, (correct.get(problemId) ?? 0) + Number(columns.verdict[i] === 0));
      lengths.set(problemId, [...(lengths.get(problemId) ?? []), columns.lengthTokens[i]!]);
    });
  });
  const provenance = { model: base.folder, grader: GRADER, temperature, maxNewTokens };
  return train.map((problem) => ({
    problem,
    label: difficultyLabel(correct.get(problem.problemId) ?? 0, samples, provenance, recipe.policy.method.buckets),
    meanLengthTokens: mean(lengths.get(problem.problemId) ?? []),
  }));
}

/**
 * Refuses to train where nothing could be learned: reinforcement compares right with wrong answers to
 * the same problem, so a model that solves everything or nothing gives it no direction.
 * @throws AresError 'no-signal' with the numbers
 */
export function checkSignal(
  labelled: readonly LabelledProblem<RunProblem>[],
  groupSize: number,
  minimumFraction: number,
): void {
  const rates = labelled.map(({ label }) => label.passRate);
  const never = rates.filter((rate) => rate === 0).length;
  const always = rates.filter((rate) => rate === 1).length;
  const expected = mean(rates.map((rate) => mixedGroupProbability(rate, groupSize)));
  if (expected >= minimumFraction && expected > 0) return;
  const percent = (100 * expected).toFixed(1);
  throw new AresError(
    'no-signal',
    `There is no signal to learn from: of ${rates.length} problems the model never solves ${never} and always solves ${always}, ` +
      `so only ${percent} % of the groups would hold both right and wrong answers (at least ${(100 * minimumFraction).toFixed(1)} % are needed).`,
    {
      hint:
        never > always
          ? 'Start from a model that solves some of these problems, or choose easier problems.'
          : 'Choose harder problems: this model has nothing left to learn from these.',
    },
  );
}
