/**
 * How much memory a run needs, before it starts.
 *
 * Owns: the estimate, part by part, and the choice of micro-batch from it (DESIGN §4). It is an upper
 * estimate of what the engine holds at its peak; what the machine has is the caller's to say.
 */
import { parameterCount } from '#core/model/parameters.ts';
import type { TextConfig } from '#core/model/config.ts';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import { AresError } from '#core/util/errors.ts';

export interface Workload {
  config: Pick<
    TextConfig,
    'layers' | 'heads' | 'kvHeads' | 'headDim' | 'hiddenSize' | 'intermediateSize' | 'vocabSize'
  >;
  parameters: number;
  trains: boolean;
  /** Prompt and response together, tokens. */
  longestSequence: number;
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

const FLOAT_BYTES = 4;
/** The process with its runtime, before any model. */
const RUNTIME_BYTES = 250 * 1024 * 1024;
/** Rows generated side by side, and tokens between two reports of progress. */
const MAX_ROWS = 64;
const CHUNK_TOKENS = 32;
/** Padded tokens per micro-batch, the preferred one first. */
const TOKEN_BUDGETS = [4096, 2048, 1024, 512];

export function workloadOf(config: TextConfig, trains: boolean, longestSequence: number): Workload {
  return { config, parameters: parameterCount(config), trains, longestSequence };
}

export function estimateMemory(
  { config, parameters, trains, longestSequence }: Workload,
  { tokenBudget, checkpointBlocks, maxRows }: Pick<EngineOptions, 'tokenBudget' | 'checkpointBlocks' | 'maxRows'>,
): MemoryEstimate {
  const { layers, heads, kvHeads, headDim, hiddenSize, intermediateSize, vocabSize } = config;
  const parameterBytes = parameters * FLOAT_BYTES;
  // The policy, its copy inside the rollout graph (twice while that is built), and the reference.
  const weightsBytes = (trains ? 4 : 3) * parameterBytes;
  // Beside the sum, those of one micro-batch.
  const gradientsBytes = trains ? 2 * parameterBytes : 0;
  const optimizerBytes = trains ? 2 * parameterBytes : 0;
  // A sequence that is longer than the budget goes alone.
  const tokens = Math.max(tokenBudget, longestSequence);
  const attention = 2 * heads * longestSequence + 4 * (heads + kvHeads) * headDim;
  const perLayer = attention + 6 * hiddenSize + 4 * intermediateSize;
  const keptLayers = trains ? (checkpointBlocks ? layers / 2 + 1 : layers + 1) : 1;
  const activationsBytes = tokens * perLayer * keptLayers * FLOAT_BYTES;
  // Logits and log-probs; training adds the gradients of both.
  const logitsBytes = tokens * vocabSize * (trains ? 4 : 2) * FLOAT_BYTES;
  // What goes into a chunk and what comes out of it.
  const keyValueBytes = 2 * 2 * layers * kvHeads * headDim * longestSequence * maxRows * FLOAT_BYTES;
  const parts = { weightsBytes, gradientsBytes, optimizerBytes, activationsBytes, keyValueBytes, logitsBytes };
  const totalBytes = Object.values(parts).reduce((sum, bytes) => sum + bytes, RUNTIME_BYTES);
  return { ...parts, runtimeBytes: RUNTIME_BYTES, totalBytes };
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
