/**
 * The reward of a response as a function of Δ = N_HE − target, for every mode and bucket.
 *
 * Owns: what the sliders change, the sampling of the curves, their ranges, and the published values they
 * are held against. The formulas are the method's (core/ares/rewards.ts), the ones a run trains with.
 */
import { type Bucket, type RewardMode, type RewardOptions, defaultOptions, perBucket } from '#core/ares/options.ts';
import { type RewardContext, type RewardParts, rewardOf } from '#core/ares/rewards.ts';

/** Everything the sliders set. */
export interface RewardSettings {
  /** N_target, counts. */
  target: number;
  /** α of the bucket. */
  alpha: number;
  /** λ of the bucket, in modes main and alg1. */
  lambda: number;
  /** Mean excess over the threshold of a counted token, nats: mode alg1 pays λ for it. */
  softCostNats: number;
  /** Length of the response against its limit, tokens: mode laser looks at nothing else. */
  lengthTokens: number;
  lengthTargetTokens: number;
  options: RewardOptions;
}

export const modeTitles: Readonly<Record<RewardMode, string>> = {
  ares: 'ARES, reconciled (§3.15)',
  code: 'Released code (§3.7)',
  main: 'Main text (§3.5)',
  alg1: 'Algorithm 1 (§3.6)',
  v1: 'Code, version 1',
  v2: 'Code, version 2',
  v3: 'Code, version 3',
  laser: 'LASER-D (length)',
  accuracy: 'Accuracy alone',
};

/** What a mode does, in a sentence. */
export const modeNotes: Readonly<Record<RewardMode, string>> = {
  ares: 'The released formula with a sigmoid that starts at zero: a wrong answer without any excess gains nothing.',
  code: 'Right answers lose by excess (easy), by distance (medium) or gain by it (hard). σ(0) = ½ gives every wrong answer a floor.',
  main: 'Only wrong answers are shaped: −λ·g(Δ), with excess, distance or lack by bucket.',
  alg1: 'The released formula minus λ times the mean excess entropy of the counted tokens.',
  v1: 'One step at the target.',
  v2: 'The step of version 1, smoothed by a sigmoid.',
  v3: 'The released formula before its last change: wrong answers gain by lack instead of excess.',
  laser: 'A bonus for right answers that are short enough. It looks at length, not at entropy.',
  accuracy: 'Nothing beside right or wrong.',
};

export function defaultSettings(mode: RewardMode = 'ares'): RewardSettings {
  return {
    target: 20,
    alpha: defaultOptions.reward.alpha,
    lambda: 0.05,
    softCostNats: 0.3,
    lengthTokens: 400,
    lengthTargetTokens: 500,
    options: { ...defaultOptions.reward, mode },
  };
}

export interface RewardPoint {
  bucket: Bucket;
  correct: boolean;
  /** N_HE */
  count: number;
}

/** The parts of the reward of one response. */
export function rewardAt(settings: RewardSettings, { bucket, correct, count }: RewardPoint): RewardParts {
  const { target, alpha, lambda, softCostNats, lengthTokens, lengthTargetTokens, options } = settings;
  const context: RewardContext = {
    lambda: perBucket(() => lambda),
    lengthTargetTokens: perBucket(() => lengthTargetTokens),
    // The overlong penalty depends on a token limit that no curve over Δ has; it stays out of them.
    limitTokens: 0,
  };
  const input = { bucket, correct, count, target, alpha, lengthTokens, softCostNats: softCostNats * count };
  return rewardOf(input, context, { ...options, overlongBufferFraction: 0 });
}

export interface RewardCurve {
  /** Δ, counts. */
  delta: Float64Array;
  /** The entropy reward alone, and with accuracy. */
  shaping: Float64Array;
  total: Float64Array;
}

/** Points per curve: enough for every kink of the formulas to be seen at its place. */
const POINTS = 241;

/** Δ from −target (no high-entropy token at all) to as far on the other side, at least 10 counts. */
export function deltaRange(target: number): { low: number; high: number } {
  return { low: -target, high: Math.max(10, target) };
}

export function rewardCurve(settings: RewardSettings, bucket: Bucket, correct: boolean): RewardCurve {
  const { low, high } = deltaRange(settings.target);
  const delta = Float64Array.from({ length: POINTS }, (_, i) => low + ((high - low) * i) / (POINTS - 1));
  const parts = Array.from(delta, (value) => rewardAt(settings, { bucket, correct, count: settings.target + value }));
  return {
    delta,
    shaping: Float64Array.from(parts, ({ shaping }) => shaping),
    total: Float64Array.from(parts, ({ total }) => total),
  };
}

export interface RewardRange {
  bucket: Bucket;
  correct: boolean;
  low: number;
  high: number;
}

/**
 * Smallest and largest entropy reward over all counts (METHOD §3.7): with ARES' defaults easy [−α, 0.6α],
 * medium [−α, 0.8α], hard [−1.2α, 1.2α]. Counts go far enough for every form to have levelled off.
 */
export function rewardRange(settings: RewardSettings, bucket: Bucket, correct: boolean): RewardRange {
  const { target, options } = settings;
  const far = 3 * target + 40 * options.scale * Math.max(options.temperature[bucket], options.kappa[bucket]);
  const values = Array.from({ length: 2001 }, (_, i) => {
    const count = (i * (target + far)) / 2000;
    return rewardAt(settings, { bucket, correct, count }).shaping;
  });
  return { bucket, correct, low: Math.min(...values), high: Math.max(...values) };
}

/** A card printed in the paper's case study (App. M), as METHOD §8.1 records it. */
export interface PublishedCard extends RewardPoint {
  target: number;
  alpha: number;
  /** Entropy reward, as printed. */
  published: number;
}

export const publishedCards: readonly PublishedCard[] = [
  { bucket: 'easy', correct: true, count: 20, target: 28, alpha: 0.5, published: 0 },
  { bucket: 'easy', correct: true, count: 51, target: 28, alpha: 0.5, published: -0.5 },
  { bucket: 'medium', correct: false, count: 84, target: 55, alpha: 0.475, published: 0.37915 },
  { bucket: 'medium', correct: false, count: 24, target: 55, alpha: 0.475, published: 0.19 },
];

/** What mode 'code' computes for a published card, with the settings it was printed under. */
export function reproduce({ bucket, correct, count, target, alpha }: PublishedCard): number {
  return rewardAt({ ...defaultSettings('code'), target, alpha }, { bucket, correct, count }).shaping;
}
