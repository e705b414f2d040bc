/**
 * Stages that only collect responses: labelling and evaluation.
 *
 * Owns: sampling in chunks of problems, each stored in one transaction. A chunk that is stored is done,
 * so an interrupted collection goes on with the next, and nothing is sampled twice.
 */
import type { ModelHandle, SamplingOptions } from '#core/engine/api.ts';
import type { NewRollout } from '#core/store/rollouts.ts';
import { mean } from '#core/util/statistics.ts';
import type { RunContext, StageEnd } from './context.ts';
import { watchMachine } from './machineMetrics.ts';
import type { PreparedProblem, RunProblem } from './prompts.ts';
import { type Response, sampleResponses } from './responses.ts';

/** Some samples of some problems. */
export interface Chunk<P extends RunProblem = PreparedProblem> {
  problems: readonly P[];
  firstSample: number;
  samples: number;
}

export interface Collection {
  stage: number;
  model: ModelHandle;
  sampling: SamplingOptions;
  /** The `step` coordinate of the random numbers. */
  randomStep: number;
  /** Number of the first chunk among the stage's stored steps. */
  firstChunk: number;
  /** Told after each chunk, stored before or now, with its step. */
  onChunk?(step: number): void;
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
 * Samples the chunks that are not stored yet, and reports accuracy and length of each.
 * @param onResponses called after each response count changes, with all responses done so far in this call's chunks
 */
export async function collect(
  context: RunContext,
  { stage, model, sampling, randomStep, firstChunk, onChunk, isEnough }: Collection,
  chunks: readonly Chunk[],
  onResponses: (done: number) => void,
): Promise<StageEnd> {
  const { store, runId, engine, base, recipe, triggers, listener } = context;
  const stored = new Set(store.rollouts.steps(runId, stage));
  let done = 0;
  for (const [i, chunk] of chunks.entries()) {
    const step = firstChunk + i;
    if (!stored.has(step)) {
      if (context.stopRequested()) return 'paused';
      const sampler = { engine, model, tokenizer: base.tokenizer, sampling, seed: recipe.seed, triggers };
      const range = { step: randomStep, firstSample: chunk.firstSample, count: chunk.samples };
      const measure = watchMachine(engine);
      const responses = await sampleResponses(sampler, chunk.problems, range, ({ finishedSequences }) =>
        onResponses(done + finishedSequences),
      );
      const lengths = responses.map(({ ids }) => ids.length);
      const values = {
        'accuracy/mean': mean(responses.map(({ verdict }) => Number(verdict === 'correct'))),
        'length/mean': mean(lengths),
        ...(await measure(lengths.reduce((sum, length) => sum + length, 0))),
      };
      // Before the responses: a chunk that is stored is never collected again.
      store.metrics.write(runId, stage, [{ step, values }]);
      store.rollouts.write(
        { runId, stage, step },
        responses.map((response) => toStored(response, base.tokenizer)),
      );
      listener.metrics(stage, step, values);
    }
    done += chunk.problems.length * chunk.samples;
    onResponses(done);
    onChunk?.(step);
    if (isEnough?.() === true) break;
  }
  return 'finished';
}

/** A response as the store keeps it; the method's columns are filled where there are any. */
export function toStored(
  { problem, sample, ids, logprobs, entropiesNats, stopped, verdict, extracted }: Response,
  tokenizer: RunContext['base']['tokenizer'],
  method: Partial<
    Pick<NewRollout, 'parentSample' | 'forkPosition' | 'highEntropyCount' | 'bucket' | 'rewardParts' | 'advantage'>
  > = {},
): NewRollout {
  return {
    problemId: problem.problemId,
    sample,
    parentSample: null,
    forkPosition: null,
    verdict,
    extractedAnswer: extracted,
    response: tokenizer.decode(ids),
    lengthTokens: ids.length,
    truncated: !stopped,
    highEntropyCount: null,
    bucket: null,
    rewardParts: {},
    advantage: null,
    tokens: { ids, logprobs, entropiesNats },
    ...method,
  };
}
