/**
 * Several arms over several groups as polygons (METHOD §5, README radar).
 *
 * Owns: the geometry, and labels that stay outside. Values share one scale from zero, so that area is not
 * made by the choice of an axis; a radar shows shapes, and its figures are in its table.
 */
import { type Quantity, formatNumber } from '#core/compare/format.ts';
import { coordinate, element } from '#core/compare/markup.ts';
import type { Drawing } from './drawing.ts';
import { label, legend, segment, shorten } from './frame.ts';
import { formatTick, linearScale } from './scale.ts';
import type { Colour } from './theme.ts';

export interface RadarArm {
  label: string;
  colour: Colour;
  /** One per axis; NaN leaves a gap. */
  values: readonly number[];
}

export interface RadarOptions {
  title: string;
  description: string;
  heading?: string;
  quantity: Quantity;
  /** Outer end of the scale; default: from the data. */
  most?: number;
  sizePx?: number;
}

const LABEL_PX = 96;
const TOP_PX = 40;
const LEGEND_PX = 26;

/** @param axes at least three: fewer span no area */
export function radarChart(axes: readonly string[], arms: readonly RadarArm[], options: RadarOptions): Drawing {
  const { sizePx = 260, title, description, heading, quantity } = options;
  const radius = sizePx / 2;
  const widthPx = sizePx + 2 * LABEL_PX;
  const [centreX, centreY] = [widthPx / 2, TOP_PX + radius];
  const scale = linearScale(
    arms.flatMap(({ values }) => [...values]),
    {
      range: [0, radius],
      ticks: 4,
      zero: true,
      round: true,
      ...(options.most === undefined ? {} : { domain: [0, options.most] as const }),
    },
  );
  const pointOf = (axis: number, distance: number): [number, number] => {
    const angle = (2 * Math.PI * axis) / axes.length - Math.PI / 2;
    return [centreX + distance * Math.cos(angle), centreY + distance * Math.sin(angle)];
  };
  // A triangle ends above the circle around it.
  const lowest = Math.max(centreY, ...axes.map((_, axis) => pointOf(axis, radius)[1]));
  const heightPx = lowest + TOP_PX + LEGEND_PX;
  const ring = (distance: number): string => polygon(axes.map((_, axis) => pointOf(axis, distance)));
  const body = [
    heading === undefined ? '' : label(0, 12, heading, { class: 'heading' }),
    ...scale.ticks
      .filter((tick) => tick > 0)
      .map((tick) => element('path', { d: ring(scale.at(tick)), class: 'ring' })),
    ...axes.map((_, axis) => segment(centreX, centreY, ...pointOf(axis, radius), 'rule')),
    ...scale.ticks
      .filter((tick) => tick > 0)
      .map((tick) =>
        label(centreX + 3, centreY - scale.at(tick) + 3, formatTick(tick, scale.step), { class: 'quiet small halo' }),
      ),
    ...axes.map((name, axis) => axisLabel(name, pointOf(axis, radius + 9), [centreX, centreY])),
    ...arms.map(({ colour, values }) => armMarks(values, (axis) => pointOf(axis, scale.at(values[axis]!)), colour)),
    legend(
      arms.map((arm) => ({ text: arm.label, colour: arm.colour })),
      0,
      heightPx - 6,
    ),
  ];
  return {
    widthPx,
    heightPx,
    title,
    description,
    body: body.join(''),
    tables: [
      {
        caption: title,
        header: ['', ...arms.map((arm) => arm.label)],
        rows: axes.map((name, axis) => [name, ...arms.map(({ values }) => formatNumber(values[axis]!, quantity))]),
      },
    ],
  };
}

function armMarks(values: readonly number[], pointOf: (axis: number) => [number, number], colour: Colour): string {
  const present = [...values.keys()].filter((axis) => Number.isFinite(values[axis]!));
  const points = present.map(pointOf);
  const dots = points.map(([cx, cy]) => element('circle', { cx, cy, r: 2.6, class: `dot ${colour}` })).join('');
  // A polygon across a missing axis would claim a value there.
  if (present.length < values.length) return dots;
  return element('path', { d: polygon(points), class: `area ${colour}` }) + dots;
}

function axisLabel(name: string, [x, y]: [number, number], [centreX, centreY]: [number, number]): string {
  const side = Math.abs(x - centreX) < 4 ? 'middle' : x > centreX ? 'start' : 'end';
  const drop = Math.abs(x - centreX) < 4 ? (y < centreY ? -2 : 10) : 4;
  return label(x, y + drop, shorten(name, LABEL_PX), { anchor: side });
}

function polygon(points: readonly (readonly [number, number])[]): string {
  return `M${points.map(([x, y]) => `${coordinate(x)} ${coordinate(y)}`).join('L')}Z`;
}
