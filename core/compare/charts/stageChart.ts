/**
 * Accuracy and length of several arms side by side, grouped by difficulty or benchmark (METHOD §5, Figs 7–8).
 *
 * Owns: the pairs of bars. Accuracy is filled and read on the left axis, length is hatched and read on the
 * right one; both start at zero, both carry 95 % intervals. A hatch is drawn as strokes, not as a pattern:
 * patterns need document-wide ids, which would collide where several charts share a page.
 */
import { type Quantity, formatInterval, formatNumber } from '#core/compare/format.ts';
import { coordinate, element } from '#core/compare/markup.ts';
import { verticalWhisker } from './barChart.ts';
import type { Drawing } from './drawing.ts';
import { crisp, emptyNotice, frame, label, legend, segment, shorten, textWidth } from './frame.ts';
import { type Scale, formatTick, linearScale } from './scale.ts';
import type { Colour } from './theme.ts';

/** A mean with its interval; NaN where there is none. */
export interface Measured {
  value: number;
  low: number;
  high: number;
}

export interface StageGroup {
  label: string;
  /** One per arm, in the order of `arms`. */
  marks: readonly { accuracy: Measured; lengthTokens: Measured }[];
}

export interface StageChartOptions {
  title: string;
  description: string;
  widthPx?: number;
  heightPx?: number;
}

const LEGEND_PX = 22;
const RIGHT_AXIS_PX = 52;
/** Distance between the strokes of a hatch. */
const HATCH_PX = 5;
/** Narrower bars carry no figure. */
const FIGURE_PX = 21;

export function stageChart(
  arms: readonly { label: string; colour: Colour }[],
  groups: readonly StageGroup[],
  options: StageChartOptions,
): Drawing {
  const { widthPx = 940, heightPx = 330, title, description } = options;
  const marks = groups.flatMap((group) => group.marks);
  const plot = frame({
    widthPx,
    heightPx: heightPx - LEGEND_PX,
    headroomPx: 14,
    rightPx: RIGHT_AXIS_PX,
    x: { label: '', values: [], domain: [0, Math.max(1, groups.length)], names: namesOf(groups, widthPx) },
    y: { label: 'accuracy', values: [], domain: [0, 1] },
  });
  const length = linearScale(
    marks.flatMap(({ lengthTokens: { value, low, high } }) => [value, low, high]),
    { range: [plot.bottom, plot.top], ticks: plot.y.ticks.length, zero: true, round: true },
  );
  const groupWidth = (plot.right - plot.left) / Math.max(1, groups.length);
  // Accuracies, a gap of half a bar, lengths.
  const slot = (0.84 * groupWidth) / Math.max(1, 2 * arms.length + 0.5);
  const bars = groups.flatMap((group, index) => {
    const start = plot.left + groupWidth * (index + 0.08);
    const startOfLengths = start + slot * (arms.length + 0.5);
    return group.marks.flatMap(({ accuracy, lengthTokens }, arm) => {
      const { colour } = arms[arm]!;
      return [
        bar(accuracy, { x: start + slot * arm, slot, scale: plot.y, colour, quantity: 'share' }),
        bar(lengthTokens, { x: startOfLengths + slot * arm, slot, scale: length, colour, quantity: 'tokens' }),
      ];
    });
  });
  const separators = groups.slice(1).map((_, index) => {
    const x = crisp(plot.left + groupWidth * (index + 1));
    return segment(x, plot.top, x, plot.bottom, 'rule');
  });
  const hasMarks = marks.some(({ accuracy }) => Number.isFinite(accuracy.value));
  return {
    widthPx,
    heightPx,
    title,
    description,
    body:
      plot.body +
      separators.join('') +
      rightAxis(length, plot.right, plot.top) +
      (hasMarks ? bars.join('') : emptyNotice(plot)) +
      key(arms, plot.left, heightPx - 6),
    tables: [
      {
        caption: title,
        header: ['', '', 'accuracy', '95 % interval', 'length (tokens)', '95 % interval'],
        rows: groups.flatMap((group) =>
          group.marks.map(({ accuracy, lengthTokens }, arm) => [
            group.label,
            arms[arm]!.label,
            formatNumber(accuracy.value, 'share'),
            formatInterval(accuracy.low, accuracy.high, 'share'),
            formatNumber(lengthTokens.value, 'tokens'),
            formatInterval(lengthTokens.low, lengthTokens.high, 'tokens'),
          ]),
        ),
      },
    ],
  };
}

