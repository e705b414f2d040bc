/**
 * How much memory a run needs, before it starts.
 *
 * Owns: the estimate, part by part, and the choice of micro-batch from it (DESIGN §4). It is an upper
 * estimate of what the engine holds at its peak; what the machine has is the caller's to say.
 */
import type { AdapterOptions } from '#core/engine/api.ts';
import { loraLayout, loraSpecs } from '#core/model/lora.ts';
import { parameterCount } from '#core/model/parameters.ts';
import type { TextConfig } from '#core/model/config.ts';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import { attentionParts, defaultPartLimits } from '#core/engine/microBatch.ts';
import { AresError } from '#core/util/errors.ts';

/** Sequences that an optimizer step is made of. */
export interface TrainingBatch {
  sequences: number;
  /** Of the longest, prompt and response together, tokens. */
  length: number;
}

export interface Workload {
  config: Pick<
    TextConfig,
    'layers' | 'heads' | 'kvHeads' | 'headDim' | 'hiddenSize' | 'intermediateSize' | 'vocabSize'
  >;
  parameters: number;
  /** Scalars that training changes: all, those of an adapter, or none. */
  trainedParameters: number;
  /** Training is of an adapter, so that the reference needs no copy of the weights. */
  hasAdapter: boolean;
  /** Prompt and response together of the longest that is sampled, tokens. */
  longestSequence: number;
  /** Responses that are sampled side by side, as far as the engine's rows go. */
  rollouts: number;
  /** Null for a stage that is not part of the run. */
  coldStart: TrainingBatch | null;
  policy: TrainingBatch | null;
}

export interface MemoryEstimate {
  weightsBytes: number;
  gradientsBytes: number;
  optimizerBytes: number;
  activationsBytes: number;
  keyValueBytes: number;
  logitsBytes: number;
  runtimeBytes: number;
  totalBytes: number;
}

type Options = Pick<EngineOptions, 'tokenBudget' | 'checkpointBlocks' | 'maxRows'>;

const FLOAT_BYTES = 4;
/** The process with its runtime, before any model. */
const RUNTIME_BYTES = 96 * 1024 * 1024;
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
  const hasAdapter = trains && adapter !== null;
  const trained = adapter === null ? parameters : loraParameterCount(config, adapter);
  return {
    config,
    parameters,
    trainedParameters: trains ? trained : 0,
    hasAdapter,
    ...sampled,
    coldStart,
    policy,
  };
}

type AdapterSize = Pick<AdapterOptions, 'rank' | 'targets'>;

function loraParameterCount(config: TextConfig, { rank, targets }: AdapterSize): number {
  return loraSpecs(config, loraLayout(config, { rank, scaling: 1 }, targets)).reduce(
    (total, { shape }) => total + shape.reduce((a, b) => a * b, 1),
    0,
  );
}

/** What the stage that needs most of it holds at its peak. */
export function estimateMemory(workload: Workload, options: Options): MemoryEstimate {
  const stages = [samplingStage(workload, options)];
  if (workload.coldStart !== null) stages.push(coldStartStage(workload, workload.coldStart, options));
  if (workload.policy !== null) stages.push(policyStage(workload, workload.policy, options));
  return stages.reduce((most, stage) => (stage.totalBytes > most.totalBytes ? stage : most));
}

type Parts = Omit<MemoryEstimate, 'runtimeBytes' | 'totalBytes'>;

function withTotal(parts: Parts): MemoryEstimate {
  const totalBytes = Object.values(parts).reduce((sum, bytes) => sum + bytes, RUNTIME_BYTES);
  return { ...parts, runtimeBytes: RUNTIME_BYTES, totalBytes };
}

/** Labelling and evaluation: the model, and its copy inside the rollout graph with what the runtime packs of it. */
function samplingStage(workload: Workload, options: Options): MemoryEstimate {
  return withTotal({
    weightsBytes: 3 * workload.parameters * FLOAT_BYTES,
    gradientsBytes: 0,
    optimizerBytes: 0,
    activationsBytes: forwardBytes(
      workload,
      { sequences: Math.min(workload.rollouts, options.maxRows), length: workload.longestSequence },
      options,
    ),
    keyValueBytes: keyValueBytes(workload, options),
    logitsBytes: 0,
  });
}

function coldStartStage(workload: Workload, batch: TrainingBatch, options: Options): MemoryEstimate {
  return withTotal({
    ...trainingParts(workload, batch, options),
    weightsBytes: workload.parameters * FLOAT_BYTES,
    keyValueBytes: 0,
  });
}

