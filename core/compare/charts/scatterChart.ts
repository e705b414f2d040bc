/**
 * Points with a regression line per group: N_HE against length, the law E[L] = a + b·E[N_HE].
 *
 * Owns: merging of coinciding points (counts are integers, so they coincide often) into dots whose
 * area is their number, and the lines. The fit is regression.ts.
 */
import { formatNumber } from '#core/compare/format.ts';
import { element } from '#core/compare/markup.ts';
import { type Regression, linearRegression } from '#core/util/regression.ts';
import type { ChartOptions, Drawing } from './drawing.ts';
import { type EndLabel, emptyNotice, endLabels, frame, segment, shorten, textWidth } from './frame.ts';
import type { Colour } from './theme.ts';

export interface PointGroup {
  label: string;
  colour: Colour;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
}

export interface ScatterChartOptions extends ChartOptions {
  xLabel: string;
  yLabel: string;
  /** Further values the axes must reach, so that charts side by side share their scales. */
  xAlso?: readonly number[];
  yAlso?: readonly number[];
  /** Room for the labels at the right; default: what they need. */
  rightPx?: number;
}

/** Beyond this many distinct points, more of them only darken the cloud. */
const MAX_DOTS = 1200;
/** Of a group's name, before its slope and correlation. */
const LABEL_PX = 70;
const LARGEST_DOT_PX = 6.5;
/** Groups stand this far beside each other, so that none hides another at the same count. */
const DODGE_PX = 6;

export function scatterChart(groups: readonly PointGroup[], options: ScatterChartOptions): Drawing {
  const { widthPx = 560, heightPx = 300, heading, title, description } = options;
  const finite = groups.map(finitePoints);
  const fits = finite.map(({ x, y }) => linearRegression(x, y));
  const ends = finite.map(({ x }, index) => endsOf(x, fits[index]!));
  const names = finite.map((group, index) => lineName(shorten(group.label, LABEL_PX), fits[index]!));
  const plot = frame({
    widthPx,
    heightPx,
    ...(heading === undefined ? {} : { heading }),
    x: { label: options.xLabel, values: [...finite.flatMap(({ x }) => x), ...(options.xAlso ?? [])], round: true },
    y: {
      label: options.yLabel,
      values: [
        ...finite.flatMap(({ y }) => y),
        ...ends.flatMap((pair) => pair?.map((end) => end.y) ?? []),
        ...(options.yAlso ?? []),
      ],
      round: true,
    },
    insetPx: 14,
    rightPx: options.rightPx ?? 20 + Math.max(0, ...names.map((name) => textWidth(name))),
  });
  const merged = finite.map(mergeCoinciding);
  const largest = merged.flat().reduce((most, { count }) => Math.max(most, count), 1);
  const dots = merged.flatMap((group, index) =>
    thinned(group).map(({ x, y, count }) =>
      element('circle', {
        cx: plot.x.at(x) + (index - (merged.length - 1) / 2) * DODGE_PX,
        cy: plot.y.at(y),
        r: Math.max(1.6, LARGEST_DOT_PX * Math.sqrt(count / largest)),
        class: `point ${finite[index]!.colour}`,
      }),
    ),
  );
  const lines = ends.map((pair, index) => {
    if (pair === null) return '';
    const [from, to] = pair;
    const name = `line ${finite[index]!.colour}`;
    return segment(plot.x.at(from.x), plot.y.at(from.y), plot.x.at(to.x), plot.y.at(to.y), name);
  });
  const labelled = finite.flatMap((group, index): EndLabel[] => {
    const at = ends[index]?.[1] ?? lastOf(group);
    if (at === null) return [];
    return [{ text: names[index]!, colour: group.colour, x: plot.x.at(at.x), y: plot.y.at(at.y) }];
  });
  const labels = endLabels(labelled, plot.right + 12, plot.top, plot.bottom);
  return {
    widthPx,
    heightPx,
    title,
    description,
    body: plot.body + (dots.length === 0 ? emptyNotice(plot) : dots.join('') + lines.join('') + labels),
    tables: [
      {
        caption: heading ?? title,
        header: ['', 'responses', 'slope', 'intercept', 'correlation'],
        rows: finite.map(({ label: name }, index) => {
          const { points, slope, intercept, correlation } = fits[index]!;
          return [
            name,
            formatNumber(points, 'count'),
            ...[slope, intercept, correlation].map((v) => formatNumber(v, 'number')),
          ];
        }),
      },
    ],
  };
}

interface FiniteGroup extends PointGroup {
  x: number[];
  y: number[];
}

function finitePoints(group: PointGroup): FiniteGroup {
  const kept = Array.from(group.x, (_, i) => i).filter(
    (i) => Number.isFinite(group.x[i]) && Number.isFinite(group.y[i]),
  );
  return { ...group, x: kept.map((i) => group.x[i]!), y: kept.map((i) => group.y[i]!) };
}

interface Dot extends Position {
  count: number;
}

function mergeCoinciding({ x, y }: FiniteGroup): Dot[] {
  const dots = new Map<string, Dot>();
  x.forEach((at, i) => {
    const key = `${at} ${y[i]!}`;
    const dot = dots.get(key);
    if (dot === undefined) dots.set(key, { x: at, y: y[i]!, count: 1 });
    else dot.count += 1;
  });
  return [...dots.values()];
}

function thinned(dots: readonly Dot[]): Dot[] {
  const stride = Math.ceil(dots.length / MAX_DOTS);
  return dots.filter((_, index) => index % stride === 0);
}

/** `hard: +10.4 per count, r .94`, or the bare name where no line can be fitted. */
function lineName(name: string, { slope, correlation, points }: Regression): string {
  if (!Number.isFinite(slope) || points < 3) return name;
  const r = Number.isFinite(correlation) ? `, r ${formatNumber(correlation, 'share')}` : '';
  return `${name}: ${formatNumber(slope, 'tokenDifference')} each${r}`;
}

interface Position {
  x: number;
  y: number;
}

/** The fitted line at the first and the last x; null where there is none. */
function endsOf(x: readonly number[], { slope, intercept }: Regression): [Position, Position] | null {
  if (!Number.isFinite(slope) || !Number.isFinite(intercept)) return null;
  const low = x.reduce((a, b) => Math.min(a, b));
  const high = x.reduce((a, b) => Math.max(a, b));
  const ends: [Position, Position] = [
    { x: low, y: intercept + slope * low },
    { x: high, y: intercept + slope * high },
  ];
  return ends.every((end) => Number.isFinite(end.y)) ? ends : null;
}

function lastOf({ x, y }: FiniteGroup): Position | null {
  return x.length === 0 ? null : { x: x.at(-1)!, y: y.at(-1)! };
}
