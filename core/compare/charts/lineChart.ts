/**
 * Lines over a common axis: training curves, budget curves, reward shapes.
 *
 * Owns: raw-faint and smoothed-bold lines, bands, labels at the line ends, and thinning of long series.
 * Smoothing and aggregation over seeds are done before (aggregateSeeds.ts).
 */
import { formatNumber } from '#core/compare/format.ts';
import { coordinate, element } from '#core/compare/markup.ts';
import type { ChartOptions, DataTable, Drawing } from './drawing.ts';
import { type Axis, type Frame, emptyNotice, endLabels, frame, label, segment, shorten, textWidth } from './frame.ts';
import type { Colour } from './theme.ts';

export interface LineSeries {
  label: string;
  colour: Colour;
  /** Ascending. */
  x: ArrayLike<number>;
  /** Drawn bold; NaN breaks the line. */
  y: ArrayLike<number>;
  /** Drawn faint behind it, at the same x. */
  raw?: ArrayLike<number>;
  low?: ArrayLike<number>;
  high?: ArrayLike<number>;
  dashed?: boolean;
}

export interface Reference {
  axis: 'x' | 'y';
  value: number;
  label: string;
}

export interface LineChartOptions extends ChartOptions {
  xLabel: string;
  yLabel: string;
  yDomain?: readonly [number, number];
  /** Bounds of what is measured, which rounding of the axis must not cross. */
  yWithin?: readonly [number, number];
  /** Further y values the axis must reach, so that charts side by side share one scale. */
  yAlso?: readonly number[];
  references?: readonly Reference[];
}

/** Labels may take this much of the width. */
const LABEL_SHARE = 0.3;
/** More points than this cannot be seen in a line of any chart here. */
const MAX_POINTS = 600;

export function lineChart(series: readonly LineSeries[], options: LineChartOptions): Drawing {
  const { widthPx = 560, heightPx = 260, references = [] } = options;
  const own = (axis: 'x' | 'y'): number[] => references.filter((each) => each.axis === axis).map(({ value }) => value);
  const x: Axis = {
    label: options.xLabel,
    values: concat(
      series.map((line) => line.x),
      own('x'),
    ),
  };
  const y: Axis = {
    label: options.yLabel,
    values: concat(
      series.flatMap((line) => [line.y, line.raw ?? [], line.low ?? [], line.high ?? []]),
      own('y'),
      options.yAlso ?? [],
    ),
    round: true,
    ...(options.yWithin === undefined ? {} : { within: options.yWithin }),
    ...(options.yDomain === undefined ? {} : { domain: options.yDomain }),
  };
  const names = series.map((line) => shorten(line.label, LABEL_SHARE * widthPx));
  const rightPx = 16 + Math.max(0, ...names.map((name) => textWidth(name)));
  const { heading } = options;
  const plot = frame({ widthPx, heightPx, x, y, rightPx, ...(heading === undefined ? {} : { heading }) });
  const marks = [
    ...series.map((line) => bandOf(line, plot)),
    ...series.map((line) => (line.raw === undefined ? '' : stroke(line, line.raw, plot, 'line faint'))),
    ...series.map((line) => stroke(line, line.y, plot, line.dashed === true ? 'line dashed' : 'line')),
    ...references.map((reference) => referenceLine(reference, plot)),
    endLabels(
      series.flatMap((line, index) => {
        const last = lastPoint(line);
        if (last === null) return [];
        return [{ text: names[index]!, colour: line.colour, x: plot.x.at(last[0]), y: plot.y.at(last[1]) }];
      }),
      plot.right + 10,
      plot.top,
      plot.bottom,
    ),
  ].join('');
  const { title, description } = options;
  return {
    widthPx,
    heightPx,
    title,
    description,
    body: plot.body + (marks === '' ? emptyNotice(plot) : marks),
    tables: [tableOf(series, heading ?? title, options.xLabel)],
  };
}

function* concat(...lists: (ArrayLike<number> | readonly ArrayLike<number>[])[]): Generator<number> {
  for (const list of lists) {
    for (const entry of Array.from(list as ArrayLike<number | ArrayLike<number>>)) {
      if (typeof entry === 'number') yield entry;
      else yield* Array.from(entry);
    }
  }
}

/** Smallest and largest finite value; nothing where there is none. */
export function extremes(values: ArrayLike<number>): number[] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) continue;
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  return low > high ? [] : [low, high];
}

