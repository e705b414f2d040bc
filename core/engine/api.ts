/**
 * What the engine can be asked to do, as plain types.
 *
 * Owns: the vocabulary between the engine and everything above it: jobs, columns of rollouts, losses
 * as per-token columns. It contains no behaviour. Flat columns are concatenated over sequences in
 * the order given, response tokens only; `lengths[i]` of them belong to sequence i.
 */

import type { ImageGrid } from '#core/model/vision/geometry.ts';

/** A model held by the engine. */
export type ModelHandle = string;

export interface SamplingOptions {
  /** Softmax temperature; log-probs and entropies are reported at this temperature. Must be > 0. */
  temperature: number;
  /** Keep the k most likely tokens when sampling; 0 keeps all. Does not change reported log-probs. */
  topK: number;
  /** Keep the smallest set of tokens with this much mass; 1 keeps all. Does not change reported log-probs. */
  topP: number;
  /** Take the most likely token instead of sampling. */
  greedy: boolean;
  maxNewTokens: number;
  /** Generation of a sequence ends after any of these tokens (which is part of the response). */
  stopIds: readonly number[];
  /** How many most likely alternatives to return per token; 0 for none. */
  alternatives: number;
}

/** An image of a prompt, as the vision tower takes it in. */
export interface ImageInput {
  /** Identity of what it shows: features are computed once per key. */
  key: string;
  grid: ImageGrid;
  /** [patches × numbers of a patch] */
  pixels: Float32Array;
}

/** One sequence to generate. */
export interface RolloutJob {
  /** The tokens of its images are among them, as many as each image has. */
  promptIds: Int32Array;
  /** In the order in which the prompt refers to them. */
  images?: readonly ImageInput[];
  /** Response tokens already fixed (a fork continues after them); empty for a fresh response. */
  prefixIds: Int32Array;
  /** Coordinates of the uniforms (DESIGN §4): unsigned 32-bit identifiers of problem and sample. */
  promptKey: number;
  sampleKey: number;
}

export interface RolloutRequest {
  model: ModelHandle;
  jobs: readonly RolloutJob[];
  seed: number;
  step: number;
  sampling: SamplingOptions;
}

/** New tokens of every job (the prefix is not repeated). */
export interface RolloutColumns {
  /** [jobs] number of new tokens. */
  lengths: Int32Array;
  /** [Σ lengths] */
  ids: Int32Array;
  /** [Σ lengths] ln p of the sampled token over the whole vocabulary at the sampling temperature. */
  logprobs: Float32Array;
  /** [Σ lengths] entropy of the whole distribution at the sampling temperature, nats. */
  entropiesNats: Float32Array;
  /** [jobs] 1 when a stop token ended the response, 0 when the length limit did. */
  stopped: Uint8Array;
  /** [Σ lengths × alternatives] when asked for, most likely first. */
  alternativeIds?: Int32Array;
  alternativeLogprobs?: Float32Array;
}

export interface RolloutProgress {
  finishedSequences: number;
  totalSequences: number;
  newTokens: number;
}

export interface Sequence {
  promptIds: Int32Array;
  images?: readonly ImageInput[];
  responseIds: Int32Array;
}

export interface ScoreRequest {
  model: ModelHandle;
  sequences: readonly Sequence[];
  temperature: number;
  /** How many most likely tokens to return per position, with ranks; absent for none. */
  alternatives?: number;
}

/** [Σ response lengths] each, at the temperature asked for, over the whole vocabulary. */
export interface ScoreColumns {
  logprobs: Float32Array;
  entropiesNats: Float32Array;
  /** [Σ response lengths × alternatives] when asked for, most likely first. */
  alternativeIds?: Int32Array;
  alternativeLogprobs?: Float32Array;
  /** Place of the token itself among all tokens, from 1; equally likely ones share the better place. */
  ranks?: Int32Array;
}

/** loss = −Σ_t weights_t · ln π(o_t). The weights carry mask and normalisation. */
export interface SupervisedLoss {
  kind: 'supervised';
  /** [Σ response lengths] */
  weights: Float32Array;
}

