/**
 * Stages that only collect responses: labelling and evaluation.
 *
 * Owns: sampling in chunks of problems, each a step of the stage, and storing what comes as it comes. A
 * response is known by problem and sample: an interrupted collection asks only for those that are not
 * stored, and nothing is sampled twice.
 */
import { CORRECT, verdictCode } from '#core/grading/verdict.ts';
import type { NewRollout } from '#core/store/rollouts.ts';
import { mean } from '#core/util/statistics.ts';
import type { CollectContext, StageEnd } from './context.ts';
import { watchMachine } from './machineMetrics.ts';
import type { PreparedProblem, RunProblem } from './prompts.ts';
import type { ResponseSource, WantedSample } from './responseSource.ts';

/** Some samples of some problems. */
export interface Chunk<P extends RunProblem = PreparedProblem> {
  problems: readonly P[];
  firstSample: number;
  samples: number;
}

/** What a stored response shows, to whoever counts. */
export interface CollectedResponse {
  problemId: number;
  sample: number;
  correct: boolean;
  lengthTokens: number;
}

export interface Collection<P extends RunProblem> {
  stage: number;
  source: ResponseSource<P>;
  /** Number of the first chunk among the stage's stored steps. */
  firstChunk: number;
  /** Told of every response once it is stored, before or now. */
  onStored?(responses: readonly CollectedResponse[]): void;
  /** Asked after each chunk whether the rest is not needed. */
  isEnough?(): boolean;
}

/** Cuts problems into chunks of about this many responses. */
export function chunksOf<P extends RunProblem>(
  problems: readonly P[],
  firstSample: number,
  samples: number,
  responsesPerChunk: number,
): Chunk<P>[] {
  const size = Math.max(1, Math.floor(responsesPerChunk / samples));
  return Array.from({ length: Math.ceil(problems.length / size) }, (_, i) => ({
    problems: problems.slice(i * size, (i + 1) * size),
    firstSample,
    samples,
  }));
}

/**
 * Collects what is not stored yet of the chunks, and reports accuracy and length of each.
 * @param onResponses called after each response count changes, with all responses done so far in this call's chunks
 */
export async function collect<P extends RunProblem>(
  context: CollectContext,
  { stage, source, firstChunk, onStored, isEnough }: Collection<P>,
  chunks: readonly Chunk<P>[],
  onResponses: (done: number) => void,
): Promise<StageEnd> {
  const { store, runId, listener } = context;
  let done = 0;
  for (const [i, chunk] of chunks.entries()) {
    const step = firstChunk + i;
    const key = { runId, stage, step };
    const collected = storedOf(store.rollouts.columns(key));
    const wanted = missingOf(chunk, collected);
    const total = collected.length + wanted.length;
    if (collected.length > 0) onStored?.(collected);
    if (wanted.length > 0) {
      if (context.stopRequested()) return 'paused';
      const before = done + collected.length;
      const measure = watchMachine(source.use);
      const batches = source.respond({
        wanted,
        onFinished: (responses) => onResponses(before + responses),
        stopRequested: context.stopRequested,
      });
      for await (const batch of batches) {
        const responses = batch.map(summaryOf);
        collected.push(...responses);
        if (collected.length === total) {
          const lengths = collected.map(({ lengthTokens }) => lengthTokens);
          const values = {
            'accuracy/mean': mean(collected.map(({ correct }) => Number(correct))),
            'length/mean': mean(lengths),
            ...(await measure(lengths.slice(-wanted.length).reduce((sum, length) => sum + length, 0))),
          };
          // Before the last responses: a chunk that is stored whole is never collected again.
          store.metrics.write(runId, stage, [{ step, values }]);
          store.rollouts.write(key, batch);
          listener.metrics(stage, step, values);
        } else {
          store.rollouts.write(key, batch);
        }
        onStored?.(responses);
      }
      if (collected.length < total) return 'paused';
    }
    done += total;
    onResponses(done);
    if (isEnough?.() === true) break;
  }
  return 'finished';
}

function missingOf<P extends RunProblem>(
  { problems, firstSample, samples }: Chunk<P>,
  stored: readonly CollectedResponse[],
): WantedSample<P>[] {
  const has = new Set(stored.map(({ problemId, sample }) => `${problemId}:${sample}`));
  return problems.flatMap((problem) =>
    Array.from({ length: samples }, (_, i) => ({ problem, sample: firstSample + i })).filter(
      ({ sample }) => !has.has(`${problem.problemId}:${sample}`),
    ),
  );
}

/** The responses of columns, one by one. */
export function storedOf(columns: {
  problemId: Int32Array;
  sample: Int32Array;
  verdict: Uint8Array;
  lengthTokens: Int32Array;
}): CollectedResponse[] {
  return Array.from(columns.problemId, (problemId, i) => ({
    problemId,
    sample: columns.sample[i]!,
    correct: columns.verdict[i] === CORRECT,
    lengthTokens: columns.lengthTokens[i]!,
  }));
}

function summaryOf({ problemId, sample, verdict, lengthTokens }: NewRollout): CollectedResponse {
  return { problemId, sample, correct: verdictCode(verdict) === CORRECT, lengthTokens };
}
