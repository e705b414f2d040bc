/**
 * How much memory a run needs, before it starts.
 *
 * Owns: which weights, graphs and tensors are in memory at the same time in each stage, and the choice of
 * micro-batch from it (DESIGN §4). What a graph takes is counted from the graph itself (engine/workMemory.ts);
 * what the machine has is the caller's to say. tests/unit/host/memoryPeak.test.ts compares it with measured peaks.
 */
import type { AdapterOptions } from '#core/engine/api.ts';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import { type TrainingBatch, WorkMemory, microBatch } from '#core/engine/workMemory.ts';
import type { TextConfig } from '#core/model/config.ts';
import { type LoraLayout, loraLayout, loraSpecs } from '#core/model/lora.ts';
import { parameterCount } from '#core/model/parameters.ts';
import type { Footprint } from '#core/tensor/footprint.ts';
import { AresError } from '#core/util/errors.ts';

export interface Workload {
  config: TextConfig;
  /** The adapter that is trained; {} for none. */
  layout: LoraLayout;
  /** Its base is kept as float16. */
  isHalf: boolean;
  parameters: number;
  /** Scalars that training changes: all, those of an adapter, or none. */
  trainedParameters: number;
  /** Prompt and response together of the longest that is sampled, tokens. */
  longestSequence: number;
  /** Responses that are sampled side by side, as far as the engine's rows go. */
  rollouts: number;
  /** Null for a stage that is not part of the run. */
  coldStart: TrainingBatch | null;
  policy: TrainingBatch | null;
}

export interface MemoryEstimate {
  /** The model, the reference policy, and the copy that a rollout graph has of it. */
  weightsBytes: number;
  gradientsBytes: number;
  optimizerBytes: number;
  /** Everything between weights and results, logits included, with what the runtime's arenas keep. */
  activationsBytes: number;
  keyValueBytes: number;
  /** The process, and the graphs it has loaded. */
  runtimeBytes: number;
  totalBytes: number;
}

type Options = Pick<EngineOptions, 'tokenBudget' | 'checkpointBlocks' | 'maxRows' | 'releaseBetween'>;

const FLOAT_BYTES = 4;
/** Node with the runtime loaded and its threads started: 112 MiB before the first graph, 128 MiB after it ran. */
const RUNTIME_BYTES = 128 * 2 ** 20;
/** A session of the runtime, measured over graphs of 130 to 4400 nodes. */
const BYTES_PER_NODE = 16 * 2 ** 10;
/** Rows generated side by side, and tokens between two reports of progress. */
const MAX_ROWS = 64;
const CHUNK_TOKENS = 32;
/** Padded tokens per micro-batch, the preferred one first. */
const TOKEN_BUDGETS = [4096, 2048, 1024, 512];

/** The training of a run, stage by stage; with `adapter` where neither stage changes all weights. */
export function workloadOf(
  config: TextConfig,
  sampled: Pick<Workload, 'longestSequence' | 'rollouts'>,
  { coldStart, policy, adapter }: Pick<Workload, 'coldStart' | 'policy'> & { adapter: AdapterSize | null },
): Workload {
  const parameters = parameterCount(config);
  const trains = coldStart !== null || policy !== null;
  const layout =
    trains && adapter !== null ? loraLayout(config, { rank: adapter.rank, scaling: 1 }, adapter.targets) : {};
  const trained = adapter === null ? parameters : loraParameterCount(config, layout);
  return {
    config,
    layout,
    isHalf: trains && adapter?.base === 'float16',
    parameters,
    trainedParameters: trains ? trained : 0,
    ...sampled,
    coldStart,
    policy,
  };
}

type AdapterSize = Pick<AdapterOptions, 'rank' | 'targets' | 'base'>;

function loraParameterCount(config: TextConfig, layout: LoraLayout): number {
  return loraSpecs(config, layout).reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
}

/** Graphs are built once for all options that are tried on a workload. */
const workMemories = new WeakMap<Workload, WorkMemory>();

function workMemoryOf(workload: Workload): WorkMemory {
  const known = workMemories.get(workload) ?? new WorkMemory(workload);
  workMemories.set(workload, known);
  return known;
}

