/** How far numbers are from reference numbers, as all parity tests measure it. */
import { expect } from 'vitest';

/** max |a − b| / max |b| over chosen entries. */
export function relativeError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  use: (i: number) => boolean = () => true,
): number {
  expect(actual.length).toBe(expected.length);
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!use(i)) continue;
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return difference / scale;
}