/** All at once: training, the reference policy with its scores, and sampling; sessions keep what they have had. */
function policyStage(workload: Workload, batch: TrainingBatch, options: Options): MemoryEstimate {
  const training = trainingParts(workload, batch, options);
  const reference = workload.hasAdapter ? 0 : 1;
  return withTotal({
    ...training,
    weightsBytes: (3 + reference) * workload.parameters * FLOAT_BYTES,
    activationsBytes: training.activationsBytes + forwardBytes(workload, batch, options),
    keyValueBytes: keyValueBytes(workload, options),
    logitsBytes: training.logitsBytes + 3 * logitsPerPart(workload, batch, options) * FLOAT_BYTES,
  });
}

/** Padded tokens of a micro-batch; a sequence that is longer than the budget goes alone. */
function microBatchTokens({ sequences, length }: TrainingBatch, { tokenBudget }: Options): number {
  return Math.max(1, Math.min(sequences, Math.floor(tokenBudget / length))) * length;
}

function trainingParts(
  workload: Workload,
  batch: TrainingBatch,
  options: Options,
): Pick<MemoryEstimate, 'gradientsBytes' | 'optimizerBytes' | 'activationsBytes' | 'logitsBytes'> {
  const { config, trainedParameters } = workload;
  const { layers, hiddenSize, vocabSize } = config;
  const tokens = microBatchTokens(batch, options);
  const kept = options.checkpointBlocks ? layers * hiddenSize : layers * keptPerToken(workload, batch);
  // Beside what is kept, about as much again of one layer on its way back.
  const activations = tokens * (kept + keptPerToken(workload, batch)) + attentionOfPart(workload, batch, options);
  const perPart = logitsPerPart(workload, batch, options);
  const inParts = tokens * vocabSize > perPart;
  return {
    // The sum, and those of a micro-batch as the runtime holds them and as they are handed over.
    gradientsBytes: 3 * trainedParameters * FLOAT_BYTES,
    optimizerBytes: 2 * trainedParameters * FLOAT_BYTES,
    activationsBytes: activations * FLOAT_BYTES,
    // Logits, log-probs, probabilities and their gradient; in parts also the sum of the output's gradient.
    logitsBytes: (5 * perPart + (inParts ? 3 * vocabSize * hiddenSize : 0)) * FLOAT_BYTES,
  };
}

/** What the backward pass needs of one token in one layer, numbers: the inputs of every product and norm. */
function keptPerToken({ config }: Workload, { length }: TrainingBatch): number {
  const { heads, headDim, hiddenSize, intermediateSize } = config;
  const probabilities = attentionParts(length) > 1 ? 0 : heads * length;
  return 4 * hiddenSize + 4 * heads * headDim + 4 * intermediateSize + probabilities;
}

/** Scores, probabilities and their gradients of one part of the queries, where attention is computed in parts. */
function attentionOfPart({ config }: Workload, batch: TrainingBatch, options: Options): number {
  const parts = attentionParts(batch.length);
  return parts === 1 ? 0 : (5 * microBatchTokens(batch, options) * config.heads * batch.length) / parts;
}

/** Scoring and prefill: one layer's worth of one micro-batch. */
function forwardBytes(workload: Workload, batch: TrainingBatch, options: Options): number {
  const perToken = keptPerToken(workload, batch);
  return (microBatchTokens(batch, options) * perToken + attentionOfPart(workload, batch, options)) * FLOAT_BYTES;
}

function logitsPerPart({ config }: Workload, batch: TrainingBatch, options: Options): number {
  return Math.min(microBatchTokens(batch, options) * config.vocabSize, defaultPartLimits.logits);
}

/** What goes into a chunk of generation and what comes out of it. */
function keyValueBytes({ config, longestSequence, rollouts }: Workload, { maxRows }: Options): number {
  const rows = Math.min(rollouts, maxRows);
  return 2 * 2 * config.layers * config.kvHeads * config.headDim * longestSequence * rows * FLOAT_BYTES;
}

/**
 * The engine's options: the largest micro-batch that fits, recomputing blocks only where nothing else does.
 * @param wanted null lets this choose
 * @throws AresError 'memory' with the numbers when even the smallest does not fit
 */
export function chooseEngineOptions(
  workload: Workload,
  wanted: { threads: number; tokenBudget: number | null },
  limitBytes: number,
): EngineOptions {
  const budgets = wanted.tokenBudget === null ? TOKEN_BUDGETS : [wanted.tokenBudget];
  const candidates = [false, true].flatMap((checkpointBlocks) =>
    budgets.map((tokenBudget): EngineOptions => ({
      threads: wanted.threads,
      tokenBudget,
      checkpointBlocks,
      maxRows: MAX_ROWS,
      chunkTokens: CHUNK_TOKENS,
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
  const { weightsBytes, gradientsBytes, optimizerBytes, activationsBytes, keyValueBytes, logitsBytes } = estimate;
  const parts = [
    ['weights', weightsBytes],
    ['gradients', gradientsBytes],
    ['optimizer', optimizerBytes],
    ['activations', activationsBytes],
    ['logits', logitsBytes],
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
