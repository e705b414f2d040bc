// The reward explorer: curves and ranges of METHOD §3.7, and the published numbers.
import { describe, expect, it } from 'vitest';
import { buckets, rewardModes } from '#core/ares/options.ts';
import {
  defaultSettings,
  deltaRange,
  modeNotes,
  modeTitles,
  publishedCards,
  reproduce,
  rewardAt,
  rewardCurve,
  rewardRange,
} from '#renderer/rooms/reward/rewardModel.ts';

describe('published numbers', () => {
  it.each(publishedCards)('$bucket $count of $target gives $published', (card) => {
    expect(reproduce(card)).toBeCloseTo(card.published, 6);
  });

  it.each([
    ['easy', true, [0, 0, 0, 0, -0.025, -0.2, -0.4, -0.5, -0.5]],
    ['easy', false, [0.15, 0.15, 0.15, 0.15, 0.186738, 0.245272, 0.277243, 0.291206, 0.299939]],
    ['medium', true, [-0.5, -0.21875, 0, 0, 0, -0.010417, -0.09375, -0.21875, -0.5]],
    ['hard', true, [-0.3, -0.030682, 0.396454, 0.54696, 0.585045, 0.592228, 0.595984, 0.597932, 0.599926]],
    ['hard', false, [0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.349542, 0.438635, 0.592228]],
  ] as const)('the table of the released function, %s %s', (bucket, correct, expected) => {
    const counts = [0, 10, 15, 20, 24, 26, 28, 30, 40];
    counts.forEach((count, i) =>
      expect(rewardAt(defaultSettings('code'), { bucket, correct, count }).shaping).toBeCloseTo(expected[i]!, 5),
    );
  });
});

describe('ranges', () => {
  it('are those of §3.7, for any α', () => {
    const factors = { easy: [-1, 0.6], medium: [-1, 0.8], hard: [-1.2, 1.2] } as const;
    for (const alpha of [0.25, 0.5, 2]) {
      for (const bucket of buckets) {
        const settings = { ...defaultSettings('code'), alpha, target: 40 };
        const both = [rewardRange(settings, bucket, true), rewardRange(settings, bucket, false)];
        const high = Math.max(...both.map((range) => range.high));
        expect(high, bucket).toBeCloseTo(factors[bucket][1] * alpha, 3);
        // The hard bucket's penalty is limited by its factor ½ on the way down; −1.2α is the cap.
        const low = Math.min(...both.map((range) => range.low));
        expect(low, bucket).toBeGreaterThanOrEqual(factors[bucket][0] * alpha - 1e-9);
        if (bucket !== 'hard') expect(low, bucket).toBeCloseTo(factors[bucket][0] * alpha, 6);
      }
    }
  });
});

describe('curves', () => {
  it('run from no high-entropy token to as far beyond the target, and pass through the formula', () => {
    const settings = { ...defaultSettings('ares'), target: 12 };
    const { low, high } = deltaRange(12);
    const curve = rewardCurve(settings, 'hard', true);
    expect([curve.delta[0], curve.delta.at(-1)]).toEqual([low, high]);
    for (const i of [0, 60, 240]) {
      const point = { bucket: 'hard', correct: true, count: 12 + curve.delta[i]! } as const;
      expect(curve.total[i]).toBe(rewardAt(settings, point).total);
      expect(curve.shaping[i]).toBeCloseTo(curve.total[i]! - 1, 12);
    }
  });

  it('exist for every mode, whatever the target', () => {
    for (const mode of rewardModes) {
      expect(modeTitles[mode]).not.toBe('');
      expect(modeNotes[mode]).not.toBe('');
      for (const target of [0, 0.125, 55]) {
        const { total } = rewardCurve({ ...defaultSettings(mode), target }, 'easy', false);
        expect(total.every(Number.isFinite), `${mode} ${target}`).toBe(true);
      }
    }
  });
});
