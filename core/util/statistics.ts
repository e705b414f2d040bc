/**
 * Elementary statistics over plain arrays: moments, quantiles, binomial intervals.
 *
 * Owns: definitions that more than one room needs, fixed once (NumPy's linear quantile, the unbiased
 * variance, Wilson's interval). Paired tests and bootstraps live in compare/.
 */

export type Numbers = readonly number[] | Float32Array | Float64Array | Int32Array;

export interface Interval {
  low: number;
  high: number;
}

/** Two-sided 95 % quantile of the standard normal. */
export const Z_95 = 1.959963984540054;

export function sum(values: Numbers): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

/** Arithmetic mean; NaN for an empty array. */
export function mean(values: Numbers): number {
  return sum(values) / values.length;
}

/** Unbiased sample variance (n − 1); 0 for fewer than two values. */
export function sampleVariance(values: Numbers): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  let total = 0;
  for (let i = 0; i < values.length; i++) total += (values[i]! - centre) ** 2;
  return total / (values.length - 1);
}

/** Unbiased sample standard deviation (n − 1); 0 for fewer than two values. */
export function sampleDeviation(values: Numbers): number {
  return Math.sqrt(sampleVariance(values));
}

/**
 * Quantile with linear interpolation between order statistics (NumPy's default).
 * @param q in [0, 1]
 * @returns NaN for an empty array
 */
export function quantile(values: Numbers, q: number): number {
  return quantileOfSorted(Float64Array.from(values).sort(), q);
}

/** The same for values in ascending order. */
export function quantileOfSorted(sorted: Numbers, q: number): number {
  if (sorted.length === 0) return NaN;
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (position - below) * (high - low);
}

export function median(values: Numbers): number {
  return quantile(values, 0.5);
}

/**
 * Wilson score interval of a binomial proportion (Wilson 1927).
 * @param z normal quantile, 1.96 for 95 %
 * @returns [0, 1] when there are no trials
 */
export function wilsonInterval(successes: number, trials: number, z = Z_95): Interval {
  if (trials === 0) return { low: 0, high: 1 };
  const p = successes / trials;
  const z2 = z * z;
  const centre = (p + z2 / (2 * trials)) / (1 + z2 / trials);
  const half = (z / (1 + z2 / trials)) * Math.sqrt((p * (1 - p)) / trials + z2 / (4 * trials * trials));
  // At the ends the bound is exact; computed, it would miss by a rounding error.
  return {
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === trials ? 1 : Math.min(1, centre + half),
  };
}
