// Exact tests against enumeration of every case.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holm, mcnemarExact, studentQuantile } from '#core/compare/exactTests.ts';

/** Probability, over all 2^n sequences of fair coins, of a split at least as uneven as the one seen. */
function mcnemarByEnumeration(first: number, second: number): number {
  const n = first + second;
  let extreme = 0;
  for (let outcome = 0; outcome < 2 ** n; outcome++) {
    const heads = outcome.toString(2).replaceAll('0', '').length;
    if (Math.abs(heads - (n - heads)) >= Math.abs(first - second)) extreme += 1;
  }
  return extreme / 2 ** n;
}

describe('mcnemarExact', () => {
  it('equals enumeration of all coin sequences', () => {
    for (let first = 0; first <= 6; first++) {
      for (let second = 0; second <= 6; second++) {
        expect(mcnemarExact(first, second)).toBeCloseTo(mcnemarByEnumeration(first, second), 12);
      }
    }
  });

  it('stays a probability where 2^-n is no double any more', () => {
    expect(mcnemarExact(2500, 2500)).toBe(1);
    const p = mcnemarExact(2400, 2600);
    // Normal approximation with continuity correction: z = 199 / sqrt(5000) = 2.814, two-sided .0049.
    expect(p).toBeGreaterThan(0.0047);
    expect(p).toBeLessThan(0.0051);
  });
});

/** Closed testing with Bonferroni for every intersection: Holm's procedure by definition, exponential. */
function holmByClosedTesting(p: readonly number[]): number[] {
  return p.map((_, i) => {
    let worst = 0;
    for (let subset = 1; subset < 2 ** p.length; subset++) {
      if ((subset & (1 << i)) === 0) continue;
      const members = p.filter((_, j) => (subset & (1 << j)) !== 0);
      worst = Math.max(worst, Math.min(1, members.length * Math.min(...members)));
    }
    return worst;
  });
}

describe('holm', () => {
  it('equals closed testing over all subsets', () => {
    const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(pValues, (p) => {
        const expected = holmByClosedTesting(p);
        holm(p).forEach((adjusted, i) => expect(adjusted).toBeCloseTo(expected[i]!, 12));
      }),
    );
  });

  it('does not count tests that could not be made', () => {
    expect(holm([0.02, NaN, 0.5])).toEqual([0.04, NaN, 0.5]);
    expect(holm([])).toEqual([]);
  });
});

describe('studentQuantile', () => {
  it('gives the tabulated two-sided 95 % points', () => {
    const table: [number, number][] = [
      [1, 12.7062],
      [2, 4.3027],
      [3, 3.1824],
      [4, 2.7764],
      [9, 2.2622],
      [30, 2.0423],
      [120, 1.9799],
    ];
    for (const [degrees, t] of table) expect(studentQuantile(degrees)).toBeCloseTo(t, 4);
    expect(studentQuantile(5, 0.99)).toBeCloseTo(4.0321, 4);
  });
});
