/**
 * Grouped bars with error bars (METHOD §5, Figs 1, 4b, 7, 8).
 *
 * Owns: placement of bars, whiskers and figures. Bars start at zero, always.
 */
import { type Quantity, formatInterval, formatNumber } from '#core/compare/format.ts';
import { element } from '#core/compare/markup.ts';
import type { ChartOptions, Drawing } from './drawing.ts';
import { type Frame, emptyNotice, frame, label, legend, segment, textWidth } from './frame.ts';
import type { Colour } from './theme.ts';

export interface Bar {
  label: string;
  colour: Colour;
  value: number;
  /** NaN or absent: no error bar. */
  low?: number;
  high?: number;
}

export interface BarGroup {
  label: string;
  bars: readonly Bar[];
}

export interface BarChartOptions extends ChartOptions {
  yLabel: string;
  quantity: Quantity;
}

const LEGEND_PX = 22;
/** Narrower bars carry no figure. */
const FIGURE_PX = 20;

export function barChart(groups: readonly BarGroup[], options: BarChartOptions): Drawing {
  const { widthPx = 560, heightPx = 270, heading, title, description } = options;
  const bars = groups.flatMap((group) => group.bars);
  const plot = frame({
    widthPx,
    heightPx: heightPx - LEGEND_PX,
    headroomPx: 12,
    ...(heading === undefined ? {} : { heading }),
    x: { label: '', values: [], domain: [0, Math.max(1, groups.length)], names: groups.map(nameOfGroup) },
    y: {
      label: options.yLabel,
      values: bars.flatMap(({ value, low, high }) => [value, low ?? NaN, high ?? NaN]),
      zero: true,
      round: true,
    },
  });
  const groupWidth = (plot.right - plot.left) / Math.max(1, groups.length);
  const marks = groups.map((group, index) => {
    const slot = (0.78 * groupWidth) / Math.max(1, group.bars.length);
    const start = plot.left + groupWidth * (index + 0.11);
    return group.bars.map((bar, i) => barMark(bar, start + slot * i, slot, plot, options.quantity)).join('');
  });
  const names = new Map(bars.map((bar) => [bar.label, bar.colour]));
  const entries = [...names].map(([text, colour]) => ({ text, colour }));
  return {
    widthPx,
    heightPx,
    title,
    description,
    body:
      plot.body +
      (bars.some(({ value }) => Number.isFinite(value)) ? marks.join('') : emptyNotice(plot)) +
      legend(entries, plot.left, heightPx - 6),
    tables: [
      {
        caption: heading ?? title,
        header: ['', '', options.yLabel, 'error bar'],
        rows: groups.flatMap((group) =>
          group.bars.map((bar) => [
            group.label,
            bar.label,
            formatNumber(bar.value, options.quantity),
            formatInterval(bar.low ?? NaN, bar.high ?? NaN, options.quantity),
          ]),
        ),
      },
    ],
  };
}

function nameOfGroup(group: BarGroup, index: number): { at: number; text: string } {
  return { at: index + 0.5, text: group.label };
}

function barMark(bar: Bar, x: number, slot: number, plot: Frame, quantity: Quantity): string {
  if (!Number.isFinite(bar.value)) return '';
  const zero = plot.y.at(0);
  const end = plot.y.at(bar.value);
  const width = Math.max(1, slot - 3);
  const middle = x + width / 2;
  const rect = element('rect', {
    x,
    y: Math.min(zero, end),
    width,
    height: Math.abs(zero - end),
    class: `bar ${bar.colour}`,
  });
  const { low = NaN, high = NaN } = bar;
  const hasInterval = Number.isFinite(low) && Number.isFinite(high);
  const whisker = hasInterval ? verticalWhisker(middle, plot.y.at(low), plot.y.at(high), 3, 'onBar') : '';
  const figure = formatNumber(bar.value, quantity);
  const above = Math.min(end, hasInterval ? plot.y.at(high) : end) - 4;
  const fits = width >= FIGURE_PX && textWidth(figure, 10) <= slot + 4;
  return rect + whisker + (fits ? label(middle, above, figure, { class: 'quiet small', anchor: 'middle' }) : '');
}

/** An error bar with end caps; positions in pixels. */
export function verticalWhisker(x: number, low: number, high: number, cap: number, name: string): string {
  return (
    segment(x, low, x, high, name) +
    segment(x - cap, low, x + cap, low, name) +
    segment(x - cap, high, x + cap, high, name)
  );
}
