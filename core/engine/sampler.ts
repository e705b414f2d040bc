/**
 * Generation: many jobs of different lengths through a bounded number of rows.
 *
 * Owns: rows and their refilling, chunks of the loop, collecting tokens, log-probs and entropies. The
 * graphs are rolloutGraph.ts, shared prefill is prefill.ts. The uniform behind a
 * token depends on (seed, step, prompt, sample, position) alone, so neither the rows a job shares a
 * batch with nor the chunk size changes which number it gets (DESIGN §4).
 */
import type { Session } from '#core/tensor/runtime.ts';
import { type Tensor, float32, int64 } from '#core/tensor/types.ts';
import { AresError } from '#core/util/errors.ts';
import { tokenUniform } from '#core/util/rng.ts';
import type { RolloutColumns, RolloutJob, RolloutProgress, RolloutRequest, SamplingOptions } from './api.ts';
import { type CachedBatch, type CachedRow, type RowSource, assembleBatch } from './keyValueCache.ts';
import { MASKED } from './microBatch.ts';
import { type ModelState, mergedWeights, ropeFeeds } from './modelState.ts';
import { PrefillQueue } from './prefill.ts';
import { buildChunkGraph, pastName, presentTensors } from './rolloutGraph.ts';
import type { SamplingShape } from './sampleGraph.ts';
import type { SessionCache } from './sessionCache.ts';

export interface SamplerOptions {
  /** Rows generated side by side. */
  maxRows: number;
  /** Tokens per run of the loop; between runs rows are refilled and progress is reported. */
  chunkTokens: number;
  /** Padded tokens per prefill run. */
  prefillTokenBudget: number;
}

/** A job on its way. */
interface ActiveRow {
  job: number;
  /** Positions in the cache. */
  length: number;
  /** The rotary position of the next token is length + positionDelta. */
  positionDelta: number;
  /** The token to feed next; its keys and values are not in the cache yet. */
  token: number;
  /** New tokens so far, and how many there may be. */
  produced: number;
  limit: number;
  finished: boolean;
}

interface JobOutput {
  ids: number[];
  logprobs: number[];
  entropiesNats: number[];
  alternativeIds: number[];
  alternativeLogprobs: number[];
  stopped: boolean;
}

export async function generateRollouts(
  sessions: SessionCache,
  state: ModelState,
  request: Omit<RolloutRequest, 'model'>,
  options: SamplerOptions,
  onProgress?: (progress: RolloutProgress) => void,
): Promise<RolloutColumns> {
  checkSampling(request.sampling);
  const { jobs, sampling } = request;
  const shape = samplingShape(sampling);
  const session = await sessions.getBaked(state, `chunk ${JSON.stringify(shape)}`, () =>
    buildChunkGraph(state.config, mergedWeights(state), shape),
  );
  const outputs = jobs.map((): JobOutput => ({
    ids: [],
    logprobs: [],
    entropiesNats: [],
    alternativeIds: [],
    alternativeLogprobs: [],
    stopped: false,
  }));
  const pending = jobs.map((_, i) => i).toReversed();
  const prefills = new PrefillQueue(sessions, state, jobs, options.prefillTokenBudget);
  // A row that is finished runs on until the chunk of its batch ends; nobody reads what it makes there.
  const rope = ropeFeeds(state.config, longestSequence(jobs, sampling.maxNewTokens), options.chunkTokens);
  let rows: ActiveRow[] = [];
  let cache: CachedBatch = { capacity: 0, tensors: [] };
  let finished = 0;
  let newTokens = 0;

  for (;;) {
    const sources = rows.flatMap((row, i): RowSource[] =>
      row.finished ? [] : [{ kind: 'kept', row: i, length: row.length }],
    );
    const going = rows.filter((row) => !row.finished);
    const arriving = pending.splice(Math.max(0, pending.length - (options.maxRows - going.length))).toReversed();
    if (going.length + arriving.length === 0) break;
    const changed = arriving.length > 0 || going.length < rows.length;
    for (const job of arriving) {
      const cached = await prefills.take(job);
      sources.push({ kind: 'new', cached });
      going.push(startRow(job, jobs[job]!, cached, sampling));
    }
    if (changed) cache = assembleBatch(state.config, cache, sources);
    rows = going;
    const chunk = await runChunk(session, state, rows, cache, rope, request, options.chunkTokens);
    cache = chunk.cache;
    newTokens += collect(chunk.tensors, chunk.steps, rows, outputs, sampling);
    finished += rows.filter((row) => row.finished).length;
    onProgress?.({ finishedSequences: finished, totalSequences: jobs.length, newTokens });
  }
  return toColumns(outputs, sampling.alternatives);
}

function checkSampling({ temperature, topP, topK, maxNewTokens }: SamplingOptions): void {
  if (!(temperature > 0))
    throw new AresError('usage', 'The sampling temperature must be above 0.', {
      hint: 'For deterministic output choose greedy sampling.',
    });
  if (!(topP > 0 && topP <= 1)) throw new AresError('usage', 'top-p must lie in (0, 1].');
  if (!Number.isInteger(topK) || topK < 0) throw new AresError('usage', 'top-k must be a whole number, 0 or more.');
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 1)
    throw new AresError('usage', 'The maximum of new tokens must be 1 or more.');
}

function samplingShape({ greedy, topK, topP, alternatives }: SamplingOptions): SamplingShape {
  return { greedy, topK, topP, alternatives };
}

