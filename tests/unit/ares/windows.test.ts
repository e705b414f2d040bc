// Windows: both alignments, undefined tails, runs and masks.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { highEntropyRuns, padWindowMeans, windowMask, windowMeans } from '#core/ares/windows.ts';

const entropies = fc.array(fc.float({ min: 0, max: 8, noNaN: true }), { maxLength: 30 });
const alignment = fc.constantFrom('inclusive' as const, 'exclusive' as const);

describe('windowMeans', () => {
  it('averages t … t+w−1 when inclusive and t+1 … t+w when exclusive', () => {
    const values = [1, 2, 6, 3];
    expect([...windowMeans(values, { size: 2, alignment: 'inclusive' })]).toEqual([1.5, 4, 4.5, NaN]);
    expect([...windowMeans(values, { size: 2, alignment: 'exclusive' })]).toEqual([4, 4.5, NaN, NaN]);
  });

  it('is undefined exactly where fewer than w tokens remain, and within the range of its tokens', () => {
    fc.assert(
      fc.property(entropies, fc.integer({ min: 1, max: 8 }), alignment, (values, size, alignment) => {
        const offset = alignment === 'inclusive' ? 0 : 1;
        const means = windowMeans(values, { size, alignment });
        expect(means).toHaveLength(values.length);
        for (const [t, value] of means.entries()) {
          const tokens = values.slice(t + offset, t + offset + size);
          expect(Number.isNaN(value)).toBe(tokens.length < size);
          if (tokens.length < size) continue;
          expect(value).toBeGreaterThanOrEqual(Math.min(...tokens) - 1e-6);
          expect(value).toBeLessThanOrEqual(Math.max(...tokens) + 1e-6);
        }
      }),
    );
  });

  it('of size 1 is the token entropy itself, shifted by one when exclusive', () => {
    expect([...windowMeans([3, 1, 2], { size: 1, alignment: 'inclusive' })]).toEqual([3, 1, 2]);
    expect([...windowMeans([3, 1, 2], { size: 1, alignment: 'exclusive' })]).toEqual([1, 2, NaN]);
  });
});

describe('padWindowMeans', () => {
  it('repeats the mean of the complete windows, and is empty without any', () => {
    expect([...padWindowMeans(Float64Array.of(1, 3, NaN, NaN))]).toEqual([1, 3, 2, 2]);
    expect([...padWindowMeans(Float64Array.of(NaN, NaN))]).toEqual([]);
  });
});

describe('highEntropyRuns', () => {
  it('merges consecutive positions at or above the threshold', () => {
    const runs = highEntropyRuns([0, 1, 1.5, 0.5, 2, NaN, 1], 1);
    expect(runs).toEqual([
      { start: 1, end: 3, excessNats: 0.5 },
      { start: 4, end: 5, excessNats: 1 },
      { start: 6, end: 7, excessNats: 0 },
    ]);
  });

  it('covers every qualifying position once and no other', () => {
    fc.assert(
      fc.property(entropies, fc.float({ min: 0, max: 8, noNaN: true }), (values, threshold) => {
        const covered = new Set<number>();
        for (const { start, end } of highEntropyRuns(values, threshold)) {
          for (let t = start; t < end; t++) covered.add(t);
        }
        expect([...covered]).toEqual([...values.keys()].filter((t) => values[t]! >= threshold));
      }),
    );
  });
});

describe('windowMask', () => {
  it('marks the tokens of the windows, not the trigger of an exclusive one', () => {
    expect([...windowMask(6, [1], { size: 2, alignment: 'inclusive' })]).toEqual([0, 1, 1, 0, 0, 0]);
    expect([...windowMask(6, [1], { size: 2, alignment: 'exclusive' })]).toEqual([0, 0, 1, 1, 0, 0]);
    expect([...windowMask(4, [0, 1], { size: 2, alignment: 'inclusive' })]).toEqual([1, 1, 1, 0]);
    expect([...windowMask(3, [2], { size: 2, alignment: 'inclusive' })]).toEqual([0, 0, 1]);
  });
});