function lastPoint({ x, y }: LineSeries): [number, number] | null {
  for (let i = Math.min(x.length, y.length) - 1; i >= 0; i--) {
    if (Number.isFinite(x[i]!) && Number.isFinite(y[i]!)) return [x[i]!, y[i]!];
  }
  return null;
}

function referenceLine({ axis, value, label: name }: Reference, plot: Frame): string {
  const text = { class: 'quiet small halo' };
  if (axis === 'y') {
    const y = plot.y.at(value);
    return segment(plot.left, y, plot.right, y, 'reference') + label(plot.left + 4, y - 4, name, text);
  }
  const x = plot.x.at(value);
  const y = plot.top + 0.3 * (plot.bottom - plot.top);
  return segment(x, plot.top, x, plot.bottom, 'reference') + label(x + 4, y, name, text);
}

type Point = [number, number];

/** Runs of consecutive finite points, in pixels. */
function runsOf(x: ArrayLike<number>, y: ArrayLike<number>, plot: Frame): Point[][] {
  const runs: Point[][] = [[]];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (Number.isFinite(x[i]!) && Number.isFinite(y[i]!)) runs.at(-1)!.push([plot.x.at(x[i]!), plot.y.at(y[i]!)]);
    else if (runs.at(-1)!.length > 0) runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}

/** Keeps the lowest and highest point of every stretch, so that no peak is lost (as in the store's decimation). */
function thin(run: readonly Point[]): Point[] {
  if (run.length <= MAX_POINTS) return [...run];
  const stretch = Math.ceil((2 * run.length) / MAX_POINTS);
  const kept: Point[] = [];
  for (let start = 0; start < run.length; start += stretch) {
    const part = run.slice(start, start + stretch);
    const lowest = part.reduce((best, point) => (point[1] > best[1] ? point : best));
    const highest = part.reduce((best, point) => (point[1] < best[1] ? point : best));
    kept.push(...(lowest === highest ? [lowest] : [lowest, highest].sort((a, b) => a[0] - b[0])));
  }
  return kept;
}

function stroke(line: LineSeries, y: ArrayLike<number>, plot: Frame, name: string): string {
  return runsOf(line.x, y, plot)
    .map(thin)
    .map((run) =>
      run.length === 1
        ? element('circle', { cx: run[0]![0], cy: run[0]![1], r: 2.5, class: `dot ${line.colour}` })
        : element('path', { d: pathOf(run), class: `${name} ${line.colour}` }),
    )
    .join('');
}

function pathOf(points: readonly Point[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${coordinate(x)} ${coordinate(y)}`).join('');
}

function bandOf({ x, low, high, colour }: LineSeries, plot: Frame): string {
  if (low === undefined || high === undefined) return '';
  const inside: number[] = [];
  for (let i = 0; i < x.length; i++) {
    if ([x[i], low[i], high[i]].every(Number.isFinite)) inside.push(i);
  }
  if (inside.length < 2) return '';
  const upper = inside.map((i): Point => [plot.x.at(x[i]!), plot.y.at(high[i]!)]);
  const lower = inside.map((i): Point => [plot.x.at(x[i]!), plot.y.at(low[i]!)]).reverse();
  return element('path', { d: `${pathOf([...upper, ...lower])}Z`, class: `band ${colour}` });
}

const TABLE_ROWS = 16;

/** At most `TABLE_ROWS` evenly spaced rows: a table is for reading, the full data are in the run. */
function tableOf(series: readonly LineSeries[], caption: string, xLabel: string): DataTable {
  const places = [...new Set(concat(series.map((line) => line.x)))].sort((a, b) => a - b);
  const stride = Math.max(1, Math.ceil(places.length / TABLE_ROWS));
  const shown = places.filter((_, index) => index % stride === 0 || index === places.length - 1);
  const valueAt = series.map((line) => new Map(Array.from(line.x, (x, i): Point => [x, line.y[i] ?? NaN])));
  return {
    caption: stride === 1 ? caption : `${caption}, every ${stride}th point`,
    header: [xLabel, ...series.map((line) => line.label)],
    rows: shown.map((x) => [
      formatNumber(x, 'number'),
      ...valueAt.map((values) => formatNumber(values.get(x) ?? NaN, 'number')),
    ]),
  };
}
