/**
 * The error measure of parity tests.
 */

/**
 * max |a − b| / max |b| over the chosen entries; infinite where the lengths differ or nothing is chosen.
 */
export function relativeError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  use: (i: number) => boolean = () => true,
): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!use(i)) continue;
    const distance = Math.abs(actual[i]! - expected[i]!);
    // A NaN compares false with everything and would otherwise pass for no difference.
    difference = Number.isNaN(distance) ? Infinity : Math.max(difference, distance);
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return scale === 0 ? Infinity : difference / scale;
}
