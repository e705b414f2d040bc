/**
 * From per-token advantages and KL coefficients to the flat columns of the engine's policy loss.
 *
 * Owns: normalisation (GRPO, DAPO, Dr. GRPO), the 80/20 mask, and the cut of a batch into
 * mini-batches. Weights are normalised over the mini-batch, so that every optimiser step is a mean
 * over what it sees; micro-batches inside a step just add up. Tokens that the mask leaves out stay in
 * the divisor.
 */
import type { PolicyLoss } from '#core/engine/api.ts';
import { AresError } from '#core/util/errors.ts';
import type { LossOptions } from './options.ts';

/** Responses to train on. Columns are concatenated over sequences: offsets[i] … offsets[i + 1] − 1. */
export interface TrainingBatch {
  /** [sequences] index into the responses the batch was made from. */
  responses: Int32Array;
  /** [sequences + 1] */
  offsets: Int32Array;
  /** [tokens] each */
  advantages: Float32Array;
  /** Coefficient of k3 before normalisation. */
  klCoefficients: Float32Array;
  /** 1 where the policy loss acts (80/20); the KL acts everywhere. */
  policyMask: Uint8Array;
  oldLogprobs: Float32Array;
  refLogprobs: Float32Array;
}

export interface LossLimits {
  temperature: number;
  /** Token limit of the rollouts: the divisor of 'constant' unless the options name one. */
  maxNewTokens: number;
}

/** Concatenates equally long lists of columns. */
export function concatenate(columns: readonly Float32Array[]): Float32Array {
  const flat = new Float32Array(columns.reduce((total, column) => total + column.length, 0));
  let offset = 0;
  for (const column of columns) {
    flat.set(column, offset);
    offset += column.length;
  }
  return flat;
}

/**
 * 1 / divisor of every token of a sequence, for a mini-batch of these lengths.
 * @returns [sequences]
 */
export function tokenWeights(lengths: Int32Array, options: LossOptions, maxNewTokens: number): Float64Array {
  const sequences = lengths.length;
  const tokens = lengths.reduce((total, length) => total + length, 0);
  return Float64Array.from(lengths, (length) => {
    switch (options.normalisation) {
      case 'sequenceMean':
        return length === 0 ? 0 : 1 / (sequences * length);
      case 'tokenMean':
        return tokens === 0 ? 0 : 1 / tokens;
      case 'constant':
        return 1 / (sequences * (options.constantTokens ?? maxNewTokens));
    }
  });
}

/**
 * The loss of one optimiser step over some sequences of a batch, in the order given.
 * @param sequences indices into the batch's sequences
 */
export function policyLoss(
  batch: TrainingBatch,
  sequences: readonly number[],
  options: LossOptions,
  limits: LossLimits,
): PolicyLoss {
  const lengths = Int32Array.from(sequences, (i) => {
    const start = batch.offsets[i];
    const end = batch.offsets[i + 1];
    if (start === undefined || end === undefined) throw new AresError('internal', `The batch has no sequence ${i}.`);
    return end - start;
  });
  const normalised = tokenWeights(lengths, options, limits.maxNewTokens);
  const pick = (column: Float32Array): Float32Array =>
    concatenate(sequences.map((i) => column.subarray(batch.offsets[i], batch.offsets[i + 1])));
  const weights: Float32Array[] = [];
  const klWeights: Float32Array[] = [];
  for (const [position, i] of sequences.entries()) {
    const weight = normalised[position]!;
    const range = [batch.offsets[i]!, batch.offsets[i + 1]!] as const;
    weights.push(Float32Array.from(batch.policyMask.subarray(...range), (kept) => (kept === 1 ? weight : 0)));
    klWeights.push(batch.klCoefficients.subarray(...range).map((coefficient) => coefficient * weight));
  }
  return {
    kind: 'policy',
    temperature: limits.temperature,
    clipLow: options.clipLow,
    clipHigh: options.clipHigh,
    dualClip: options.dualClip ?? Infinity,
    ratioLevel: options.ratioLevel,
    oldLogprobs: pick(batch.oldLogprobs),
    refLogprobs: pick(batch.refLogprobs),
    advantages: pick(batch.advantages),
    weights: concatenate(weights),
    klWeights: concatenate(klWeights),
  };
}

/** Sequences of a batch that can change the weights at all; the others need no forward pass. */
export function sequencesWithSignal(batch: TrainingBatch): number[] {
  const result: number[] = [];
  for (let i = 0; i < batch.responses.length; i++) {
    for (let t = batch.offsets[i]!; t < batch.offsets[i + 1]!; t++) {
      const pushes = batch.policyMask[t] === 1 && batch.advantages[t] !== 0;
      if (pushes || batch.klCoefficients[t] !== 0) {
        result.push(i);
        break;
      }
    }
  }
  return result;
}