function namesOf(groups: readonly StageGroup[], widthPx: number): { at: number; text: string }[] {
  const room = widthPx / Math.max(1, groups.length) - 8;
  return groups.map((group, index) => ({ at: index + 0.5, text: shorten(group.label, room) }));
}

interface BarPlace {
  x: number;
  slot: number;
  scale: Scale;
  colour: Colour;
  quantity: Extract<Quantity, 'share' | 'tokens'>;
}

function bar({ value, low, high }: Measured, { x, slot, scale, colour, quantity }: BarPlace): string {
  if (!Number.isFinite(value)) return '';
  const zero = scale.at(0);
  const end = scale.at(value);
  const width = Math.max(1, slot - 2);
  const place = { x, y: end, width, height: Math.max(0, zero - end) };
  const hatched = quantity === 'tokens';
  const body = hatched
    ? element('rect', { ...place, class: `hatched ${colour}` }) +
      element('path', { d: hatch(x, end, width, place.height), class: `hatch ${colour}` })
    : element('rect', { ...place, class: `bar ${colour}` });
  const hasInterval = Number.isFinite(low) && Number.isFinite(high);
  const middle = x + width / 2;
  const cap = Math.min(3, width / 3);
  const whisker = hasInterval ? verticalWhisker(middle, scale.at(low), scale.at(high), cap, 'onBar') : '';
  const figure = formatNumber(value, quantity);
  const above = Math.min(end, hasInterval ? scale.at(high) : end) - 4;
  const fits = width >= FIGURE_PX && textWidth(figure, 10) <= slot + 6;
  return body + whisker + (fits ? label(middle, above, figure, { class: 'quiet small halo', anchor: 'middle' }) : '');
}

/** Strokes at 45° within a rectangle, as the data of a path. */
function hatch(x: number, y: number, width: number, height: number): string {
  const strokes: string[] = [];
  // A stroke runs along u − v = offset, from the left or bottom edge to the top or right one.
  for (let offset = HATCH_PX; offset < width + height; offset += HATCH_PX) {
    const fromX = Math.max(0, offset - height);
    const toX = Math.min(width, offset);
    const [fromY, toY] = [offset - fromX, offset - toX];
    strokes.push(`M${coordinate(x + fromX)} ${coordinate(y + fromY)}L${coordinate(x + toX)} ${coordinate(y + toY)}`);
  }
  return strokes.join('');
}

function rightAxis(scale: Scale, x: number, top: number): string {
  const ticks = scale.ticks.map((at) => {
    const y = crisp(scale.at(at));
    return segment(x, y, x + 3, y, 'axis') + label(x + 6, y + 3.5, formatTick(at, scale.step), { class: 'quiet' });
  });
  return label(x + RIGHT_AXIS_PX, top - 22, 'tokens', { class: 'quiet', anchor: 'end' }) + ticks.join('');
}

/** Arms by colour, then what filled and hatched mean. */
function key(arms: readonly { label: string; colour: Colour }[], x: number, y: number): string {
  const entries = arms.map(({ label: text, colour }) => ({ text, colour }));
  const width = entries.reduce((sum, { text }) => sum + 30 + textWidth(shorten(text, 160)), 0);
  const at = x + width + 16;
  return (
    legend(entries, x, y) +
    element('rect', { x: at, y: y - 8, width: 14, height: 9, class: 'bar neutral' }) +
    label(at + 19, y, 'accuracy', { class: 'quiet' }) +
    element('rect', { x: at + 82, y: y - 8, width: 14, height: 9, class: 'hatched neutral' }) +
    element('path', { d: hatch(at + 82, y - 8, 14, 9), class: 'hatch neutral' }) +
    label(at + 101, y, 'length', { class: 'quiet' })
  );
}
