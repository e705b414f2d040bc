/**
 * The two charts of AdaCS: how hard the problems are, and which traces were chosen (METHOD §5, Fig. 5).
 *
 * Owns: the histogram over pass-rate brackets and length against difficulty with the target line.
 * The selection itself is ares/adacs.ts.
 */
import type { Bucket } from '#core/ares/options.ts';
import { formatNumber } from '#core/compare/format.ts';
import { coordinate, element } from '#core/compare/markup.ts';
import { verticalWhisker } from './barChart.ts';
import type { Drawing } from './drawing.ts';
import { type Frame, emptyNotice, frame, label, legend } from './frame.ts';
import type { Colour } from './theme.ts';

/** Buckets wherever colour means difficulty. */
export const bucketColours: Readonly<Record<Bucket, Colour>> = { easy: 'sky', medium: 'orange', hard: 'vermillion' };

export interface HistogramOptions {
  title: string;
  description: string;
  widthPx?: number;
  heightPx?: number;
}

/** The problems with one number of right answers. */
export interface Bracket {
  problems: number;
  bucket: Bucket;
}

/** Problems per bracket of pass rate: entry c is for c right answers out of length − 1. */
export function difficultyHistogram(brackets: readonly Bracket[], options: HistogramOptions): Drawing {
  const { widthPx = 560, heightPx = 250, title, description } = options;
  const samples = Math.max(0, brackets.length - 1);
  const plot = frame({
    widthPx,
    heightPx: heightPx - 20,
    headroomPx: 12,
    x: {
      label: `right answers out of ${samples}`,
      values: [],
      domain: [-0.5, samples + 0.5],
      names: brackets.map((_, c) => ({ at: c, text: String(c) })),
    },
    y: { label: 'problems', values: brackets.map(({ problems }) => problems), zero: true, round: true },
  });
  const width = Math.max(1, (plot.right - plot.left) / Math.max(1, brackets.length) - 4);
  const bars = brackets.map(({ problems, bucket }, c) => {
    if (!Number.isFinite(problems)) return '';
    const x = plot.x.at(c);
    const y = plot.y.at(problems);
    const name = `bar ${bucketColours[bucket]}`;
    const bar = element('rect', { x: x - width / 2, y, width, height: Math.abs(plot.bottom - y), class: name });
    return bar + label(x, y - 4, formatNumber(problems, 'count'), { class: 'quiet small', anchor: 'middle' });
  });
  const names = [...new Set(brackets.map(({ bucket }) => bucket))].map((bucket) => ({
    text: bucket,
    colour: bucketColours[bucket],
  }));
  return {
    widthPx,
    heightPx,
    title,
    description,
    body: plot.body + (bars.join('') || emptyNotice(plot)) + legend(names, plot.left, heightPx - 5),
    tables: [
      {
        caption: title,
        header: [`right out of ${samples}`, 'bucket', 'problems'],
        rows: brackets.map(({ problems, bucket }, c) => [String(c), bucket, formatNumber(problems, 'count')]),
      },
    ],
  };
}

/** Lengths in tokens of one set of traces at one pass rate. */
export interface LengthSpread {
  traces: number;
  medianTokens: number;
  /** Quartiles. */
  lowTokens: number;
  highTokens: number;
}

export interface CurationPoint {
  passRate: number;
  pool: LengthSpread | null;
  chosen: LengthSpread | null;
  /** L_target (METHOD §2.3), averaged over the sources of the chosen traces; null where none. */
  targetTokens: number | null;
}

/** Length against difficulty 1 − p: the pool in grey, the chosen traces in colour, the target as a line. */
export function curationChart(points: readonly CurationPoint[], options: HistogramOptions): Drawing {
  const { widthPx = 560, heightPx = 290, title, description } = options;
  const spreads = points.flatMap(({ pool, chosen }) => [pool, chosen]).filter((spread) => spread !== null);
  const plot = frame({
    widthPx,
    heightPx: heightPx - 20,
    x: { label: 'difficulty 1 − p', values: [], domain: [-0.04, 1.04], names: points.map(nameOfPoint) },
    y: {
      label: 'trace length (tokens)',
      values: [
        ...spreads.flatMap(({ medianTokens, lowTokens, highTokens }) => [medianTokens, lowTokens, highTokens]),
        ...points.map(({ targetTokens }) => targetTokens ?? NaN),
      ],
      round: true,
    },
  });
  const line = points
    .filter(({ targetTokens }) => targetTokens !== null && Number.isFinite(targetTokens))
    .map(({ passRate, targetTokens }, index) => {
      const position = `${coordinate(plot.x.at(1 - passRate))} ${coordinate(plot.y.at(targetTokens!))}`;
      return `${index === 0 ? 'M' : 'L'}${position}`;
    });
  const marks = [
    line.length > 1 ? element('path', { d: line.join(''), class: 'line dashed vermillion' }) : '',
    ...points.map(({ passRate, pool }) => spreadMark(pool, plot.x.at(1 - passRate) - 4, plot, 'neutral')),
    ...points.map(({ passRate, chosen }) => spreadMark(chosen, plot.x.at(1 - passRate) + 4, plot, 'blue')),
  ].join('');
  const names = [
    { text: 'pool: median, quartiles', colour: 'neutral' as const },
    { text: 'chosen', colour: 'blue' as const },
    ...(line.length > 1 ? [{ text: 'target length', colour: 'vermillion' as const }] : []),
  ];
  return {
    widthPx,
    heightPx,
    title,
    description,
    body: plot.body + (marks || emptyNotice(plot)) + legend(names, plot.left, heightPx - 5),
    tables: [
      {
        caption: title,
        header: ['pass rate', 'pool', 'median', 'chosen', 'median', 'target'],
        rows: points.map(({ passRate, pool, chosen, targetTokens }) => [
          formatNumber(passRate, 'share'),
          formatNumber(pool?.traces ?? 0, 'count'),
          formatNumber(pool?.medianTokens ?? NaN, 'tokens'),
          formatNumber(chosen?.traces ?? 0, 'count'),
          formatNumber(chosen?.medianTokens ?? NaN, 'tokens'),
          formatNumber(targetTokens ?? NaN, 'tokens'),
        ]),
      },
    ],
  };
}

function nameOfPoint({ passRate }: CurationPoint): { at: number; text: string } {
  return { at: 1 - passRate, text: String(Number((1 - passRate).toFixed(3))) };
}

function spreadMark(spread: LengthSpread | null, x: number, plot: Frame, colour: Colour): string {
  if (spread === null || !Number.isFinite(spread.medianTokens)) return '';
  const { lowTokens, highTokens, medianTokens } = spread;
  const whisker =
    Number.isFinite(lowTokens) && Number.isFinite(highTokens)
      ? verticalWhisker(x, plot.y.at(lowTokens), plot.y.at(highTokens), 2.5, `whisker ${colour}`)
      : '';
  return whisker + element('circle', { cx: x, cy: plot.y.at(medianTokens), r: 3.4, class: `dot ${colour}` });
}
