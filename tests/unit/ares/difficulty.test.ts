// Difficulty: bucket boundaries, brackets, labels.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bucketOf,
  bucketsWithin,
  difficultyLabel,
  mixedGroupProbability,
  passRateBracket,
} from '#core/ares/difficulty.ts';
import { defaultOptions } from '#core/ares/options.ts';
import { AresError } from '#core/util/errors.ts';

const options = defaultOptions.buckets;
const outcome = fc
  .integer({ min: 1, max: 40 })
  .chain((samples) => fc.tuple(fc.integer({ min: 0, max: samples }), fc.constant(samples)));
const provenance = { model: 'sha256:1', grader: 'exact', temperature: 1, maxNewTokens: 64 };

describe('bucketOf', () => {
  it('has its boundaries at 6 and 3 of 8', () => {
    const names = Array.from({ length: 9 }, (_, correct) => bucketOf(correct, 8, options));
    expect(names).toEqual(['hard', 'hard', 'hard', 'medium', 'medium', 'medium', 'easy', 'easy', 'easy']);
  });

  it('generalises by exact fractions', () => {
    expect([0, 1, 2, 3, 4].map((correct) => bucketOf(correct, 4, options))).toEqual([
      'hard',
      'hard',
      'medium',
      'easy',
      'easy',
    ]);
    expect(bucketOf(12, 16, options)).toBe('easy');
    expect(bucketOf(11, 16, options)).toBe('medium');
    expect(bucketOf(6, 16, options)).toBe('medium');
    expect(bucketOf(5, 16, options)).toBe('hard');
  });
});

describe('passRateBracket', () => {
  it('is the count for eight samples, and keeps the ends for never and always', () => {
    expect(Array.from({ length: 9 }, (_, correct) => passRateBracket(correct, 8, 8))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    expect(passRateBracket(1, 100, 8)).toBe(1);
    expect(passRateBracket(99, 100, 8)).toBe(7);
    expect(passRateBracket(1, 1, 8)).toBe(8);
  });

  it('never falls when more answers are right', () => {
    fc.assert(
      fc.property(outcome, ([correct, samples]) => {
        if (correct === samples) return;
        expect(passRateBracket(correct + 1, samples, 8)).toBeGreaterThanOrEqual(passRateBracket(correct, samples, 8));
      }),
    );
  });
});

describe('difficultyLabel', () => {
  it('keeps its provenance and its uncertainty', () => {
    const label = difficultyLabel(4, 8, provenance, options);
    expect(label).toMatchObject({ ...provenance, correct: 4, samples: 8, passRate: 0.5, bucket: 'medium' });
    expect(label.interval.low).toBeCloseTo(0.2152, 4);
    expect(label.interval.high).toBeCloseTo(0.7848, 4);
    expect(label.plausibleBuckets).toEqual(['easy', 'medium', 'hard']);
    expect(difficultyLabel(100, 100, provenance, options).plausibleBuckets).toEqual(['easy']);
  });

  it('always finds its own bucket plausible', () => {
    fc.assert(
      fc.property(outcome, ([correct, samples]) => {
        const label = difficultyLabel(correct, samples, provenance, options);
        expect(bucketsWithin(label.interval, options)).toContain(label.bucket);
      }),
    );
  });

  it.each([
    [9, 8],
    [-1, 8],
    [0, 0],
    [0.5, 8],
  ])('refuses %d of %d', (correct, samples) => {
    expect(() => difficultyLabel(correct, samples, provenance, options)).toThrow(AresError);
  });
});

describe('mixedGroupProbability', () => {
  it('counts the outcomes that are neither all right nor all wrong', () => {
    expect(mixedGroupProbability(0.5, 2)).toBeCloseTo(0.5, 12);
    expect(mixedGroupProbability(0, 8)).toBe(0);
    expect(mixedGroupProbability(1, 8)).toBe(0);
    expect(mixedGroupProbability(0.25, 3)).toBeCloseTo(1 - 1 / 64 - 27 / 64, 12);
  });
});
