// Token entropies: the golden vectors of METHOD §8.2, bounds, and agreement of the estimators.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  entropyBounds,
  entropyColumn,
  entropyFromLogits,
  entropyFromLogprobs,
  entropyFromProbabilities,
} from '#core/ares/entropy.ts';
import { mean } from '#core/util/statistics.ts';
import { goldenSteps } from './golden.ts';

const truncated = [0.24461, 0.66769, 1.0496, Math.LN2, 1.38629, 0.57156, 0.00995, 0.06585, 0.71309, 0, 0.40877];
const corrected = [0.3944, 0.89795, 1.27985, Math.LN2, 1.38629, 0.80182, 0.056, 0.1119, 0.94335, 0, 0.63903];

/** A distribution over 2–40 outcomes, largest first. */
const distribution = fc
  .array(fc.double({ min: 1e-6, max: 1, noNaN: true }), { minLength: 2, maxLength: 40 })
  .map((weights) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total).sort((a, b) => b - a);
  });

describe('estimators', () => {
  const logprobs = goldenSteps.map(({ probabilities }) => probabilities.map(Math.log));

  it('gives the golden truncated entropies', () => {
    for (const [i, expected] of truncated.entries()) {
      expect(entropyFromLogprobs(logprobs[i]!, 'truncated')).toBeCloseTo(expected, 5);
    }
  });

  it('gives the golden tail-corrected entropies and their mean', () => {
    const values = logprobs.map((step) => entropyFromLogprobs(step, 'tailCorrected'));
    for (const [i, expected] of corrected.entries()) expect(values[i]).toBeCloseTo(expected, 5);
    expect(mean(values)).toBeCloseTo(0.654886, 6);
  });

  it('agrees with the exact entropy when all log-probs are there', () => {
    fc.assert(
      fc.property(distribution, (p) => {
        const exact = entropyFromProbabilities(p);
        const logs = p.map(Math.log);
        expect(entropyFromLogprobs(logs, 'exact')).toBeCloseTo(exact, 10);
        expect(entropyFromLogprobs(logs, 'truncated')).toBeCloseTo(exact, 10);
        expect(entropyFromLogprobs(logs, 'tailCorrected')).toBeCloseTo(exact, 6);
        expect(entropyFromLogits(logs)).toBeCloseTo(exact, 10);
      }),
    );
  });

  it('brackets the exact entropy between tail-corrected value and upper bound', () => {
    fc.assert(
      fc.property(distribution, fc.integer({ min: 1, max: 40 }), (p, k) => {
        const known = p.slice(0, k).map(Math.log);
        const exact = entropyFromProbabilities(p);
        const { lowNats, highNats } = entropyBounds(known, p.length);
        expect(lowNats).toBeLessThanOrEqual(exact + 1e-6);
        expect(highNats).toBeGreaterThanOrEqual(exact - 1e-6);
        expect(lowNats).toBeGreaterThanOrEqual(0);
        expect(entropyFromLogprobs(known, 'truncated')).toBeLessThanOrEqual(lowNats + 1e-12);
      }),
    );
  });
});

describe('entropyFromLogits', () => {
  it('is ln V for equal logits and rises with temperature', () => {
    expect(entropyFromLogits([7, 7, 7, 7])).toBeCloseTo(Math.log(4), 12);
    const logits = [2, 1, 0, -1];
    const values = [0.25, 0.5, 1, 2, 4].map((temperature) => entropyFromLogits(logits, temperature));
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(values[0]).toBeLessThan(values[4]!);
  });

  it('does not overflow, and is never negative', () => {
    expect(entropyFromLogits([1000, 0, -1000])).toBe(0);
    expect(entropyFromLogits([1000, 1000, -1e6])).toBeCloseTo(Math.LN2, 12);
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 1 }), (logits) => {
        const entropy = entropyFromLogits(logits);
        expect(entropy).toBeGreaterThanOrEqual(0);
        expect(entropy).toBeLessThanOrEqual(Math.log(logits.length) + 1e-9);
      }),
    );
  });
});

describe('entropyColumn', () => {
  it('reads k alternatives per token, row after row', () => {
    const column = Float32Array.from([0.5, 0.5, 0.9, 0.05].map(Math.log));
    const entropies = entropyColumn(column, 2, 'tailCorrected');
    expect(entropies).toHaveLength(2);
    expect(entropies[0]).toBeCloseTo(Math.LN2, 5);
    expect(entropies[1]).toBeCloseTo(0.3944, 4);
    expect(entropyColumn(new Float32Array(0), 0, 'truncated')).toHaveLength(0);
  });
});
