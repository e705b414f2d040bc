/**
 * N_HE, the number of high-entropy tokens of a response, in its four definitions (METHOD §1.4).
 *
 * Owns: which positions count, the valid and invalid trigger words, and the soft cost. Thresholds
 * come from thresholds.ts, words from triggers.ts.
 *
 *   A  H̄_t ≥ θ                       [P Alg. 1 l.7, App. J]
 *   B  H_t ≥ θ  and  o_t ∈ V_sem      [P App. H]
 *   C  H̄_t ≥ θ  and  o_t ∈ V_sem      [C vllm_rollout_spmd.py:139-150], with the code's exclusive window
 *   D  alias of A (main text)         [P §3.2.2]
 */
import type { CountDefinition } from './options.ts';
import type { ResponseEntropies } from './thresholds.ts';

/** An invalid trigger this close under the threshold is a near miss. */
const NEAR_MISS_FACTOR = 0.75;

export interface HighEntropyCount {
  /** Positions counted, ascending; N_HE is their number. */
  positions: Int32Array;
  /** Σ over counted positions of entropy − θ, nats: the code's soft cost under C, C_ent of Alg. 1. */
  softCostNats: number;
  /** Trigger words whose entropy reaches θ, and those whose does not. */
  validTriggers: number;
  invalidTriggers: number;
  /** Invalid triggers at or above 0.75·θ: many of them mean that θ hides the windows it should find. */
  nearMissTriggers: number;
}

/**
 * Counts high-entropy tokens. Positions with an incomplete window are neither valid nor invalid.
 * @param triggers [tokens] 1 where the word is in the vocabulary
 * @param thetaNats the threshold that qualifies a position
 */
export function countHighEntropy(
  definition: CountDefinition,
  response: ResponseEntropies,
  triggers: Uint8Array,
  thetaNats: number,
): HighEntropyCount {
  const values = definition === 'B' ? response.entropiesNats : response.windowMeansNats;
  const needsWord = definition === 'B' || definition === 'C';
  const positions: number[] = [];
  const result = { softCostNats: 0, validTriggers: 0, invalidTriggers: 0, nearMissTriggers: 0 };
  for (let t = 0; t < values.length; t++) {
    const value = values[t]!;
    if (Number.isNaN(value)) continue;
    const isTrigger = triggers[t] === 1;
    const isHigh = value >= thetaNats;
    if (isTrigger && isHigh) result.validTriggers++;
    if (isTrigger && !isHigh) {
      result.invalidTriggers++;
      if (value >= NEAR_MISS_FACTOR * thetaNats) result.nearMissTriggers++;
    }
    if (isHigh && (isTrigger || !needsWord)) {
      positions.push(t);
      result.softCostNats += value - thetaNats;
    }
  }
  return { positions: Int32Array.from(positions), ...result };
}
