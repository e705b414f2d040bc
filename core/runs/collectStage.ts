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
  /** Told of problems that cannot be answered. */
  onRefused?(problem: P): void;
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
  { stage, source, firstChunk, onStored, onRefused, isEnough }: Collection<P>,
  chunks: readonly Chunk<P>[],
  onResponses: (done: number) => void,
): Promise<StageEnd> {
  const { store, runId, listener } = context;
  // Of the whole stage: which chunk a response was asked for in may differ when problems drop out.
  const stored = new Map<string, CollectedResponse>();
  for (const step of store.rollouts.steps(runId, stage))
    for (const each of storedOf(store.rollouts.columns({ runId, stage, step }))) stored.set(sampleKey(each), each);
  let done = 0;
  for (const [i, chunk] of chunks.entries()) {
    const step = firstChunk + i;
    const key = { runId, stage, step };
    const all = samplesOf(chunk);
    const collected = all.flatMap(
      ({ problem, sample }) => stored.get(sampleKey({ problemId: problem.problemId, sample })) ?? [],
    );
    const wanted = all.filter(
      ({ problem, sample }) => !stored.has(sampleKey({ problemId: problem.problemId, sample })),
    );
    if (collected.length > 0) onStored?.(collected);
    if (wanted.length > 0) {
      if (context.stopRequested()) return 'paused';
      const before = done + collected.length;
      const open = new Set(wanted.map(({ problem, sample }) => sampleKey({ problemId: problem.problemId, sample })));
      const refused = new Set<P>();
      const measure = watchMachine(source.use);
      const batches = source.respond({
        wanted,
        onFinished: (responses) => onResponses(before + responses),
        onRefused: (problem, reason) => {
          if (refused.has(problem)) return;
          refused.add(problem);
          for (const each of wanted)
            if (each.problem === problem) open.delete(sampleKey({ problemId: problem.problemId, sample: each.sample }));
          listener.message('warning', `Problem ${problem.id} cannot be answered and gets no label: ${reason}`);
          onRefused?.(problem);
        },
        stopRequested: context.stopRequested,
      });
      let isMeasured = false;
      const writeMetrics = async (): Promise<void> => {
        isMeasured = true;
        const lengths = collected.map(({ lengthTokens }) => lengthTokens);
        const values = {
          'accuracy/mean': mean(collected.map(({ correct }) => Number(correct))),
          'length/mean': mean(lengths),
          ...(await measure(lengths.slice(before - done).reduce((sum, length) => sum + length, 0))),
        };
        store.metrics.write(runId, stage, [{ step, values }]);
        listener.metrics(stage, step, values);
      };
      for await (const batch of batches) {
        const responses = batch.map(summaryOf);
        collected.push(...responses);
        for (const each of responses) open.delete(sampleKey(each));
        // Before the last responses: a chunk that is stored whole is never collected again.
        if (open.size === 0) await writeMetrics();
        store.rollouts.write(key, batch);
        onStored?.(responses);
      }
      if (open.size > 0) return 'paused';
      if (!isMeasured && collected.length > 0) await writeMetrics();
    }
    done += all.length;
    onResponses(done);
    if (isEnough?.() === true) break;
  }
  return 'finished';
}

function samplesOf<P extends RunProblem>({ problems, firstSample, samples }: Chunk<P>): WantedSample<P>[] {
  return problems.flatMap((problem) =>
    Array.from({ length: samples }, (_, i) => ({ problem, sample: firstSample + i })),
  );
}

/** Within a stage. */
function sampleKey({ problemId, sample }: Pick<CollectedResponse, 'problemId' | 'sample'>): string {
  return `${problemId}:${sample}`;
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
