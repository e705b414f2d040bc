/**
 * Several training seeds as one number: mean, spread and what they allow to be said.
 *
 * Owns: the summary of one value per seed; curves over seeds are seedCurves.ts. The spread over seeds is the
 * luck of training; the intervals of paired.ts are the luck of the problems. They are never mixed.
 */
import { mean, sampleDeviation } from '#core/util/statistics.ts';
import { studentQuantile } from './exactTests.ts';

export interface SeedSummary {
  mean: number;
  /** Sample standard deviation over seeds; NaN for a single seed. */
  deviation: number;
  /** 95 % t-interval of the mean; NaN bounds for a single seed. */
  low: number;
  high: number;
  /** Number of seeds. */
  seeds: number;
}

/** @param values one finite value per seed */
export function aggregateSeeds(values: readonly number[]): SeedSummary {
  const seeds = values.length;
  const centre = mean(values);
  if (seeds < 2) return { mean: centre, deviation: NaN, low: NaN, high: NaN, seeds };
  const deviation = sampleDeviation(values);
  const half = (studentQuantile(seeds - 1) * deviation) / Math.sqrt(seeds);
  return { mean: centre, deviation, low: centre - half, high: centre + half, seeds };
}
