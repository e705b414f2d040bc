/**
 * Measuring difficulty: how often the base model solves each training problem.
 *
 * Owns: the samples, the extra samples of problems that were hardly ever solved (so that the hardest
 * bracket has right traces to learn from), the labels with their circumstances, and ending early where
 * a run that is to train surely has no signal. A label's pass rate never counts the extra samples.
 */
import { CORRECT } from '#core/grading/verdict.ts';
import { type DifficultyLabel, difficultyLabel } from '#core/ares/difficulty.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import type { ModelHandle } from '#core/engine/api.ts';
import type { RolloutColumns, RolloutReads } from '#core/store/rollouts.ts';
import { type Chunk, chunksOf, collect } from './collectStage.ts';
import { GRADER } from './constants.ts';
import { RandomStep, type RunContext, type StageEnd, samplingOf } from './context.ts';
import type { PreparedProblem, RunProblem } from './prompts.ts';
import { checkSignal, isSurelyWithoutSignal } from './signal.ts';

/** What labelling found out about one problem. */
export interface LabelledProblem<P extends RunProblem = PreparedProblem> {
  problem: P;
  label: DifficultyLabel;
  meanLengthTokens: number;
}

/** Keeps the order of labelling apart from the shuffles of the training stages. */
const LABEL_SHUFFLE = 0x2_0000;

/**
 * @param trains whether the run goes on to train; labels alone are worth having without any signal
 * @throws AresError 'no-signal' when a run that is to train has nothing to learn from
 */
export async function runLabelStage(
  context: RunContext,
  stage: number,
  model: ModelHandle,
  trains: boolean,
): Promise<StageEnd> {
  const { recipe, train, store, runId, listener, base } = context;
  const { samples, extraSamples, extraAtMost, responsesPerChunk } = recipe.label;
  const { minSignalFraction } = recipe.preflight;
  const first = labelChunks(context);
  const plan = { stage, model, sampling: samplingOf(base, recipe.label), randomStep: RandomStep.labelling };
  const expected = train.length * samples;
  const seen = { problems: 0, mixed: 0 };
  const isHopeless = (step: number) => {
    for (const correct of correctByProblem(store.rollouts.columns({ runId, stage, step }), samples).values()) {
      seen.problems++;
      if (correct > 0 && correct < samples) seen.mixed++;
    }
    return isSurelyWithoutSignal(seen, minSignalFraction);
  };
  const end = await collect(
    context,
    { ...plan, firstChunk: 0, ...(trains ? { isEnough: isHopeless } : {}) },
    first,
    (done) => listener.progress(stage, done, expected),
  );
  if (end === 'paused') return end;

  const labelled = readLabels(context, stage);
  addLabels(context, labelled);
  if (trains) {
    const rates = labelled.map(({ label }) => label.passRate);
    checkSignal(rates, recipe.policy.method.groupSize, minSignalFraction, train.length - labelled.length);
  }
  const hardest = labelled.filter(({ label }) => label.correct <= extraAtMost).map(({ problem }) => problem);
  if (extraSamples === 0 || hardest.length === 0 || labelled.every(({ label }) => label.correct === 0)) return end;
  const more = chunksOf(hardest, samples, extraSamples, responsesPerChunk);
  const total = expected + hardest.length * extraSamples;
  return collect(context, { ...plan, firstChunk: first.length }, more, (done) =>
    listener.progress(stage, expected + done, total),
  );
}

/** The first pass, in random order: what is known after a part of it holds for all of it. */
function labelChunks({ recipe, train }: RunContext): Chunk[] {
  const { samples, responsesPerChunk } = recipe.label;
  const order = new RandomSequence(recipe.seed, Stream.shuffle, LABEL_SHUFFLE).shuffled(train);
  return chunksOf(order, 0, samples, responsesPerChunk);
}

/** Right answers among the first samples of each problem; extra samples are not counted. */
function correctByProblem(columns: RolloutColumns, samples: number): Map<number, number> {
  const correct = new Map<number, number>();
  columns.problemId.forEach((id, i) => {
    if (columns.sample[i]! < samples) correct.set(id, (correct.get(id) ?? 0) + Number(columns.verdict[i] === CORRECT));
  });
  return correct;
}

/** The part of a run's context that its stored labels are read with; problems need not be prepared for that. */
export interface LabelledRun<P extends RunProblem = PreparedProblem> extends Pick<RunContext, 'runId' | 'recipe'> {
  store: { rollouts: RolloutReads };
  base: Pick<RunContext['base'], 'folder'>;
  train: readonly P[];
}

/** Labels of the problems whose first samples are stored, in the order of the training problems. */
export function readLabels<P extends RunProblem>(
  { recipe, train, store, runId, base }: LabelledRun<P>,
  stage: number,
): LabelledProblem<P>[] {
  const { samples, temperature, maxNewTokens } = recipe.label;
  const correct = new Map<number, number>();
  const tokens = new Map<number, number>();
  for (const step of store.rollouts.steps(runId, stage)) {
    const columns = store.rollouts.columns({ runId, stage, step });
    for (const [problemId, count] of correctByProblem(columns, samples)) correct.set(problemId, count);
    columns.problemId.forEach((id, i) => {
      if (columns.sample[i]! < samples) tokens.set(id, (tokens.get(id) ?? 0) + columns.lengthTokens[i]!);
    });
  }
  const provenance = { model: base.folder, grader: GRADER, temperature, maxNewTokens };
  return train.flatMap((problem) => {
    const count = correct.get(problem.problemId);
    if (count === undefined) return [];
    const label = difficultyLabel(count, samples, provenance, recipe.policy.method.buckets);
    return [{ problem, label, meanLengthTokens: tokens.get(problem.problemId)! / samples }];
  });
}

/** Stores the labels, unless this run did before it was interrupted. */
function addLabels({ store, runId, baseModelId }: RunContext, labelled: readonly LabelledProblem[]): void {
  const [first] = labelled;
  if (first === undefined) return;
  if (store.labels.history(first.problem.problemId).some((label) => label.runId === runId)) return;
  const createdMs = Date.now();
  store.durably(() =>
    store.labels.add(
      labelled.map(({ problem, label, meanLengthTokens }) => ({
        problemId: problem.problemId,
        modelId: baseModelId,
        runId,
        grader: GRADER,
        samples: label.samples,
        correct: label.correct,
        temperature: label.temperature,
        maxNewTokens: label.maxNewTokens,
        intervalLow: label.interval.low,
        intervalHigh: label.interval.high,
        meanLengthTokens,
        createdMs,
      })),
    ),
  );
}