/** What the moment that needs most of it holds. */
export function estimateMemory(workload: Workload, options: Options): MemoryEstimate {
  const sampling = samplingOf(workload, options);
  const moments = [[sampling.atCreation], [sampling.running]];
  if (workload.coldStart !== null) moments.push([trainingOf(workload, workload.coldStart, options)]);
  if (workload.policy !== null) {
    const training = trainingOf(workload, workload.policy, options);
    const scoring = scoringOf(workload, workload.policy, options);
    const held = heldInPolicy(workload);
    // What another kind of work has grown to stays unless it is released; a rollout graph goes with every update.
    const others = options.releaseBetween === true ? [] : [kept(training), kept(scoring), kept(sampling.prefill)];
    moments.push(
      [held, sampling.atCreation, ...others],
      [held, sampling.running, ...others.slice(0, 2)],
      [held, scoring, ...(options.releaseBetween === true ? [] : [others[0]!, sampling.running])],
      [held, training, ...others.slice(1)],
    );
  }
  return moments
    .map((parts) => sumOf([modelOf(workload), ...parts]))
    .reduce((most, each) => (each.totalBytes > most.totalBytes ? each : most));
}

type Parts = Partial<Omit<MemoryEstimate, 'totalBytes'>>;

function sumOf(parts: readonly Parts[]): MemoryEstimate {
  const total = (name: keyof Parts) => parts.reduce((sum, part) => sum + (part[name] ?? 0), 0);
  const sums = {
    weightsBytes: total('weightsBytes'),
    gradientsBytes: total('gradientsBytes'),
    optimizerBytes: total('optimizerBytes'),
    activationsBytes: total('activationsBytes'),
    keyValueBytes: total('keyValueBytes'),
    runtimeBytes: RUNTIME_BYTES + total('runtimeBytes'),
  };
  return { ...sums, totalBytes: Object.values(sums).reduce((sum, bytes) => sum + bytes, 0) };
}

function modelOf({ parameters, isHalf }: Workload): Parts {
  return { weightsBytes: (parameters * FLOAT_BYTES) / (isHalf ? 2 : 1) };
}

/** The optimizer's moments, and the reference policy unless it is the same weights without an adapter. */
function heldInPolicy({ parameters, trainedParameters, layout }: Workload): Parts {
  const hasReference = Object.keys(layout).length === 0;
  return {
    weightsBytes: hasReference ? parameters * FLOAT_BYTES : 0,
    optimizerBytes: 2 * trainedParameters * FLOAT_BYTES,
  };
}

/** What is left of work when it is done and its session stays. */
function kept({ activationsBytes = 0, runtimeBytes = 0 }: Parts): Parts {
  return { activationsBytes, runtimeBytes };
}

function sessionOf({ nodes }: Footprint): number {
  return nodes * BYTES_PER_NODE;
}

function trainingOf(workload: Workload, batch: TrainingBatch, options: Options): Parts {
  const { tokenBudget, checkpointBlocks } = options;
  const used = workMemoryOf(workload).training(batch, tokenBudget, checkpointBlocks);
  const own = workload.trainedParameters * FLOAT_BYTES;
  const isOneOfSeveral = microBatch(batch, tokenBudget).sequences < batch.sequences;
  return {
    // As the runtime holds them (in its arena), as they are handed over, and their sum over micro-batches.
    gradientsBytes: (isOneOfSeveral ? 2 : 1) * own,
    optimizerBytes: workload.policy === null || batch !== workload.policy ? 2 * own : 0,
    activationsBytes: used.arenaBytes,
    runtimeBytes: sessionOf(used),
  };
}

function scoringOf(workload: Workload, batch: TrainingBatch, { tokenBudget }: Options): Parts {
  const used = workMemoryOf(workload).scoring(batch, tokenBudget);
  return { activationsBytes: used.arenaBytes, runtimeBytes: sessionOf(used) };
}

