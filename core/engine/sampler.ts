/**
 * Generation: many jobs of different lengths through a bounded number of rows.
 *
 * Owns: rows and their refilling, chunks of the loop, collecting tokens, log-probs and entropies. The
 * graphs are rolloutGraph.ts, shared prefill is prefill.ts. The uniform behind a
 * token depends on (seed, step, prompt, sample, position) alone, so neither the rows a job shares a
 * batch with nor the chunk size changes which number it gets (DESIGN §4).
 */
import { decoderInitializers, decoderInputs } from '#core/model/graphDecoder.ts';
import { languageSpecs } from '#core/model/parameters.ts';
import type { Feed, Session } from '#core/tensor/runtime.ts';
import { type Tensor, float32, int64 } from '#core/tensor/types.ts';
import { AresError } from '#core/util/errors.ts';
import { tokenUniform } from '#core/util/rng.ts';
import type { RolloutColumns, RolloutJob, RolloutProgress, RolloutRequest, SamplingOptions } from './api.ts';
import { DeviceKeyValueCache } from './deviceKeyValueCache.ts';
import { HostKeyValueCache, type KeyValueCache, type RowSource } from './keyValueCache.ts';
import { MASKED } from './microBatch.ts';
import { type ModelState, mergedWeights, ropeFeeds, shapeOf } from './modelState.ts';
import { type CachedRow, PrefillQueue } from './prefill.ts';
import { buildChunkGraph } from './rolloutGraph.ts';
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
  const cache =
    state.resident === undefined ? new HostKeyValueCache(state.config) : new DeviceKeyValueCache(sessions, state);
  try {
    return await generateInto<unknown>(cache, sessions, state, request, options, onProgress);
  } finally {
    cache.dispose();
  }
}

async function generateInto<Row>(
  cache: KeyValueCache<Row>,
  sessions: SessionCache,
  state: ModelState,
  request: Omit<RolloutRequest, 'model'>,
  options: SamplerOptions,
  onProgress?: (progress: RolloutProgress) => void,
): Promise<RolloutColumns> {
  const { jobs, sampling } = request;
  const chunk = await chunkSession(sessions, state, samplingShape(sampling), cache.keep);
  const outputs = jobs.map((): JobOutput => ({
    ids: [],
    logprobs: [],
    entropiesNats: [],
    alternativeIds: [],
    alternativeLogprobs: [],
    stopped: false,
  }));
  const pending = jobs.map((_, i) => i).toReversed();
  const prefills = new PrefillQueue(sessions, state, jobs, options.prefillTokenBudget, cache);
  // A row that is finished runs on until the chunk of its batch ends; nobody reads what it makes there.
  const rope = ropeFeeds(state.config, longestSequence(jobs, sampling.maxNewTokens), options.chunkTokens);
  let rows: ActiveRow[] = [];
  let finished = 0;
  let newTokens = 0;

  for (;;) {
    const sources = rows.flatMap((row, i): RowSource<Row>[] =>
      row.finished ? [] : [{ kind: 'kept', row: i, length: row.length }],
    );
    const going = rows.filter((row) => !row.finished);
    const arriving = pending.splice(Math.max(0, pending.length - (options.maxRows - going.length))).toReversed();
    if (going.length + arriving.length === 0) break;
    const changed = arriving.length > 0 || going.length < rows.length;
    for (const job of arriving) {
      const cached = await prefills.take(job);
      sources.push({ kind: 'new', cached: cached.place, length: cached.length });
      going.push(startRow(job, jobs[job]!, cached, sampling));
    }
    if (changed) await cache.assemble(sources);
    rows = going;
    const made = await runChunk(chunk, rows, cache, rope, request, options.chunkTokens);
    newTokens += collect(made.tensors, made.steps, rows, outputs, sampling);
    finished += rows.filter((row) => row.finished).length;
    onProgress?.({ finishedSequences: finished, totalSequences: jobs.length, newTokens });
  }
  return toColumns(outputs, sampling.alternatives);
}

/** A session of the loop, and the weights it is fed. */
interface ChunkSession {
  session: Session;
  /** None where they are baked into it. */
  weights: Record<string, Feed>;
}

async function chunkSession(
  sessions: SessionCache,
  state: ModelState,
  shape: SamplingShape,
  keep: ((output: string) => boolean) | undefined,
): Promise<ChunkSession> {
  const { config, resident } = state;
  const purpose = `chunk ${JSON.stringify(shape)}`;
  if (resident !== undefined) {
    const build = () => buildChunkGraph(config, (g) => decoderInputs(g, config), shape);
    const weights = await resident.merged(shapeOf(state).layout, state.version);
    const feeds = languageSpecs(config).map(({ name }) => [name, weights.get(name)!] as const);
    return { session: await sessions.get(state, purpose, build, keep), weights: Object.fromEntries(feeds) };
  }
  const session = await sessions.getBaked(state, purpose, () => {
    const weights = mergedWeights(state);
    return buildChunkGraph(config, (g) => decoderInitializers(g, config, weights), shape);
  });
  return { session, weights: {} };
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
  cached: CachedRow<unknown>,
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
}

async function runChunk<Row>(
  { session, weights }: ChunkSession,
  rows: readonly ActiveRow[],
  cache: KeyValueCache<Row>,
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
  const outputs = await session.runKeeping({
    ...weights,
    ...cache.feeds(),
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
  });
  const ran = outputs.host['ids']!.shape[0]!;
  cache.advance(outputs, ran);
  return { steps: ran, tensors: outputs.host };
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
