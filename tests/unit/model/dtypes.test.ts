/** float16 and bfloat16 against the definition of the formats: every value upwards, nearest-even downwards. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from '#core/model/dtypes.ts';

const every = Uint16Array.from({ length: 0x10000 }, (_, i) => i);

/** The value of a pattern with `fraction` bits of fraction, written as the formats define it. */
function valueOf(pattern: number, exponentBits: number, fraction: number): number {
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = pattern & 0x8000 ? -1 : 1;
  const exponent = (pattern & 0x7fff) >> fraction;
  const significand = (pattern & (2 ** fraction - 1)) / 2 ** fraction;
  if (exponent === 2 ** exponentBits - 1) return significand === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * significand * 2 ** (1 - bias) : sign * (1 + significand) * 2 ** (exponent - bias);
}

const formats = [
  { name: 'float16', exponentBits: 5, fraction: 10, widen: float16ToFloat32, narrow: float32ToFloat16 },
  { name: 'bfloat16', exponentBits: 8, fraction: 7, widen: bfloat16ToFloat32, narrow: float32ToBfloat16 },
];

describe.each(formats)('$name', ({ exponentBits, fraction, widen, narrow }) => {
  const value = (pattern: number): number => valueOf(pattern, exponentBits, fraction);
  const infinity = (2 ** exponentBits - 1) << fraction;

  it('widens all 65536 patterns to exactly their value', () => {
    const floats = widen(every);
    const wrong = every.filter((pattern) => !Object.is(floats[pattern], value(pattern)));
    expect([...wrong]).toEqual([]);
  });

  it('narrows every value of its own back to the same pattern', () => {
    const back = narrow(widen(every));
    const wrong = every.filter((pattern) => !Number.isNaN(value(pattern)) && back[pattern] !== pattern);
    expect([...wrong]).toEqual([]);
  });

  it('keeps NaN a NaN', () => {
    const nans = new Float32Array(new Uint32Array([0x7f800001, 0xff800001, 0x7fffffff, 0x7fc00000]).buffer);
    expect([...widen(narrow(nans))].every(Number.isNaN)).toBe(true);
  });

  it('rounds to the nearest pattern, ties to the even one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7f7fffff }), fc.boolean(), (bits, negative) => {
        const x = new Float32Array(new Uint32Array([bits]).buffer)[0]!;
        const pattern = narrow(Float32Array.of(negative ? -x : x))[0]!;
        expect(pattern >> 15).toBe(negative ? 1 : 0);
        const magnitude = pattern & 0x7fff;
        // Infinity takes part in rounding as the next value after the largest finite one would.
        const at = (candidate: number): number =>
          candidate === infinity ? 2 * value(infinity - 1) - value(infinity - 2) : value(candidate);
        const neighbours = [magnitude - 1, magnitude + 1].filter((other) => other >= 0 && other <= infinity);
        const distance = Math.abs(x - at(magnitude));
        if (magnitude === infinity && x >= at(infinity)) return;
        for (const other of neighbours) {
          const otherDistance = Math.abs(x - at(other));
          expect(otherDistance).toBeGreaterThanOrEqual(distance);
          if (otherDistance === distance) expect(magnitude % 2).toBe(0);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe('edges', () => {
  it.each([
    [65504, 0x7bff],
    [65519.996, 0x7bff],
    [65520, 0x7c00],
    [-Infinity, 0xfc00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0000001, 0x0001],
    [3 * 2 ** -25, 0x0002],
    [-0, 0x8000],
    [2 ** -14 - 2 ** -25, 0x0400],
  ])('float16 of %f', (x, pattern) => {
    expect(float32ToFloat16(Float32Array.of(x))[0]).toBe(pattern);
  });

  it.each([
    [1 + 2 ** -8, 0x3f80],
    [1 + 3 * 2 ** -8, 0x3f82],
    [3.4e38, 0x7f80],
    [-0, 0x8000],
    [2 ** -133, 0x0001],
    [2 ** -134, 0x0000],
  ])('bfloat16 of %f', (x, pattern) => {
    expect(float32ToBfloat16(Float32Array.of(x))[0]).toBe(pattern);
  });

  it('writes into a given part of a larger array', () => {
    const target = new Float32Array(4).fill(9);
    bfloat16ToFloat32(Uint16Array.of(0x3f80, 0x4000), target.subarray(1, 3));
    expect([...target]).toEqual([9, 1, 2, 9]);
  });
});
