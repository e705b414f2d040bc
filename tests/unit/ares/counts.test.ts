// N_HE by its four definitions, and the golden trigger statistics of METHOD §8.2.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countHighEntropy } from '#core/ares/counts.ts';
import { windowMeans } from '#core/ares/windows.ts';
import { goldenEntropies, goldenTriggers } from './golden.ts';

describe('definition C on the golden steps, exclusive windows', () => {
  const entropies = goldenEntropies('tailCorrected');
  it.each([
    [2, -1, 3, 0, 4.389968],
    [2, 0.5, 1, 2, 0.486501],
    [4, -1, 2, 0, 3.318092],
    [4, 0.5, 1, 1, 0.540279],
    [4, 0.8, 1, 1, 0.240279],
  ])('w=%d θ=%d: %d valid, %d invalid, soft cost %d', (size, theta, valid, invalid, softCost) => {
    const windowMeansNats = windowMeans(entropies, { size, alignment: 'exclusive' });
    const response = { entropiesNats: Float32Array.from(entropies), windowMeansNats };
    const result = countHighEntropy('C', response, goldenTriggers, theta);
    expect(result.validTriggers).toBe(valid);
    expect(result.positions).toHaveLength(valid);
    expect(result.invalidTriggers).toBe(invalid);
    expect(result.softCostNats).toBeCloseTo(softCost, 6);
  });
});

describe('definitions', () => {
  const response = {
    entropiesNats: Float32Array.of(2, 0, 2, 2, 0, 0),
    windowMeansNats: windowMeans([2, 0, 2, 2, 0, 0], { size: 2, alignment: 'inclusive' }),
  };
  const triggers = Uint8Array.of(1, 0, 0, 1, 1, 1);

  const at = (definition: 'A' | 'B' | 'C' | 'D'): number[] => [
    ...countHighEntropy(definition, response, triggers, 1).positions,
  ];

  it('A takes windows, B tokens that are words, C windows of words, D is A', () => {
    expect(at('A')).toEqual([0, 1, 2, 3]);
    expect(at('B')).toEqual([0, 3]);
    expect(at('C')).toEqual([0, 3]);
    expect(at('D')).toEqual(at('A'));
  });

  it('reports near misses among invalid triggers', () => {
    expect(countHighEntropy('C', response, triggers, 1.2)).toMatchObject({
      validTriggers: 0,
      invalidTriggers: 3,
      nearMissTriggers: 2,
    });
  });

  it('C never exceeds A; counts fall with θ; valid and invalid triggers add up', () => {
    const tokens = fc.array(fc.tuple(fc.float({ min: 0, max: 5, noNaN: true }), fc.boolean()), { maxLength: 40 });
    fc.assert(
      fc.property(tokens, fc.float({ min: 0, max: 5, noNaN: true }), (list, theta) => {
        const entropiesNats = Float32Array.from(list, ([entropy]) => entropy);
        const words = Uint8Array.from(list, ([, word]) => (word ? 1 : 0));
        const measured = {
          entropiesNats,
          windowMeansNats: windowMeans(entropiesNats, { size: 3, alignment: 'exclusive' }),
        };
        const a = countHighEntropy('A', measured, words, theta);
        const c = countHighEntropy('C', measured, words, theta);
        expect(c.positions.length).toBeLessThanOrEqual(a.positions.length);
        expect(countHighEntropy('C', measured, words, theta + 0.5).positions.length).toBeLessThanOrEqual(
          c.positions.length,
        );
        const complete = words.filter((word, t) => word === 1 && t < list.length - 3).length;
        expect(c.validTriggers + c.invalidTriggers).toBe(complete);
        expect(c.softCostNats).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
