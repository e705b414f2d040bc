/**
 * The bold line through a noisy one.
 */

/**
 * Exponentially weighted mean of the values so far, unbiased from the first point on.
 * @param strength 0 leaves the values as they are; the weight of the past per point otherwise, below 1
 * @param points how many measurements each value stands for, so that thinning out does not change the
 *   line; one each where absent
 */
export function smooth(values: ArrayLike<number>, strength: number, points?: ArrayLike<number>): Float64Array {
  const smoothed = new Float64Array(values.length);
  let sum = 0;
  let weight = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isNaN(value)) {
      const keep = strength ** (points?.[i] ?? 1);
      sum = keep * sum + (1 - keep) * value;
      weight = keep * weight + (1 - keep);
    }
    smoothed[i] = weight === 0 ? value : sum / weight;
  }
  return smoothed;
}