function longestSequence(jobs: readonly RolloutJob[], maxNewTokens: number): number {
  return Math.max(1, ...jobs.map((job) => job.promptIds.length + Math.max(maxNewTokens, job.prefixIds.length + 1)));
}

/** The limit counts the whole response, the prefix included; a fork always makes at least one token. */
function startRow(
  job: number,
  { promptIds, prefixIds }: RolloutJob,
  cached: CachedRow,
  { maxNewTokens }: SamplingOptions,
): ActiveRow {
  return {
    job,
    length: cached.length,
    positionDelta: cached.positionDelta,
    token: prefixIds.at(-1) ?? promptIds.at(-1)!,
    produced: 0,
    limit: Math.max(1, maxNewTokens - prefixIds.length),
    finished: false,
  };
}

interface Chunk {
  /** Steps the loop made; fewer than asked when every row finished. */
  steps: number;
  tensors: Record<string, Tensor>;
  cache: CachedBatch;
}

async function runChunk(
  session: Session,
  { config }: ModelState,
  rows: readonly ActiveRow[],
  cache: CachedBatch,
  rope: Record<string, Tensor>,
  { jobs, seed, step, sampling }: Omit<RolloutRequest, 'model'>,
  chunkTokens: number,
): Promise<Chunk> {
  const count = rows.length;
  const remaining = rows.map((row) => row.limit - row.produced);
  const steps = Math.min(chunkTokens, Math.max(...remaining));
  const uniforms = new Float32Array(steps * count);
  const mask = new Float32Array(count * cache.capacity);
  rows.forEach((row, b) => {
    const { promptKey, sampleKey, prefixIds } = jobs[row.job]!;
    mask.fill(MASKED, b * cache.capacity, (b + 1) * cache.capacity - row.length);
    for (let t = 0; t < steps; t++) {
      uniforms[t * count + b] = tokenUniform(seed, step, promptKey, sampleKey, prefixIds.length + row.produced + t);
    }
  });
  const feeds: Record<string, Tensor> = {
    ...rope,
    tokens: int64(
      rows.map((row) => row.token),
      [count, 1],
    ),
    positions: int64(
      rows.map((row) => row.length + row.positionDelta),
      [count, 1],
    ),
    pastMask: float32(mask, [count, 1, 1, cache.capacity]),
    steps: int64([steps], []),
    limits: int64(remaining, [count, 1]),
    uniforms: float32(uniforms, [steps, count, 1]),
    inverseTemperature: float32(Float32Array.of(1 / sampling.temperature), []),
    // An id no vocabulary has stands for "no stop token": an empty tensor would have no row to reduce.
    stopIds: int64(sampling.stopIds.length > 0 ? sampling.stopIds : [-1], [Math.max(1, sampling.stopIds.length)]),
  };
  for (let layer = 0; layer < config.layers; layer++) {
    feeds[pastName('key', layer)] = cache.tensors[2 * layer]!;
    feeds[pastName('value', layer)] = cache.tensors[2 * layer + 1]!;
  }
  const tensors = await session.run(feeds);
  const ran = tensors['ids']!.shape[0]!;
  return {
    steps: ran,
    tensors,
    cache: { capacity: cache.capacity + ran, tensors: presentTensors(tensors, config.layers) },
  };
}

/** Appends a chunk's tokens to their jobs and moves the rows on; returns how many tokens were new. */
function collect(
  tensors: Record<string, Tensor>,
  steps: number,
  rows: readonly ActiveRow[],
  outputs: readonly JobOutput[],
  { stopIds, alternatives }: SamplingOptions,
): number {
  const ids = tensors['ids']!.data as BigInt64Array;
  const logprobs = tensors['logprobs']!.data as Float32Array;
  const entropies = tensors['entropiesNats']!.data as Float32Array;
  const alternativeIds = tensors['alternativeIds']?.data as BigInt64Array | undefined;
  const alternativeLogprobs = tensors['alternativeLogprobs']?.data as Float32Array | undefined;
  let newTokens = 0;
  rows.forEach((row, b) => {
    const output = outputs[row.job]!;
    for (let t = 0; t < steps && !row.finished; t++) {
      const cell = t * rows.length + b;
      row.token = Number(ids[cell]!);
      row.produced++;
      newTokens++;
      output.ids.push(row.token);
      output.logprobs.push(logprobs[cell]!);
      output.entropiesNats.push(entropies[cell]!);
      for (let k = 0; k < alternatives; k++) {
        output.alternativeIds.push(Number(alternativeIds![cell * alternatives + k]!));
        output.alternativeLogprobs.push(alternativeLogprobs![cell * alternatives + k]!);
      }
      output.stopped = stopIds.includes(row.token);
      row.finished = output.stopped || row.produced >= row.limit;
    }
    row.length += steps;
  });
  return newTokens;
}

function toColumns(outputs: readonly JobOutput[], alternatives: number): RolloutColumns {
  return {
    lengths: Int32Array.from(outputs, (output) => output.ids.length),
    ids: Int32Array.from(outputs.flatMap((output) => output.ids)),
    logprobs: Float32Array.from(outputs.flatMap((output) => output.logprobs)),
    entropiesNats: Float32Array.from(outputs.flatMap((output) => output.entropiesNats)),
    stopped: Uint8Array.from(outputs, (output) => Number(output.stopped)),
    ...(alternatives > 0
      ? {
          alternativeIds: Int32Array.from(outputs.flatMap((output) => output.alternativeIds)),
          alternativeLogprobs: Float32Array.from(outputs.flatMap((output) => output.alternativeLogprobs)),
        }
      : {}),
  };
}
