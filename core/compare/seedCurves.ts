/**
 * Training curves of several seeds as one line.
 *
 * Owns: aggregation over seeds step by step, smoothing, and the line a chart draws from them.
 */
import { mean } from '#core/util/statistics.ts';
import type { LineSeries } from './charts/lineChart.ts';
import type { Colour } from './charts/theme.ts';
import type { Series } from './types.ts';

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

/**
 * One line from one or several seeds: smoothed bold, raw faint, range over seeds as a band.
 * @param smoothing weight of the moving average; 0 draws the values as logged
 */
export function curveLine(runs: readonly Series[], label: string, colour: Colour, smoothing: number): LineSeries {
  const { step, mean, low, high, seeds } = aggregateSeries(runs);
  return {
    label,
    colour,
    x: step,
    y: smooth(mean, smoothing),
    ...(smoothing === 0 ? {} : { raw: mean }),
    ...(seeds > 1 ? { low: smooth(low, smoothing), high: smooth(high, smoothing) } : {}),
  };
}
