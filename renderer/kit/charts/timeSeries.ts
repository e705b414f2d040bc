/**
 * Several series with points of their own as the one table that uPlot draws.
 *
 * Owns: joining them on their steps, which columns are lines and which bands, and smoothing. It draws
 * nothing and knows no colour.
 */
import { smooth } from './smoothing.ts';

export interface TimeSeries {
  /** Stands at the end of the line and in the readout. */
  label: string;
  /** A CSS colour; var(--…) is resolved. */
  colour: string;
  /** Steps, rising. */
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  /** Range of the measurements behind each point, drawn as a band. */
  min?: ArrayLike<number>;
  max?: ArrayLike<number>;
  /** How many measurements each point stands for. */
  points?: ArrayLike<number>;
  dashed?: boolean;
}

/** Columns of one series in the table; null where it has none. */
export interface SeriesColumns {
  raw: number;
  bold: number;
  low: number | null;
  high: number | null;
}

export interface SeriesTable {
  /** Column 0 is x; null where a series has no point at that x. */
  data: (number | null)[][];
  columns: SeriesColumns[];
}

export function seriesTable(series: readonly TimeSeries[], smoothing: number): SeriesTable {
  const rowOf = new Map<number, number>();
  const all = new Set<number>();
  for (const { x } of series) for (let i = 0; i < x.length; i++) all.add(x[i]!);
  const xs = [...all].sort((a, b) => a - b);
  for (const [row, x] of xs.entries()) rowOf.set(x, row);
  const data: (number | null)[][] = [xs];
  const put = (x: ArrayLike<number>, values: ArrayLike<number>): number => {
    const column: (number | null)[] = xs.map(() => null);
    for (let i = 0; i < x.length; i++) {
      const value = values[i]!;
      column[rowOf.get(x[i]!)!] = Number.isNaN(value) ? null : value;
    }
    return data.push(column) - 1;
  };
  const columns = series.map(({ x, y, min, max, points }): SeriesColumns => {
    const low = min === undefined ? null : put(x, min);
    const high = max === undefined ? null : put(x, max);
    const raw = put(x, y);
    const bold = smoothing === 0 ? raw : put(x, smooth(y, smoothing, points));
    return { raw, bold, low, high };
  });
  return { data, columns };
}

/** Heights of labels at the ends of lines, pushed apart so that none covers another; order is kept. */
export function spreadLabels(wanted: readonly number[], gap: number, min: number, max: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]!);
  const placed = [...wanted];
  let before = -Infinity;
  for (const i of order) before = placed[i] = Math.max(wanted[i]!, before + gap, min);
  let after = max + gap;
  for (const i of order.toReversed()) after = placed[i] = Math.min(placed[i]!, after - gap);
  return placed;
}

/** Values that differ by less than this share of their size are one value with the noise of its arithmetic. */
const NOISE = 1e-9;
const PADDING = 0.06;

/** The axis for values from `min` to `max`, with room around them; never so narrow that it has no ticks. */
export function paddedRange(min: number, max: number): [low: number, high: number] {
  const size = Math.max(Math.abs(min), Math.abs(max));
  const space = PADDING * (max - min > NOISE * size ? max - min : size || 1);
  return [min - space, max + space];
}
