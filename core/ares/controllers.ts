/**
 * Everything the method remembers from one iteration to the next.
 *
 * Owns: the state as one JSON-serialisable object (so that a checkpoint holds all of it; the released
 * code loses it, bug B6), its start, and the steps of α_d and of the soft-cost multiplier λ_d.
 * Thresholds, targets and KL step in their own files.
 */
import { type AresOptions, type PerBucket, type RewardOptions, perBucket } from './options.ts';
import { type KlState, clip, initialKlState } from './kl.ts';
import type { TargetState } from './targets.ts';
import type { ThresholdState } from './thresholds.ts';

export interface ControllerState {
  /** Format of this object. */
  version: 1;
  iterations: number;
  threshold: ThresholdState;
  targets: TargetState;
  alpha: PerBucket<number>;
  softCost: SoftCostState;
  kl: KlState;
}

export interface SoftCostState {
  lambda: PerBucket<number>;
  /** The soft cost of the first batch with enough samples, nats; null until then. */
  budgetNats: PerBucket<number | null>;
}

export function initialState(options: AresOptions): ControllerState {
  return {
    version: 1,
    iterations: 0,
    threshold: { thetaNats: null },
    targets: perBucket(() => null),
    alpha: perBucket(() => options.reward.alpha),
    softCost: { lambda: perBucket(() => 0), budgetNats: perBucket(() => null) },
    kl: initialKlState(options.kl),
  };
}

/**
 * α moves by at most alphaStep times this many counts. In the code the deviation cannot be larger,
 * because the target is the rounded mean (B4); with a lagged target it can, and would overrun α.
 */
const ALPHA_DELTA_LIMIT = 0.5;

/**
 * α_d ← clip(α_d + step·δ_d) with δ = mean − target (easy, medium) or target − mean (hard)
 * [C ray_trainer.py:199-206, 812-824].
 * @param countMeans mean N_HE of this batch; null where the bucket is absent, which leaves α as it is
 */
export function nextAlpha(
  alpha: PerBucket<number>,
  countMeans: PerBucket<number | null>,
  targets: PerBucket<number | null>,
  options: RewardOptions,
): PerBucket<number> {
  return perBucket((bucket) => {
    const observed = countMeans[bucket];
    const target = targets[bucket];
    if (observed === null || target === null) return alpha[bucket];
    const delta = bucket === 'hard' ? target - observed : observed - target;
    const limited = clip(delta, { low: -ALPHA_DELTA_LIMIT, high: ALPHA_DELTA_LIMIT });
    return clip(alpha[bucket] + options.alphaStep * limited, options.alphaBounds);
  });
}

/**
 * Dual ascent λ_d ← clip(λ_d + rate·(mean soft cost − budget_d)) [C ray_trainer.py:907-944], for
 * buckets with enough samples. The budget is a cost like what it is compared with; in the code it is
 * a count, and the cost that of the last rollout alone (bug B5).
 * @param costsNats soft cost of every response of the bucket
 */
export function nextSoftCost(
  state: SoftCostState,
  costsNats: PerBucket<readonly number[]>,
  options: RewardOptions,
): SoftCostState {
  const means = perBucket((bucket) => {
    const costs = costsNats[bucket];
    if (costs.length === 0 || costs.length < options.softCostMinSamples) return null;
    return costs.reduce((total, cost) => total + cost, 0) / costs.length;
  });
  const budgetNats = perBucket((bucket) => state.budgetNats[bucket] ?? means[bucket]);
  const lambda = perBucket((bucket) => {
    const observed = means[bucket];
    const budget = budgetNats[bucket];
    if (observed === null || budget === null) return state.lambda[bucket];
    return clip(state.lambda[bucket] + options.softCostRate * (observed - budget), options.softCostBounds);
  });
  return { lambda, budgetNats };
}
