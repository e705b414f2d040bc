/**
 * Several training seeds as one number: mean, spread and what they allow to be said.
 *
 * Owns: aggregation over seeds, of a table cell and of a training curve. The spread over seeds is the
 * luck of training; the intervals of paired.ts are the luck of the problems. They are never mixed.
 */
import { mean, sampleDeviation } from '#core/util/statistics.ts';
import { studentQuantile } from './exactTests.ts';
import type { Series } from './types.ts';

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

/** A metric over steps, over the seeds that all logged it. */
export interface SeedCurve {
  step: number[];
  mean: number[];
  /** Smallest and largest value over seeds. */
  low: number[];
  high: number[];
  seeds: number;
}

/**
 * One curve from several seeds, at the steps every seed logged; a mean over fewer seeds at some steps
 * would jump for no reason of the method.
 */
export function aggregateSeries(series: readonly Series[]): SeedCurve {
  const perSeed = series.map(
    ({ step, value }) => new Map(Array.from(step, (at, i): [number, number] => [at, value[i] ?? NaN])),
  );
  const curve: SeedCurve = { step: [], mean: [], low: [], high: [], seeds: series.length };
  const [first, ...others] = perSeed;
  for (const [step, value] of first ?? []) {
    const values = [value, ...others.map((seed) => seed.get(step) ?? NaN)];
    if (values.some((each) => !Number.isFinite(each))) continue;
    curve.step.push(step);
    curve.mean.push(mean(values));
    curve.low.push(Math.min(...values));
    curve.high.push(Math.max(...values));
  }
  return curve;
}

/**
 * Exponential moving average without the pull towards the first value (as TensorBoard's smoothing).
 * @param weight in [0, 1): 0 leaves the values as they are; NaN values are skipped and stay NaN
 */
export function smooth(values: ArrayLike<number>, weight: number): number[] {
  let running = 0;
  let mass = 0;
  return Array.from(values, (value) => {
    if (!Number.isFinite(value)) return NaN;
    running = weight * running + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return running / mass;
  });
}
