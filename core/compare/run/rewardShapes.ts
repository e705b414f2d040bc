/**
 * The reward a run trained with, as curves over N_HE.
 *
 * Owns: the sampling of the formula (ares/rewards.ts) at the targets and weights the run ended with.
 * Rewards that depend on more than the count (length, soft cost) have no such curve.
 */
import { type AresOptions, type Bucket, type RewardMode, buckets, perBucket } from '#core/ares/options.ts';
import { rewardOf } from '#core/ares/rewards.ts';
import type { RewardShape } from '#core/compare/charts/rewardChart.ts';
import type { TrainingCurve } from '#core/compare/types.ts';

const drawn: ReadonlySet<RewardMode> = new Set(['main', 'code', 'ares', 'v1', 'v2', 'v3']);
/** Points per curve. */
const POINTS = 121;
/** The axis goes on beyond the largest target, to where every shape has levelled off. */
const BEYOND = { factor: 2.5, counts: 3 };

/** One shape per bucket that has a target. */
export function rewardShapesOf({ reward }: AresOptions, policy: TrainingCurve): RewardShape[] {
  if (!drawn.has(reward.mode)) return [];
  const last = (name: string): number | undefined => Array.from(policy.series[name]?.value ?? []).at(-1);
  const targets = buckets.flatMap((bucket): [Bucket, number][] => {
    const target = last(`target/${bucket}`);
    return target === undefined ? [] : [[bucket, target]];
  });
  const end = BEYOND.factor * Math.max(...targets.map(([, target]) => target)) + BEYOND.counts;
  const counts = Array.from({ length: POINTS }, (_, i) => (i * end) / (POINTS - 1));
  const context = {
    lambda: perBucket((bucket) => last(`lambda/${bucket}`) ?? 0),
    // Of no consequence to the modes drawn here, which do not look at length.
    lengthTargetTokens: perBucket(() => 0),
    limitTokens: 0,
  };
  return targets.map(([bucket, target]): RewardShape => {
    const alpha = last(`alpha/${bucket}`) ?? reward.alpha;
    const rewards = (correct: boolean): number[] =>
      counts.map((count) => {
        const input = { bucket, correct, count, target, alpha, lengthTokens: 0, softCostNats: 0 };
        return rewardOf(input, context, { ...reward, overlongBufferFraction: 0 }).total;
      });
    return { bucket, target, count: counts, right: rewards(true), wrong: rewards(false) };
  });
}
