/**
 * The policy loss in plain numbers: reference value and derivative of what the engine computes in
 * its training graph (METHOD §3.11; core/engine/api.ts PolicyLoss).
 *
 *   Σ_t weights_t · max(−r_t A_t, −clip(r_t, 1−ε_l, 1+ε_h) A_t), capped at −c·A_t where A_t < 0
 * + Σ_t klWeights_t · k3_t
 *
 * Owns: the formula, token-level and sequence-level ratios alike. Which weights and advantages to
 * put in is columns.ts.
 */
import type { PolicyLoss } from '#core/engine/api.ts';
import type { Numbers } from '#core/util/statistics.ts';
import { k3, k3Derivative } from './kl.ts';

/** Log-ratios beyond this are clipped, and give no gradient. */
const LOG_RATIO_LIMIT = 20;

export interface PolicyLossValue {
  /** policyLoss + klLoss */
  loss: number;
  policyLoss: number;
  klLoss: number;
  /** [Σ lengths] ∂loss/∂logprob. */
  gradient: Float64Array;
  /** Share of tokens with weight whose ratio is clipped against its advantage. */
  clipFraction: number;
}

/**
 * @param lengths [sequences] response tokens of each
 * @param logprobs [Σ lengths] of the current policy
 */
export function policyLossValue(columns: PolicyLoss, lengths: Int32Array, logprobs: Numbers): PolicyLossValue {
  const gradient = new Float64Array(logprobs.length);
  let policyLoss = 0;
  let klLoss = 0;
  let weighted = 0;
  let clipped = 0;
  let start = 0;
  for (const length of lengths) {
    const end = start + length;
    const ratio = columns.ratioLevel === 'sequence' ? sequenceRatio(columns, logprobs, start, end) : null;
    // ∂loss/∂ratio summed over the sequence; spread over its tokens when they share the ratio.
    let ratioGradient = 0;
    for (let t = start; t < end; t++) {
      const r = ratio ?? tokenRatio(columns, logprobs, t);
      const term = clippedTerm(columns, r.value, columns.advantages[t]!);
      const weight = columns.weights[t]!;
      policyLoss += weight * term.value;
      if (ratio === null) gradient[t]! += weight * term.slope * r.slope;
      else ratioGradient += weight * term.slope;
      if (weight !== 0) {
        weighted++;
        if (term.isClipped) clipped++;
      }
      klLoss += columns.klWeights[t]! * k3(logprobs[t]!, columns.refLogprobs[t]!);
      gradient[t]! += columns.klWeights[t]! * k3Derivative(logprobs[t]!, columns.refLogprobs[t]!);
    }
    if (ratio !== null) for (let t = start; t < end; t++) gradient[t]! += (ratioGradient * ratio.slope) / length;
    start = end;
  }
  return {
    loss: policyLoss + klLoss,
    policyLoss,
    klLoss,
    gradient,
    clipFraction: weighted === 0 ? 0 : clipped / weighted,
  };
}

/** A ratio and its derivative with respect to its log. */
interface Ratio {
  value: number;
  slope: number;
}

function ratioOf(logRatio: number): Ratio {
  const limited = Math.min(LOG_RATIO_LIMIT, Math.max(-LOG_RATIO_LIMIT, logRatio));
  const value = Math.exp(limited);
  return { value, slope: limited === logRatio ? value : 0 };
}

function tokenRatio(columns: PolicyLoss, logprobs: Numbers, t: number): Ratio {
  return ratioOf(logprobs[t]! - columns.oldLogprobs[t]!);
}

/** GSPO: exp of the mean log-ratio, shared by all tokens of the sequence. */
function sequenceRatio(columns: PolicyLoss, logprobs: Numbers, start: number, end: number): Ratio {
  let total = 0;
  for (let t = start; t < end; t++) total += logprobs[t]! - columns.oldLogprobs[t]!;
  return ratioOf(end > start ? total / (end - start) : 0);
}

/** The clipped surrogate of one token and its derivative with respect to the ratio. */
function clippedTerm(
  columns: PolicyLoss,
  ratio: number,
  advantage: number,
): { value: number; slope: number; isClipped: boolean } {
  const limited = Math.min(1 + columns.clipHigh, Math.max(1 - columns.clipLow, ratio));
  const free = -ratio * advantage;
  const bounded = -limited * advantage;
  if (bounded > free) return { value: bounded, slope: 0, isClipped: true };
  const cap = -columns.dualClip * advantage;
  if (advantage < 0 && free > cap) return { value: cap, slope: 0, isClipped: true };
  return { value: free, slope: -advantage, isClipped: false };
}