/** Labelling, evaluation, and the rollouts of a policy step. */
function samplingOf(
  workload: Workload,
  { tokenBudget, maxRows }: Options,
): Record<'atCreation' | 'running' | 'prefill', Parts> {
  const { config, parameters, longestSequence, rollouts } = workload;
  const rows = Math.min(rollouts, maxRows);
  const memory = workMemoryOf(workload);
  const chunk = memory.chunk(rows, Math.max(2, longestSequence), CHUNK_TOKENS);
  const prefill = memory.prefill({ sequences: rows, length: longestSequence, responseLength: 1 }, tokenBudget);
  const weights = parameters * FLOAT_BYTES;
  const embedding = config.vocabSize * config.hiddenSize * FLOAT_BYTES;
  const cacheOf = (length: number) => 2 * config.layers * config.kvHeads * config.headDim * length * rows * FLOAT_BYTES;
  return {
    // An adapter merged; queries, keys and values joined, gate and up joined; the runtime's copy of all, and what it
    // packs meanwhile.
    atCreation: {
      weightsBytes: mergedWeights(workload, embedding) + joinedWeights(config) + 1.35 * weights,
      runtimeBytes: sessionOf(chunk),
    },
    running: {
      // Packed; an embedding that is the output too is there both ways.
      weightsBytes: weights + (config.tiedEmbeddings ? embedding : 0),
      activationsBytes: chunk.arenaBytes + prefill.arenaBytes,
      // What goes into a chunk and what is handed over after it.
      keyValueBytes: cacheOf(longestSequence - CHUNK_TOKENS) + cacheOf(longestSequence),
      runtimeBytes: sessionOf(chunk) + sessionOf(prefill),
    },
    prefill: { activationsBytes: prefill.arenaBytes, runtimeBytes: sessionOf(prefill) },
  };
}

/** Weights that are copied to merge an adapter, or to widen them, bytes. */
function mergedWeights({ config, layout, isHalf, parameters }: Workload, embedding: number): number {
  if (Object.keys(layout).length === 0) return 0;
  return parameters * FLOAT_BYTES - (isHalf ? 0 : (config.tiedEmbeddings ? 1 : 2) * embedding);
}

/** Weights that a rollout graph has in fewer, larger matrices, bytes. */
function joinedWeights({ layers, heads, kvHeads, headDim, hiddenSize, intermediateSize }: TextConfig): number {
  return layers * hiddenSize * ((heads + 2 * kvHeads) * headDim + 2 * intermediateSize) * FLOAT_BYTES;
}

/**
 * The engine's options: the largest micro-batch that fits. Graphs are released between rollouts and training, and
 * then blocks recomputed, only where nothing else fits.
 * @param wanted null lets this choose
 * @throws AresError 'memory' with the numbers when even the smallest does not fit
 */
export function chooseEngineOptions(
  workload: Workload,
  wanted: { threads: number; tokenBudget: number | null },
  limitBytes: number,
): EngineOptions {
  const budgets = wanted.tokenBudget === null ? TOKEN_BUDGETS : [wanted.tokenBudget];
  const candidates = [
    { releaseBetween: false, checkpointBlocks: false },
    { releaseBetween: true, checkpointBlocks: false },
    { releaseBetween: true, checkpointBlocks: true },
  ].flatMap((sparing) =>
    budgets.map((tokenBudget): EngineOptions => ({
      threads: wanted.threads,
      tokenBudget,
      maxRows: MAX_ROWS,
      chunkTokens: CHUNK_TOKENS,
      ...sparing,
    })),
  );
  const chosen = candidates.find((options) => estimateMemory(workload, options).totalBytes <= limitBytes);
  if (chosen !== undefined) return chosen;
  throw doesNotFit(estimateMemory(workload, candidates.at(-1)!), limitBytes);
}

/** @throws AresError 'memory' with the numbers */
export function requireMemory(workload: Workload, options: EngineOptions, limitBytes: number): void {
  const estimate = estimateMemory(workload, options);
  if (estimate.totalBytes > limitBytes) throw doesNotFit(estimate, limitBytes);
}

function doesNotFit(estimate: MemoryEstimate, limitBytes: number): AresError {
  const { weightsBytes, gradientsBytes, optimizerBytes, activationsBytes, keyValueBytes } = estimate;
  const parts = [
    ['weights', weightsBytes],
    ['gradients', gradientsBytes],
    ['optimizer', optimizerBytes],
    ['activations', activationsBytes],
    ['keys and values', keyValueBytes],
    ['runtime', estimate.runtimeBytes],
  ] as const;
  const listed = parts.filter(([, bytes]) => bytes > 0).map(([name, bytes]) => `${name} ${gibibytes(bytes)}`);
  return new AresError(
    'memory',
    `This needs about ${gibibytes(estimate.totalBytes)} of memory and may use ${gibibytes(limitBytes)}: ${listed.join(', ')}.`,
    { hint: 'Choose a smaller model, shorter responses (maxNewTokens), or a machine with more memory.' },
  );
}

function gibibytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
}
