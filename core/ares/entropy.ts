/**
 * Token entropy from whatever a sampler returns (METHOD §1.1, §1.2).
 *
 * Owns: H_t = −Σ_j p_j ln p_j in nats, from logits, whole distributions or the top-k log-probs of a
 * server, with the bounds that top-k leaves. It does not decide when an entropy is high.
 */
import type { Numbers } from '#core/util/statistics.ts';
import type { EntropyEstimator } from './options.ts';

/** The code's floor inside the logarithm of the tail mass (§1.2). */
const TAIL_FLOOR = 1e-12;

/**
 * Entropy of softmax(logits / temperature), stable for any finite logits.
 * @param logits [vocabulary]
 * @param temperature > 0
 */
export function entropyFromLogits(logits: Numbers, temperature = 1): number {
  let largest = -Infinity;
  for (let j = 0; j < logits.length; j++) largest = Math.max(largest, logits[j]!);
  let mass = 0;
  let weighted = 0;
  for (let j = 0; j < logits.length; j++) {
    const shifted = (logits[j]! - largest) / temperature;
    const weight = Math.exp(shifted);
    mass += weight;
    if (weight > 0) weighted += weight * shifted;
  }
  return Math.max(0, Math.log(mass) - weighted / mass);
}

/**
 * −Σ p ln p over the probabilities given; for a whole distribution this is its entropy.
 * @param probabilities each in [0, 1]; zeros contribute nothing
 */
export function entropyFromProbabilities(probabilities: Numbers): number {
  let entropy = 0;
  for (let j = 0; j < probabilities.length; j++) {
    const p = probabilities[j]!;
    if (p > 0) entropy -= p * Math.log(p);
  }
  return entropy;
}

/**
 * Entropy from the log-probs of the k most likely tokens (§1.2): 'truncated' sums over these alone;
 * 'tailCorrected' adds the rest of the mass as one outcome, and so never exceeds the true entropy.
 * 'exact' takes the log-probs for the whole vocabulary.
 * @param logprobs [k] natural logarithms, any order
 */
export function entropyFromLogprobs(logprobs: Numbers, estimator: EntropyEstimator): number {
  let entropy = 0;
  let mass = 0;
  for (let j = 0; j < logprobs.length; j++) {
    const p = Math.exp(logprobs[j]!);
    mass += p;
    if (p > 0) entropy -= p * logprobs[j]!;
  }
  if (estimator !== 'tailCorrected') return entropy;
  const tail = Math.max(0, 1 - mass);
  return entropy - tail * Math.log(Math.max(tail, TAIL_FLOOR));
}

export interface EntropyBounds {
  lowNats: number;
  highNats: number;
}

/**
 * What k log-probs tell about the entropy of the whole distribution: the tail is one outcome at
 * least, and spread evenly over the other vocabulary − k tokens at most.
 * @param logprobs [k], k ≤ vocabularySize
 */
export function entropyBounds(logprobs: Numbers, vocabularySize: number): EntropyBounds {
  const lowNats = entropyFromLogprobs(logprobs, 'tailCorrected');
  let mass = 0;
  for (let j = 0; j < logprobs.length; j++) mass += Math.exp(logprobs[j]!);
  const tail = Math.max(0, 1 - mass);
  const others = vocabularySize - logprobs.length;
  return { lowNats, highNats: others > 0 ? lowNats + tail * Math.log(others) : lowNats };
}

/**
 * One entropy per token from a rectangular column of alternatives.
 * @param logprobs [tokens × k], row after row
 * @returns [tokens]
 */
export function entropyColumn(logprobs: Float32Array, k: number, estimator: EntropyEstimator): Float32Array {
  const entropies = new Float32Array(k === 0 ? 0 : logprobs.length / k);
  for (let t = 0; t < entropies.length; t++) {
    entropies[t] = entropyFromLogprobs(logprobs.subarray(t * k, (t + 1) * k), estimator);
  }
  return entropies;
}

/** What top-k log-probs tell about the entropies of a response's tokens. */
export interface EntropyLowerBounds {
  /** [tokens] tail-corrected (METHOD §1.2); the true entropy is at least this. */
  nats: Float32Array;
  /** Fewest log-probs that any of the tokens came with. */
  k: number;
}

/**
 * Lower bounds of the token entropies from as many log-probs as a server gives, token by token.
 * @param tokens [tokens][k] natural logarithms of distinct tokens; k may differ. What is listed twice would
 *   count twice and break the bound: leave it out, the rest of the mass is one outcome whatever is in it
 */
export function entropyLowerBounds(tokens: readonly Numbers[]): EntropyLowerBounds {
  return {
    nats: Float32Array.from(tokens, (logprobs) => entropyFromLogprobs(logprobs, 'tailCorrected')),
    k: tokens.length === 0 ? 0 : Math.min(...tokens.map(({ length }) => length)),
  };
}
