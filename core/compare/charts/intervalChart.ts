/**
 * Dots with whiskers: one row per arm, one panel per bucket, one common scale.
 *
 * Owns: the chart by which arms are compared. Overlap of intervals is what the eye looks for here, so
 * they are drawn as lines on a common axis instead of bars from zero.
 */
import { type Quantity, formatInterval, formatNumber } from '#core/compare/format.ts';
import { element } from '#core/compare/markup.ts';
import type { Drawing } from './drawing.ts';
import { crisp, label, segment, shorten, textWidth } from './frame.ts';
import { type Scale, formatTick, linearScale } from './scale.ts';
import type { Colour } from './theme.ts';

export interface IntervalMark {
  value: number;
  low: number;
  high: number;
}

export interface IntervalRow {
  label: string;
  colour: Colour;
  /** One per panel; null where there is none. */
  marks: readonly (IntervalMark | null)[];
}

export interface IntervalChartOptions {
  title: string;
  description: string;
  xLabel: string;
  quantity: Quantity;
  panels: readonly string[];
  domain?: readonly [number, number];
  widthPx?: number;
}

const ROW_PX = 27;
const TOP_PX = 24;
const BOTTOM_PX = 36;
const GAP_PX = 22;
/** Room for the half of the last tick's label that stands out. */
const RIGHT_PX = 16;
/** Labels may take this much of the width. */
const LABEL_SHARE = 0.2;

export function intervalChart(rows: readonly IntervalRow[], options: IntervalChartOptions): Drawing {
  const { widthPx = 760, panels, title, description } = options;
  const labels = rows.map((row) => shorten(row.label, LABEL_SHARE * widthPx));
  const left = 12 + Math.max(24, ...labels.map((text) => textWidth(text)));
  const panelWidth = (widthPx - left - GAP_PX * Math.max(0, panels.length - 1) - RIGHT_PX) / Math.max(1, panels.length);
  const heightPx = TOP_PX + rows.length * ROW_PX + BOTTOM_PX;
  const values = rows.flatMap((row) => row.marks).flatMap((mark) => (mark ? [mark.value, mark.low, mark.high] : []));
  const bottom = heightPx - BOTTOM_PX + 4;
  const scaleAt = (from: number): Scale =>
    linearScale(values, {
      range: [from + 6, from + panelWidth - 6],
      ticks: Math.max(2, Math.round(panelWidth / 60)),
      round: true,
      ...(options.domain === undefined ? {} : { domain: options.domain }),
    });
  const names = labels.map((text, index) => label(0, rowY(index) + 3.5, text));
  const drawn = panels.map((panel, index) => {
    const from = left + index * (panelWidth + GAP_PX);
    const scale = scaleAt(from);
    const grid = scale.ticks.map((tick) => {
      const x = crisp(scale.at(tick));
      return (
        segment(x, TOP_PX - 4, x, bottom, 'rule') +
        label(x, bottom + 14, formatTick(tick, scale.step), { class: 'quiet', anchor: 'middle' })
      );
    });
    const marks = rows.map((row, i) =>
      drawMark(row.marks[index] ?? null, row.colour, rowY(i), scale, options.quantity),
    );
    return [label(from + 6, 12, shorten(panel, panelWidth - 6), { class: 'heading' }), ...grid, ...marks].join('');
  });
  const axisLabel = label(widthPx - RIGHT_PX - 6, heightPx - 4, options.xLabel, { class: 'quiet', anchor: 'end' });
  return {
    widthPx,
    heightPx,
    title,
    description,
    body: names.join('') + drawn.join('') + axisLabel,
    tables: [
      {
        caption: title,
        header: ['', ...panels],
        rows: rows.map((row) => [row.label, ...panels.map((_, i) => figure(row.marks[i] ?? null, options.quantity))]),
      },
    ],
  };
}

function rowY(index: number): number {
  return TOP_PX + ROW_PX * (index + 0.62);
}

function drawMark(mark: IntervalMark | null, colour: Colour, y: number, scale: Scale, quantity: Quantity): string {
  if (mark === null || !Number.isFinite(mark.value)) return '';
  const x = scale.at(mark.value);
  const hasInterval = Number.isFinite(mark.low) && Number.isFinite(mark.high);
  return (
    (hasInterval ? segment(scale.at(mark.low), y, scale.at(mark.high), y, `whisker ${colour}`) : '') +
    element('circle', { cx: x, cy: y, r: 3.6, class: `dot ${colour}` }) +
    label(x, y - 6.5, formatNumber(mark.value, quantity), { class: 'quiet small', anchor: 'middle' })
  );
}

function figure(mark: IntervalMark | null, quantity: Quantity): string {
  if (mark === null) return formatNumber(NaN, quantity);
  return `${formatNumber(mark.value, quantity)} ${formatInterval(mark.low, mark.high, quantity)}`.trim();
}
