/** Quantiles and intervals against published and exact values. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mean, median, quantile, sampleDeviation, wilsonInterval } from '#core/util/statistics.ts';

describe('quantile', () => {
  // METHOD §8.3, from NumPy.
  it('interpolates linearly between order statistics', () => {
    expect(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.95)).toBeCloseTo(9.55, 12);
    expect(quantile([0.1, 0.4, 0.2], 0.95)).toBeCloseTo(0.38, 12);
  });
  it('has no value without numbers', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
  it('lies between the extremes and grows with q', () => {
    const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(
        numbers,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, p, q) => {
          const [low, high] = p < q ? [p, q] : [q, p];
          expect(quantile(values, low)).toBeLessThanOrEqual(quantile(values, high) + 1e-9);
          // + 0 makes a negative zero positive: which of two equal zeros comes first is nobody's concern.
          expect(quantile(values, 0) + 0).toBe(Math.min(...values) + 0);
          expect(quantile(values, 1) + 0).toBe(Math.max(...values) + 0);
        },
      ),
    );
  });
});

it('moments of a small sample', () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(median([5, 1, 3, 2])).toBe(2.5);
  // METHOD §8.3: the deviation behind the GRPO vector.
  expect(sampleDeviation([1, 1, 0, 1, 0, 0, 1, 1])).toBeCloseTo(0.517549, 6);
  expect(sampleDeviation([4])).toBe(0);
});

describe('wilsonInterval', () => {
  // Newcombe 1998, Table I: 81 of 263 gives 0.2553 to 0.3662.
  it('gives the published interval', () => {
    const { low, high } = wilsonInterval(81, 263);
    expect(low).toBeCloseTo(0.2553, 4);
    expect(high).toBeCloseTo(0.3662, 4);
  });
  it('contains the observed share, touches the ends exactly, and is [0, 1] without trials', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(3000), (trials, some) => {
        const successes = Math.min(some, trials);
        const { low, high } = wilsonInterval(successes, trials);
        expect(low).toBeLessThanOrEqual(successes / trials);
        expect(high).toBeGreaterThanOrEqual(successes / trials);
      }),
    );
    expect(wilsonInterval(0, 7).low).toBe(0);
    expect(wilsonInterval(7, 7).high).toBe(1);
    expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 });
  });
});
