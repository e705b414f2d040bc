// Rewards by mode and by part, length rewards included.
import { describe, expect, it } from 'vitest';
import { adaptiveLengthTarget, overlongPenalty, shortnessBonus } from '#core/ares/lengthRewards.ts';
import { type RewardOptions, defaultOptions, perBucket, rewardModes } from '#core/ares/options.ts';
import { type RewardContext, type RewardInput, rewardOf } from '#core/ares/rewards.ts';

const context: RewardContext = {
  lambda: perBucket(() => 0.25),
  lengthTargetTokens: { easy: 50, medium: 60, hard: 70 },
  limitTokens: 100,
};
const input: RewardInput = {
  bucket: 'easy',
  correct: true,
  count: 30,
  target: 20,
  alpha: 0.5,
  lengthTokens: 50,
  softCostNats: 6,
};

function reward(mode: RewardOptions['mode'], patch: Partial<RewardInput> = {}, more: Partial<RewardOptions> = {}) {
  return rewardOf({ ...input, ...patch }, context, { ...defaultOptions.reward, mode, ...more });
}

describe('rewardOf', () => {
  it.each([
    ['accuracy', 0],
    ['main', 0],
    ['code', -0.5],
    ['ares', -0.5],
    ['v1', 0],
    ['v3', -0.5],
    ['laser', 0.5],
    ['alg1', -0.5 - (0.25 * 6) / 30],
  ] as const)('mode %s shapes an easy, right, over-long answer by %d', (mode, shaping) => {
    expect(reward(mode).shaping).toBeCloseTo(shaping, 12);
    expect(reward(mode).accuracy).toBe(1);
  });

  it('main takes λ times the excess from wrong answers', () => {
    expect(reward('main', { correct: false })).toEqual({ accuracy: 0, overlong: 0, shaping: -2.5, total: -2.5 });
  });

  it('adds up, in every mode, with the overlong penalty apart from the shaping', () => {
    for (const mode of rewardModes) {
      const parts = reward(mode, { lengthTokens: 90 }, { overlongBufferFraction: 0.2 });
      expect(parts.overlong).toBeCloseTo(-0.5, 12);
      expect(parts.total).toBeCloseTo(parts.accuracy + parts.overlong + parts.shaping, 12);
      expect(parts.shaping).toBe(reward(mode, { lengthTokens: 90 }).shaping);
    }
  });
});

describe('overlongPenalty', () => {
  it('falls from 0 to −1 over the buffer', () => {
    expect([70, 80, 90, 100, 120].map((length) => overlongPenalty(length, 100, 20))).toEqual([0, 0, -0.5, -1, -1]);
    expect(overlongPenalty(120, 100, 0)).toBe(0);
  });
});

describe('LASER', () => {
  it('pays right answers that are short enough', () => {
    expect([shortnessBonus(true, 50, 50, 0.5), shortnessBonus(true, 51, 50, 0.5)]).toEqual([0.5, 0]);
    expect(shortnessBonus(false, 10, 50, 0.5)).toBe(0);
  });

  it('finds the smallest length that solves the expected number', () => {
    const samples = [30, 10, 20, 50, 40, 60].map((lengthTokens, i) => ({ lengthTokens, correct: i !== 1 }));
    // P(correct ∧ L ≤ l)·3 ≥ 1 needs two of six responses: the correct lengths are 20, 30, 40, …
    expect(adaptiveLengthTarget(samples, 3, 999)).toBe(30);
    expect(adaptiveLengthTarget(samples, 6, 999)).toBe(20);
    expect(adaptiveLengthTarget(samples, 1, 999)).toBe(999);
    // Seven responses: 2/7·3 < 1, so three right answers are needed.
    expect(adaptiveLengthTarget([...samples, { lengthTokens: 5, correct: false }], 3, 999)).toBe(40);
    expect(adaptiveLengthTarget([], 6, 999)).toBe(999);
  });
});
