// Entropy shaping: the golden tables of METHOD §8.1 to their printed precision, ranges, earlier forms.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bucket, type RewardOptions, buckets, defaultOptions } from '#core/ares/options.ts';
import {
  binaryShaping,
  closedFormLambda,
  huber,
  huberSigmoidShaping,
  mainPenalty,
  sigmoidShaping,
} from '#core/ares/shaping.ts';

const options = defaultOptions.reward;

function score(
  bucket: Bucket,
  correct: boolean,
  count: number,
  target: number,
  alpha = 0.5,
  form: 'code' | 'ares' | 'v3' = 'code',
  reward: RewardOptions = options,
): number {
  return huberSigmoidShaping(form, { bucket, correct, count, target, alpha }, reward);
}

/** Version 1 at target 20. */
function binary(bucket: Bucket, correct: boolean, count: number): number {
  return binaryShaping({ bucket, correct, count, target: 20, alpha: 0.5 });
}

/** Main text at target 10, λ = 0.1. */
function penalty(bucket: Bucket, count: number, correct = false): number {
  return mainPenalty({ bucket, correct, count, target: 10 }, 0.1);
}

const counts = [0, 10, 15, 20, 24, 26, 28, 30, 40];
const goldenTable: readonly [Bucket, 0 | 1, readonly number[]][] = [
  ['easy', 1, [0, 0, 0, 0, -0.025, -0.2, -0.4, -0.5, -0.5]],
  ['easy', 0, [0.15, 0.15, 0.15, 0.15, 0.186738, 0.245272, 0.277243, 0.291206, 0.299939]],
  ['medium', 1, [-0.5, -0.21875, 0, 0, 0, -0.010417, -0.09375, -0.21875, -0.5]],
  ['medium', 0, [0.2, 0.2, 0.2, 0.2, 0.2, 0.239475, 0.30741, 0.352319, 0.399011]],
  ['hard', 1, [-0.3, -0.030682, 0.396454, 0.54696, 0.585045, 0.592228, 0.595984, 0.597932, 0.599926]],
  ['hard', 0, [0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.349542, 0.438635, 0.592228]],
];

const response = fc.record({
  bucket: fc.constantFrom(...buckets),
  correct: fc.boolean(),
  count: fc.integer({ min: 0, max: 400 }),
  target: fc.double({ min: 0, max: 400, noNaN: true }),
  alpha: fc.double({ min: 0, max: 2, noNaN: true }),
});

describe('the released function', () => {
  it.each(goldenTable)('%s, accuracy %d, target 20', (bucket, accuracy, expected) => {
    for (const [i, count] of counts.entries()) {
      expect(score(bucket, accuracy === 1, count, 20)).toBeCloseTo(expected[i]!, 6);
    }
  });

  it('gives the four rewards of the case study', () => {
    expect(score('easy', true, 20, 28)).toBe(0);
    expect(score('easy', true, 51, 28)).toBe(-0.5);
    expect(score('medium', false, 84, 55, 0.475)).toBeCloseTo(0.37915, 6);
    expect(score('medium', false, 24, 55, 0.475)).toBeCloseTo(0.19, 12);
  });

  it('gives what the disconnected configuration gave (easy, target 0)', () => {
    const expected = [0, 0, -0.041667, -0.166667, -0.333333, -0.5, -0.5];
    for (const [count, value] of expected.entries()) expect(score('easy', true, count, 0)).toBeCloseTo(value, 6);
  });

  it('stays in its printed ranges', () => {
    const low = { easy: -1, medium: -1, hard: -1.2 };
    const high = { easy: 0.6, medium: 0.8, hard: 1.2 };
    fc.assert(
      fc.property(response, (input) => {
        for (const form of ['code', 'ares', 'v3'] as const) {
          const value = huberSigmoidShaping(form, input, options);
          expect(value).toBeGreaterThanOrEqual(low[input.bucket] * input.alpha - 1e-12);
          expect(value).toBeLessThanOrEqual(high[input.bucket] * input.alpha + 1e-12);
        }
      }),
    );
  });
});

