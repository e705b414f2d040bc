// Agreement of two judges against published numbers, and the control set of a pool.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agreementOf, confusionOf } from '#core/ares/agreement.ts';
import { drawControlSet } from '#core/ares/controlSet.ts';
import { buckets } from '#core/ares/options.ts';
import { Z_95 } from '#core/util/statistics.ts';

describe('agreementOf', () => {
  it('gives the κ and the standard error that R’s vcd gives for its data set SexualFun', () => {
    const table = [
      [7, 7, 2, 3],
      [2, 8, 3, 7],
      [1, 5, 4, 9],
      [2, 8, 9, 14],
    ];
    const { problems, kappa, kappaHigh } = agreementOf(table);
    expect(problems).toBe(91);
    expect(kappa).toBeCloseTo(0.1293, 4);
    expect((kappaHigh - kappa) / Z_95).toBeCloseTo(0.0686, 4);
  });

  it('counts pairs by first and second judge', () => {
    const confusion = confusionOf([
      ['easy', 'medium'],
      ['easy', 'medium'],
      ['hard', 'hard'],
    ]);
    expect(confusion).toEqual([
      [0, 2, 0],
      [0, 0, 0],
      [0, 0, 1],
    ]);
    expect(agreementOf(confusion).observed).toBeCloseTo(1 / 3, 12);
  });

  it('is 1 for full agreement, 0 for independent judges, and nothing where there is nothing to know', () => {
    const full = agreementOf([
      [5, 0],
      [0, 3],
    ]);
    expect(full).toMatchObject({ kappa: 1, kappaLow: 1, kappaHigh: 1, observed: 1 });
    const independent = agreementOf([
      [4, 8],
      [2, 4],
    ]);
    expect(independent.kappa).toBeCloseTo(0, 12);
    expect(
      agreementOf([
        [9, 0],
        [0, 0],
      ]).kappa,
    ).toBeNaN();
    expect(
      agreementOf([
        [9, 0],
        [4, 0],
      ]),
    ).toMatchObject({ kappa: NaN, kappaLow: NaN, observed: 9 / 13 });
    expect(
      agreementOf([
        [0, 0],
        [0, 0],
      ]).observed,
    ).toBeNaN();
  });

  it('does not depend on who is called first, nor on the order of the buckets', () => {
    const pairs = fc.array(fc.tuple(fc.constantFrom(...buckets), fc.constantFrom(...buckets)), { minLength: 1 });
    fc.assert(
      fc.property(pairs, (judged) => {
        const { kappa, kappaLow, kappaHigh } = agreementOf(confusionOf(judged));
        const swapped = agreementOf(confusionOf(judged.map(([a, b]) => [b, a] as const)));
        const renamed = { easy: 'hard', medium: 'easy', hard: 'medium' } as const;
        const permuted = agreementOf(confusionOf(judged.map(([a, b]) => [renamed[a], renamed[b]] as const)));
        for (const other of [swapped, permuted]) {
          if (Number.isNaN(kappa)) expect(other.kappa).toBeNaN();
          else {
            expect(other.kappa).toBeCloseTo(kappa, 9);
            expect(other.kappaHigh).toBeCloseTo(kappaHigh, 9);
          }
        }
        if (!Number.isNaN(kappa)) expect(kappaLow <= kappa && kappa <= kappaHigh).toBe(true);
      }),
    );
  });
});

describe('drawControlSet', () => {
  const ids = Int32Array.from({ length: 30 }, (_, i) => 100 + 3 * i);

  it('draws so many of the problems, each once, the same for the same seed', () => {
    fc.assert(
      fc.property(fc.nat({ max: 40 }), fc.nat(), (size, seed) => {
        const drawn = drawControlSet(ids, size, seed);
        expect(new Set(drawn).size).toBe(Math.min(size, ids.length));
        expect(drawn.every((id) => ids.includes(id))).toBe(true);
        expect(drawn).toEqual(drawControlSet(ids, size, seed));
        expect([...drawn]).toEqual([...drawn].sort((a, b) => a - b));
      }),
    );
  });

  it('favours no problem', () => {
    const counts = new Map<number, number>();
    for (let seed = 0; seed < 3000; seed++)
      for (const id of drawControlSet(ids, 10, seed)) counts.set(id, (counts.get(id) ?? 0) + 1);
    // 1000 expected of each; five standard deviations of a binomial with p = 1/3.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(3000 * (2 / 9)));
  });
});
