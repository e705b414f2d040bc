/**
 * Measuring difficulty: how often the base model solves each training problem.
 *
 * Owns: the samples, fewer of them where the bucket is known before (if the recipe says so), the extra
 * samples of problems that were hardly ever solved (so that the hardest bracket has right traces to learn
 * from), the labels with their circumstances, and ending early where a run that is to train surely has no
 * signal. A label's pass rate never counts the extra samples.
 */
import { type DifficultyLabel, difficultyLabel } from '#core/ares/difficulty.ts';
import { labelStopping } from '#core/ares/labelStopping.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import type { RolloutReads } from '#core/store/rollouts.ts';
import { type CollectedResponse, chunksOf, collect, storedOf } from './collectStage.ts';
import { GRADER } from './constants.ts';
import type { CollectContext, StageEnd } from './context.ts';
import type { PreparedProblem, RunProblem } from './prompts.ts';
import type { ResponseSource } from './responseSource.ts';
import { checkSignal, isSurelyWithoutSignal } from './signal.ts';

/** What labelling found out about one problem. */
export interface LabelledProblem<P extends RunProblem = PreparedProblem> {
  problem: P;
  label: DifficultyLabel;
  meanLengthTokens: number;
}

/** Keeps the order of labelling apart from the shuffles of the training stages. */
const LABEL_SHUFFLE = 0x2_0000;

/** What the first samples of a problem showed so far; extra samples are not counted. */
interface Tally {
  correct: number;
  drawn: number;
  tokens: number;
}

/**
 * Problems are labelled as soon as their samples are stored, so that whoever looks sees them come in. Where
 * sampling may stop early it goes in rounds: each draws some more samples of the problems whose bucket is
 * still open. What a round draws follows from what is stored, so an interrupted one goes on as it would have.
 * @param source the model that answers; its random numbers, where it has them, are those of labelling
 * @param trains whether the run goes on to train; labels alone are worth having without any signal
 * @throws AresError 'no-signal' when a run that is to train has nothing to learn from
 */
export async function runLabelStage<P extends RunProblem>(
  context: CollectContext<P>,
  stage: number,
  source: ResponseSource<P>,
  trains: boolean,
): Promise<StageEnd> {
  const { recipe, train, store, runId, listener } = context;
  const { samples, stopEarly, extraSamples, extraAtMost, responsesPerChunk } = recipe.label;
  const { minSignalFraction } = recipe.preflight;
  const rule = trains ? 'never' : stopEarly.rule;
  const { looks, hasEnough } = labelStopping(samples, rule, recipe.policy.method.buckets, stopEarly);
  const tallies = new Map<number, Tally>();
  const isDone = ({ problemId }: RunProblem): boolean => {
    const tally = tallies.get(problemId);
    return tally !== undefined && hasEnough(tally.correct, tally.drawn);
  };
  const problems = new Map(train.map((problem) => [problem.problemId, problem]));
  const labelled = store.labels.labelledBy(runId);
  const onStored = (responses: readonly CollectedResponse[]) => {
    const touched = addTo(tallies, responses, samples);
    // Not before the round's samples of a problem are all there: its label is of everything that was drawn.
    const whole = Array.from(touched).filter((problemId) => tallies.get(problemId)!.drawn >= roundEnd);
    const done = whole.map((problemId) => problems.get(problemId)!).filter(isDone);
    const fresh = done.filter(({ problemId }) => !labelled.has(problemId));
    addLabels(
      context,
      stage,
      fresh.map((problem) => labelOf(context, problem, tallies)),
    );
    for (const { problemId } of fresh) labelled.add(problemId);
  };
  const refused = new Set<P>();
  const isHopeless = () => {
    const mixed = Array.from(tallies.values()).filter(({ correct }) => correct > 0 && correct < samples).length;
    return isSurelyWithoutSignal({ problems: tallies.size, mixed }, minSignalFraction);
  };

  // In random order: what is known after a part of it holds for all of it.
  let open = new RandomSequence(recipe.seed, Stream.shuffle, LABEL_SHUFFLE).shuffled(train);
  let drawn = 0;
  /** Samples that a problem has after the round at work. */
  let roundEnd = 0;
  let firstChunk = 0;
  let doneBefore = 0;
  for (const look of looks) {
    if (open.length === 0) break;
    const more = look - drawn;
    roundEnd = look;
    const chunks = chunksOf(open, drawn, more, responsesPerChunk);
    const atMost = doneBefore + open.length * (samples - drawn);
    const onRefused = (problem: P) => void refused.add(problem);
    const collection = { stage, source, firstChunk, onStored, onRefused, ...(trains ? { isEnough: isHopeless } : {}) };
    const end = await collect(context, collection, chunks, (done) => {
      listener.progress(stage, doneBefore + done, atMost);
    });
    if (end === 'paused') return end;
    firstChunk += chunks.length;
    doneBefore += open.length * more;
    drawn = look;
    open = open.filter((problem) => !isDone(problem) && !refused.has(problem));
  }
  if (rule !== 'never') {
    listener.progress(stage, doneBefore, doneBefore);
    const saved = train.length * samples - doneBefore;
    listener.message(
      'info',
      `Responses saved by stopping where the bucket was known: ${saved} of ${doneBefore + saved}.`,
    );
  }

  const labels = train.flatMap((problem) => (tallies.has(problem.problemId) ? labelOf(context, problem, tallies) : []));
  if (trains) {
    const rates = labels.map(({ label }) => label.passRate);
    checkSignal(rates, recipe.policy.method.groupSize, minSignalFraction, train.length - labels.length);
  }
  const hardest = labels.filter(({ label }) => label.correct <= extraAtMost).map(({ problem }) => problem);
  if (extraSamples === 0 || hardest.length === 0 || labels.every(({ label }) => label.correct === 0)) return 'finished';
  const more = chunksOf(hardest, samples, extraSamples, responsesPerChunk);
  const total = doneBefore + hardest.length * extraSamples;
  return collect(context, { stage, source, firstChunk }, more, (done) =>
    listener.progress(stage, doneBefore + done, total),
  );
}

