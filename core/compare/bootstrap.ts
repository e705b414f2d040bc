/**
 * The clustered bootstrap (Efron & Tibshirani 1993, ch. 8 and 16) of means over problems.
 *
 * Owns: resampling whole problems with replacement, percentile intervals, and the two-sided p-value
 * that agrees with them. Several columns share the same resamples, so differences between arms stay
 * paired. Which columns are worth comparing is decided in paired.ts.
 */
import type { RandomSequence } from '#core/util/rng.ts';
import { type Interval, quantile } from '#core/util/statistics.ts';

/** Resamples between two reports of progress. */
const REPORTED = 100;

/** Mean over the entries that are numbers; NaN when there are none. */
export function meanOfPresent(values: ArrayLike<number>): number {
  let total = 0;
  let present = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    total += value;
    present += 1;
  }
  return total / present;
}

/** How many entries are numbers. */
export function countPresent(values: ArrayLike<number>): number {
  let present = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isNaN(values[i]!)) present += 1;
  return present;
}

/**
 * Means of resampled problems.
 * @param columns one value per problem each, all of the same length; NaN where a problem has none
 * @param onResampled told now and then how many resamples are done
 * @returns per column the [resamples] means; resample r uses the same problems in every column
 */
export function bootstrapMeans(
  columns: readonly Float64Array[],
  resamples: number,
  random: RandomSequence,
  onResampled?: (done: number) => void,
): Float64Array[] {
  const problems = columns[0]?.length ?? 0;
  const means = columns.map(() => new Float64Array(resamples).fill(NaN));
  if (problems === 0) return means;
  const drawn = new Int32Array(problems);
  for (let resample = 0; resample < resamples; resample++) {
    if (resample % REPORTED === 0) onResampled?.(resample);
    for (let i = 0; i < problems; i++) drawn[i] = random.integer(problems);
    columns.forEach((column, index) => {
      means[index]![resample] = meanOfDrawn(column, drawn);
    });
  }
  return means;
}

/** A function of its own, because this is where the time of a comparison goes. */
function meanOfDrawn(column: Float64Array, drawn: Int32Array): number {
  let total = 0;
  let present = 0;
  for (let i = 0; i < drawn.length; i++) {
    const value = column[drawn[i]!]!;
    if (Number.isNaN(value)) continue;
    total += value;
    present += 1;
  }
  return total / present;
}

/** 95 % percentile interval of resampled statistics; NaN bounds where there is nothing to resample. */
export function percentileInterval(resampled: Float64Array): Interval {
  const finite = resampled.filter((value) => !Number.isNaN(value));
  return { low: quantile(finite, 0.025), high: quantile(finite, 0.975) };
}

/**
 * Two-sided p-value of "the mean difference is zero" by inverting the percentile interval: twice the
 * share of resampled differences on the far side of zero, with the +1 of a Monte-Carlo test.
 *
 * Never below 2^(1−problems): that is the smallest value a sign-flip test can give, and a bootstrap
 * of four problems that agree by luck would otherwise look like proof.
 * @param problems number of problems behind each resampled difference
 */
export function bootstrapPValue(resampled: Float64Array, problems: number): number {
  if (problems < 2) return NaN;
  let notAbove = 0;
  let notBelow = 0;
  for (const value of resampled) {
    if (value <= 0) notAbove += 1;
    if (value >= 0) notBelow += 1;
  }
  const tail = (Math.min(notAbove, notBelow) + 1) / (resampled.length + 1);
  return Math.min(1, Math.max(2 * tail, 2 ** (1 - problems)));
}
