// When sampling stops: never too early under 'settled', and under 'certain' with no more errors than are stated.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketOf } from '#core/ares/difficulty.ts';
import { CERTAIN_ERROR, isBucketSettled, labelStopping } from '#core/ares/labelStopping.ts';
import { type LabelStopRule, defaultOptions } from '#core/ares/options.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';

const options = defaultOptions.buckets;
const everyLook = { firstSamples: 1, moreSamples: 1 };
const fewest = { firstSamples: null, moreSamples: 2 };
const counts = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.nat({ max: 40 }), fc.nat({ max: 40 }))
  .map(([samples, drawn, correct]) => ({ samples, drawn: Math.min(drawn, samples), correct }))
  .map((value) => ({ ...value, correct: Math.min(value.correct, value.drawn) }));
const stopping = (samples: number, rule: LabelStopRule, looks = everyLook as typeof everyLook | typeof fewest) =>
  labelStopping(samples, rule, options, looks);

/** What a problem with these outcomes is given: after how many samples, and as which bucket. */
function label(outcomes: readonly boolean[], rule: ReturnType<typeof labelStopping>) {
  let correct = 0;
  for (const [i, isRight] of outcomes.entries()) {
    correct += Number(isRight);
    if (rule.hasEnough(correct, i + 1)) return { drawn: i + 1, bucket: bucketOf(correct, i + 1, options) };
  }
  throw new Error('It did not stop with all samples drawn.');
}
const bucketOfAll = (outcomes: readonly boolean[]) =>
  bucketOf(outcomes.filter(Boolean).length, outcomes.length, options);

describe('isBucketSettled', () => {
  it('is true exactly when no continuation changes the bucket', () => {
    fc.assert(
      fc.property(counts, ({ samples, drawn, correct }) => {
        const ends = new Set(
          Array.from({ length: samples - drawn + 1 }, (_, extra) => bucketOf(correct + extra, samples, options)),
        );
        expect(isBucketSettled(correct, drawn, samples, options)).toBe(ends.size === 1);
      }),
    );
  });
});

describe('the rules', () => {
  it('never stops under "settled" where the rest of the samples could give another bucket', () => {
    fc.assert(
      fc.property(counts, fc.nat({ max: 40 }), ({ samples, drawn, correct }, right) => {
        fc.pre(drawn > 0 && stopping(samples, 'settled').hasEnough(correct, drawn));
        const final = correct + Math.min(right, samples - drawn);
        expect(bucketOf(final, samples, options)).toBe(bucketOf(correct, drawn, options));
      }),
    );
  });

  it('stops under "certain" wherever it does under "settled", and under "never" with all samples only', () => {
    fc.assert(
      fc.property(counts, ({ samples, drawn, correct }) => {
        fc.pre(drawn > 0);
        const [settled, certain] = [stopping(samples, 'settled'), stopping(samples, 'certain')];
        if (settled.hasEnough(correct, drawn)) expect(certain.hasEnough(correct, drawn)).toBe(true);
        expect(stopping(samples, 'never').hasEnough(correct, drawn)).toBe(drawn === samples);
      }),
    );
  });

  it('looks for the first time where it can stop, then at the steps asked for, and nowhere between', () => {
    expect(stopping(8, 'never', fewest).looks).toEqual([8]);
    expect(stopping(8, 'settled', fewest).looks).toEqual([6, 8]);
    expect(stopping(32, 'settled', fewest).looks[0]).toBe(21);
    expect(stopping(16, 'certain', fewest).looks).toEqual([6, 8, 10, 12, 14, 16]);
    expect(stopping(1, 'certain', fewest).looks).toEqual([1]);
    expect(labelStopping(8, 'settled', options, { firstSamples: 20, moreSamples: 2 }).looks).toEqual([8]);
    expect(stopping(16, 'certain', fewest).hasEnough(0, 8)).toBe(true);
    expect(stopping(16, 'certain', fewest).hasEnough(0, 7)).toBe(false);
  });
});

describe('the error of "certain"', () => {
  it('is counted as going through every order of the samples counts it', () => {
    const rule = stopping(10, 'certain');
    for (let right = 0; right <= 10; right++) {
      const orders = Array.from({ length: 2 ** 10 }, (_, bits) =>
        Array.from({ length: 10 }, (__, i) => ((bits >> i) & 1) === 1),
      ).filter((outcomes) => outcomes.filter(Boolean).length === right);
      const labels = orders.map((outcomes) => label(outcomes, rule));
      const share = labels.filter(({ bucket }) => bucket !== bucketOf(right, 10, options)).length / orders.length;
      const { error, drawn } = rule.expectation(right);
      expect(error).toBeCloseTo(share, 12);
      expect(drawn).toBeCloseTo(labels.reduce((sum, each) => sum + each.drawn, 0) / orders.length, 12);
    }
  });

  it.each([
    [8, everyLook],
    [16, everyLook],
    [16, fewest],
    [24, { firstSamples: 5, moreSamples: 3 }],
    [32, fewest],
    [64, everyLook],
    [64, fewest],
  ])('is at most the stated one for %d samples and every number of right ones, and saves samples', (samples, looks) => {
    for (const buckets of [options, { of: 10, easyAtLeast: 9, mediumAtLeast: 4 }]) {
      const rule = labelStopping(samples, 'certain', buckets, looks);
      const expected = Array.from({ length: samples + 1 }, (_, right) => rule.expectation(right));
      expect(Math.max(...expected.map(({ error }) => error))).toBeLessThanOrEqual(CERTAIN_ERROR);
      const settled = labelStopping(samples, 'settled', buckets, looks);
      const total = (each: typeof rule) =>
        Array.from({ length: samples + 1 }, (_, right) => each.expectation(right).drawn).reduce((a, b) => a + b);
      expect(total(rule)).toBeLessThan(total(settled));
    }
  });

  it('does not exceed the stated level among simulated problems, whatever their pass rate', () => {
    const problems = 4000;
    for (const samples of [16, 32, 64]) {
      const rule = stopping(samples, 'certain', fewest);
      // At the ends, in the middle of the buckets, at their limits and just beside them.
      for (const [i, passRate] of [0, 0.1, 0.33, 0.36, 0.375, 0.4, 0.55, 0.7, 0.73, 0.75, 0.8, 0.95, 1].entries()) {
        const random = new RandomSequence(7, Stream.shuffle, samples * 100 + i);
        let different = 0;
        for (let problem = 0; problem < problems; problem++) {
          const outcomes = Array.from({ length: samples }, () => random.uniform() < passRate);
          if (label(outcomes, rule).bucket !== bucketOfAll(outcomes)) different++;
        }
        expect(different / problems, `pass rate ${passRate}, ${samples} samples`).toBeLessThanOrEqual(CERTAIN_ERROR);
      }
    }
  });
});