/** Counts the first samples among some responses. @returns the problems they belong to */
function addTo(tallies: Map<number, Tally>, responses: readonly CollectedResponse[], samples: number): Set<number> {
  const touched = new Set<number>();
  for (const { problemId, sample, correct, lengthTokens } of responses) {
    if (sample >= samples) continue;
    const before = tallies.get(problemId) ?? { correct: 0, drawn: 0, tokens: 0 };
    tallies.set(problemId, {
      correct: before.correct + Number(correct),
      drawn: before.drawn + 1,
      tokens: before.tokens + lengthTokens,
    });
    touched.add(problemId);
  }
  return touched;
}

/** The part of a run's context that its stored labels are read with; problems need not be prepared for that. */
export interface LabelledRun<P extends RunProblem = PreparedProblem> extends Pick<
  CollectContext<P>,
  'runId' | 'recipe' | 'base' | 'train'
> {
  store: { rollouts: RolloutReads };
}

/** Labels of the problems that have first samples stored, in the order of the training problems. */
export function readLabels<P extends RunProblem>(run: LabelledRun<P>, stage: number): LabelledProblem<P>[] {
  const { recipe, train, store, runId } = run;
  const tallies = new Map<number, Tally>();
  for (const step of store.rollouts.steps(runId, stage))
    addTo(tallies, storedOf(store.rollouts.columns({ runId, stage, step })), recipe.label.samples);
  return train.flatMap((problem) => (tallies.has(problem.problemId) ? labelOf(run, problem, tallies) : []));
}

function labelOf<P extends RunProblem>(
  { recipe, base }: Pick<LabelledRun, 'recipe' | 'base'>,
  problem: P,
  tallies: ReadonlyMap<number, Tally>,
): LabelledProblem<P> {
  const { temperature, maxNewTokens } = recipe.label;
  const { correct, drawn, tokens } = tallies.get(problem.problemId)!;
  const provenance = { model: base.folder, grader: GRADER, temperature, maxNewTokens };
  const label = difficultyLabel(correct, drawn, provenance, recipe.policy.method.buckets);
  return { problem, label, meanLengthTokens: tokens / drawn };
}

function addLabels<P extends RunProblem>(
  { store, runId, baseModelId, recipe }: CollectContext,
  stage: number,
  labelled: readonly LabelledProblem<P>[],
): void {
  if (labelled.length === 0) return;
  const createdMs = Date.now();
  store.durably(() =>
    store.labels.add(
      labelled.map(({ problem, label, meanLengthTokens }) => {
        const entropy = store.rollouts.meanEntropy(runId, stage, problem.problemId, recipe.label.samples);
        return {
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
          meanEntropyNats: entropy?.nats ?? null,
          entropyTopK: entropy?.topK ?? null,
          createdMs,
        };
      }),
    ),
  );
}