/**
 * Clipped policy gradient plus a KL loss (METHOD §3.11, §3.10), every knob a per-token column:
 *   loss = Σ_t weights_t · max(−r_t A_t, −clip(r_t, 1−clipLow, 1+clipHigh) A_t), capped at −dualClip·A_t where A_t < 0
 *        + Σ_t klWeights_t · k3(ref_t − logπ_t)
 * with r_t = exp(clamp(logπ_t − old_t, ±20)), or per sequence exp(mean_t (logπ_t − old_t)) (GSPO).
 */
export interface PolicyLoss {
  kind: 'policy';
  /** Temperature of the policy's softmax, equal to the sampling temperature of the rollouts. */
  temperature: number;
  clipLow: number;
  clipHigh: number;
  /** Cap of the loss for negative advantages; Infinity switches it off. */
  dualClip: number;
  ratioLevel: 'token' | 'sequence';
  /** [Σ response lengths] each. */
  oldLogprobs: Float32Array;
  refLogprobs: Float32Array;
  advantages: Float32Array;
  weights: Float32Array;
  klWeights: Float32Array;
}

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Clip the global gradient norm to this; Infinity switches it off. */
  maxGradientNorm: number;
}

/** Low-rank adaptation (LoRA) of linear layers. */
export interface AdapterOptions {
  rank: number;
  /** The adapter's part is scaled by alpha / rank. */
  alpha: number;
  /** Last names of the layers it changes (`q_proj`, …, `lm_head`); 'all' for every linear layer but the output. */
  targets: readonly string[] | 'all';
  /** Of its initial values. */
  seed: number;
  /**
   * How the frozen matrices are kept; default float32. float16 halves their memory: each is widened when it is
   * used and rounds the weight once, by at most 2^-11 of it.
   */
  base?: BaseType;
}

export type BaseType = 'float32' | 'float16';

export type TrainedParts = 'language' | 'all';

export interface TrainStepRequest {
  model: ModelHandle;
  sequences: readonly Sequence[];
  loss: SupervisedLoss | PolicyLoss;
  learningRate: number;
}

export interface TrainStepResult {
  loss: number;
  /** The KL part of the loss; 0 for supervised. */
  klLoss: number;
  /** Global norm before clipping. */
  gradientNorm: number;
  /** [Σ response lengths] log-probs of the policy before the update. */
  logprobs: Float32Array;
}

export interface OpenedModel {
  handle: ModelHandle;
  parameters: number;
  vocabSize: number;
  maxPositions: number;
}

/** The engine as the rest of the program sees it, whether in this process or in its own. */
export interface Engine {
  openModel(folder: string): Promise<OpenedModel>;
  /** Freezes the weights of a model and puts a fresh adapter on it, which is what training then changes. */
  addAdapter(model: ModelHandle, options: AdapterOptions): Promise<void>;
  /** Freezes the weights of a model and puts an adapter of a PEFT folder on it. */
  loadAdapter(model: ModelHandle, folder: string): Promise<void>;
  /**
   * A frozen copy of the model as it is now (the reference policy). Under an adapter only the adapter is
   * copied; one that was not trained yet is left off.
   */
  cloneModel(model: ModelHandle): Promise<OpenedModel>;
  closeModel(model: ModelHandle): Promise<void>;
  /**
   * Starts a fresh AdamW state for a model; required before trainStep. Of a model that sees, 'language' leaves
   * the vision tower as it is (the paper's choice); 'all' trains it too.
   */
  openTrainer(model: ModelHandle, options: AdamWOptions, parts?: TrainedParts): Promise<void>;
  generate(request: RolloutRequest, onProgress?: (progress: RolloutProgress) => void): Promise<RolloutColumns>;
  score(request: ScoreRequest): Promise<ScoreColumns>;
  trainStep(request: TrainStepRequest): Promise<TrainStepResult>;
  /** Writes a Hugging Face folder, an adapter merged into the weights; `folder` must not exist. */
  saveModel(model: ModelHandle, folder: string): Promise<void>;
  /** Writes the adapter of a model as a PEFT folder; `folder` must not exist. */
  saveAdapter(model: ModelHandle, folder: string): Promise<void>;
  /** Writes what is trained and the optimizer state, exact to the bit, into an existing folder; returns the file names. */
  saveTrainer(model: ModelHandle, folder: string): Promise<string[]>;
  /** Restores what saveTrainer wrote. */
  loadTrainer(model: ModelHandle, folder: string): Promise<void>;
  /** Resident memory of the engine's process, bytes. */
  memoryBytes(): Promise<number>;
  close(): Promise<void>;
}