describe('the reconciled form', () => {
  it('gives a wrong answer without excess nothing, and has no jump on hard', () => {
    for (const bucket of buckets) expect(score(bucket, false, 0, 20, 0.5, 'ares')).toBe(0);
    expect(score('hard', true, 13, 20, 0.5, 'ares')).toBe(0);
    expect(score('hard', true, 13, 20, 0.5, 'code')).toBeCloseTo(0.3, 12);
  });

  it('is 2σ − 1 where the released one is σ', () => {
    fc.assert(
      fc.property(response, (input) => {
        const cap = input.alpha * options.capFactor[input.bucket];
        const ares = huberSigmoidShaping('ares', input, options);
        const code = huberSigmoidShaping('code', input, options);
        const share = input.correct ? 1 : options.wrongFactor[input.bucket];
        const isSigmoid = !input.correct || (input.bucket === 'hard' && code > 0);
        expect(ares).toBeCloseTo(isSigmoid ? 2 * code - share * cap : code, 9);
      }),
    );
  });

  it('scales with the counts: half the counts, margin floor and scale give the same reward', () => {
    const half = { ...options, marginFloor: 0.5, scale: 0.5 };
    fc.assert(
      fc.property(response, (input) => {
        const smaller = { ...input, count: input.count / 2, target: input.target / 2 };
        expect(huberSigmoidShaping('ares', smaller, half)).toBeCloseTo(huberSigmoidShaping('ares', input, options), 9);
      }),
    );
  });

  it('lowers easy, right answers as they exceed the target, and never raises them', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), (count, target) => {
        expect(score('easy', true, count + 1, target, 0.5, 'ares')).toBeLessThanOrEqual(
          score('easy', true, count, target, 0.5, 'ares'),
        );
      }),
    );
  });
});

describe('huber', () => {
  it('is quadratic, then linear, and smooth between', () => {
    expect([-1, 0, 1, 2, 4].map((x) => huber(x, 2))).toEqual([0, 0, 0.25, 1, 3]);
    expect((huber(2 + 1e-6, 2) - huber(2 - 1e-6, 2)) / 2e-6).toBeCloseTo(1, 6);
  });
});

describe('earlier forms', () => {
  it('v1 pays by which side of the target the count is on', () => {
    expect([
      binary('easy', true, 20),
      binary('medium', true, 19),
      binary('easy', true, 21),
      binary('easy', false, 1),
    ]).toEqual([0.5, 0.5, 0, 0]);
    expect([
      binary('hard', true, 1),
      binary('hard', true, 99),
      binary('hard', false, 20),
      binary('hard', false, 21),
    ]).toEqual([0.5, 0.5, -0.5, 0]);
  });

  it('v2 tends to v1 far from the target, where v1 does not depend on it', () => {
    for (const correct of [true, false]) {
      for (const count of [0, 200]) {
        const input = { bucket: 'easy' as const, correct, count, target: 100, alpha: 0.5 };
        expect(sigmoidShaping(input, options)).toBeCloseTo(binaryShaping(input), 6);
      }
    }
    const hard = { bucket: 'hard' as const, correct: false, count: 100, target: 100, alpha: 0.5 };
    expect(sigmoidShaping(hard, options)).toBeCloseTo(-0.25, 12);
  });

  it('v3 rewards wrong answers for lack where the final form rewards excess', () => {
    expect(score('medium', false, 40, 20, 0.5, 'v3')).toBeCloseTo(0.2, 12);
    expect(score('medium', false, 0, 20, 0.5, 'v3')).toBeCloseTo(score('medium', false, 40, 20), 12);
    expect(score('medium', true, 40, 20, 0.5, 'v3')).toBe(score('medium', true, 40, 20));
  });
});

describe('the main text', () => {
  it('λ is zero when the target is the batch mean', () => {
    for (const bucket of buckets) {
      for (const form of ['printed', 'directed'] as const) {
        expect(closedFormLambda(form, bucket, 7.3, 4, 7.3, 1e-6)).toBe(0);
      }
    }
  });

  it('λ has the printed sign, or the one the bucket needs', () => {
    expect(closedFormLambda('printed', 'hard', 6, 4, 4, 0)).toBe(0.5);
    expect(closedFormLambda('directed', 'hard', 6, 4, 4, 0)).toBe(0);
    expect(closedFormLambda('directed', 'hard', 2, 4, 4, 0)).toBe(0.5);
    expect(closedFormLambda('directed', 'medium', 2, 4, 4, 0)).toBe(0.5);
    expect(closedFormLambda('printed', 'easy', 2, 4, 4, 0)).toBe(0);
  });

  it('penalises only wrong answers, on the side of their bucket', () => {
    expect(penalty('easy', 13)).toBeCloseTo(-0.3, 12);
    expect(penalty('easy', 7)).toBe(0);
    expect(penalty('medium', 7)).toBeCloseTo(-0.3, 12);
    expect(penalty('medium', 13)).toBeCloseTo(-0.3, 12);
    expect(penalty('hard', 7)).toBeCloseTo(-0.3, 12);
    expect(penalty('hard', 13)).toBe(0);
    expect(penalty('easy', 99, true)).toBe(0);
  });
});
