/** What charts draw: ticks, smoothing, joined series, labels, colours. */
import { expect, it } from 'vitest';
import { smooth } from '#renderer/kit/charts/smoothing.ts';
import { compact, linear, ticks } from '#renderer/kit/charts/ticks.ts';
import { paddedRange, seriesTable, spreadLabels } from '#renderer/kit/charts/timeSeries.ts';
import { inkOn, scaleRgb } from '#renderer/kit/colour.ts';

it('puts ticks on round values and writes them short', () => {
  expect(ticks(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticks(0.13, 0.48, 4)).toEqual([0.2, 0.3, 0.4]);
  expect(ticks(-3, 900, 3)).toEqual([0, 500]);
  expect(ticks(5, 5)).toEqual([5]);
  expect([0, 0.043, -12.5, 12_345, 3_200_000, 0.000031, NaN].map(compact)).toEqual([
    '0',
    '0.043',
    '−12.5',
    '12.3k',
    '3.2M',
    '3.1e−5',
    '–',
  ]);
  expect(linear([0, 10], [100, 0])(2.5)).toBe(75);
});

it('smooths without a bias at the beginning and without minding gaps', () => {
  expect([...smooth([3, 3, 3], 0.9)]).toEqual([expect.closeTo(3, 12), expect.closeTo(3, 12), expect.closeTo(3, 12)]);
  expect([...smooth([1, 2, 4], 0)]).toEqual([1, 2, 4]);
  const [, gap, after] = smooth([2, NaN, 4], 0.5);
  expect(gap).toBe(2);
  expect(after).toBeCloseTo((0.5 * 1 + 0.5 * 4) / 0.75, 12);
});

it('smooths thinned-out points like the ones they stand for', () => {
  const constant = smooth([1, 1, 5, 5], 0.8);
  const thinned = smooth([1, 5], 0.8, [2, 2]);
  expect(thinned[1]).toBeCloseTo(constant[3]!, 12);
});

it('joins series on their steps, with gaps where one has no point', () => {
  const { data, columns } = seriesTable(
    [
      { label: 'a', colour: 'red', x: [1, 3], y: [10, 30], min: [9, 29], max: [11, 31] },
      { label: 'b', colour: 'blue', x: [2, 3], y: [NaN, 5] },
    ],
    0,
  );
  expect(data[0]).toEqual([1, 2, 3]);
  expect(data[columns[0]!.raw]).toEqual([10, null, 30]);
  expect(data[columns[0]!.low!]).toEqual([9, null, 29]);
  expect(data[columns[1]!.raw]).toEqual([null, null, 5]);
  expect(columns[1]).toMatchObject({ low: null, high: null });
  expect(columns[0]!.bold).toBe(columns[0]!.raw);
});

it('pushes labels apart and keeps their order', () => {
  const placed = spreadLabels([50, 52, 51], 10, 0, 100);
  expect(placed[0]).toBeLessThan(placed[2]!);
  expect(placed[2]).toBeLessThan(placed[1]!);
  const sorted = [...placed].sort((a, b) => a - b);
  for (const [i, y] of sorted.slice(1).entries()) expect(y - sorted[i]!).toBeGreaterThanOrEqual(10);
  expect(Math.max(...spreadLabels([98, 99, 100], 10, 0, 100))).toBeLessThanOrEqual(100);
});

it('gives an axis a width that has ticks, also where values hardly differ', () => {
  expect(paddedRange(0, 1)).toEqual([-0.06, 1.06]);
  expect(paddedRange(0, 0)).toEqual([-0.06, 0.06]);
  for (const [min, max] of [
    [0.3, 0.3],
    [0.3, 0.1 + 0.2],
    [-1e6, -1e6 + 1e-9],
    [1e-12, 1e-12],
  ] as const) {
    const [low, high] = paddedRange(min, max);
    expect((high - low) / Math.max(Math.abs(low), Math.abs(high))).toBeGreaterThan(0.1);
    expect(low).toBeLessThan(min);
    expect(high).toBeGreaterThan(max);
  }
});

it('goes through the scales in order of lightness, with readable ink', () => {
  for (const scale of ['viridis', 'cividis', 'magma'] as const) {
    const lightness = Array.from({ length: 33 }, (_, i) => {
      const [r, g, b] = scaleRgb(scale, i / 32);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    });
    for (const [i, value] of lightness.slice(1).entries()) expect(value).toBeGreaterThanOrEqual(lightness[i]! - 1);
    expect(inkOn(scaleRgb(scale, 0))).toBe('#ffffff');
    expect(inkOn(scaleRgb(scale, 1))).toBe('#000000');
  }
  expect(scaleRgb('viridis', NaN)).toEqual(scaleRgb('viridis', 0));
  expect(scaleRgb('viridis', 7)).toEqual(scaleRgb('viridis', 1));
});
