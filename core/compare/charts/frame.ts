/**
 * Axes, grid and labels around a plot.
 *
 * Owns: margins, ticks, the text of axes, and labels that make room for each other. What is drawn
 * inside is the charts' business.
 */
import { element, escapeMarkup } from '#core/compare/markup.ts';
import { type Scale, type ScaleOptions, formatTick, linearScale } from './scale.ts';
import type { Colour } from './theme.ts';

export interface Axis {
  label: string;
  values: Iterable<number>;
  zero?: boolean;
  round?: boolean;
  within?: readonly [number, number];
  domain?: readonly [number, number];
  /** Named positions in place of round ticks. */
  names?: readonly { at: number; text: string }[];
}

export interface FrameOptions {
  widthPx: number;
  heightPx: number;
  heading?: string;
  x: Axis;
  y: Axis;
  /** Room to the right of the plot, for labels. */
  rightPx?: number;
  /** Room between the ends of the x axis and the data, for marks with a width. */
  insetPx?: number;
  /** Room above the plot, for figures on top of marks. */
  headroomPx?: number;
}

export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
  x: Scale;
  y: Scale;
  body: string;
}

/** About how wide a text of 11 px is; fonts differ, so callers leave some room. */
export function textWidth(text: string, sizePx = 11): number {
  return [...text].length * sizePx * 0.6;
}

/** A label cut to about a width, with an ellipsis; the whole text is in the chart's table. */
export function shorten(text: string, maxPx: number): string {
  const characters = [...text];
  const most = Math.max(1, Math.floor(maxPx / textWidth('0')));
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`;
}

export interface TextOptions {
  class?: string;
  anchor?: 'start' | 'middle' | 'end';
}

export function label(x: number, y: number, text: string, { class: name, anchor }: TextOptions = {}): string {
  return element('text', { x, y, class: name, 'text-anchor': anchor }, escapeMarkup(text));
}

export function segment(x1: number, y1: number, x2: number, y2: number, name: string): string {
  return element('line', { x1, y1, x2, y2, class: name });
}

export function frame(options: FrameOptions): Frame {
  const { widthPx, heightPx, heading } = options;
  const top = (heading === undefined ? 4 : 22) + (options.y.label === '' ? 4 : 16) + (options.headroomPx ?? 0);
  const bottom = heightPx - (options.x.label === '' ? 20 : 34);
  const y = scaleOf(options.y, { range: [bottom, top], ticks: Math.max(2, Math.round((bottom - top) / 34)) });
  const yNames = options.y.names ?? y.ticks.map((at) => ({ at, text: formatTick(at, y.step) }));
  const left = 8 + Math.max(14, ...yNames.map(({ text }) => textWidth(text)));
  const right = widthPx - (options.rightPx ?? 10);
  const { insetPx = 0 } = options;
  const x = scaleOf(options.x, {
    range: [left + insetPx, right - insetPx],
    ticks: Math.max(2, Math.round((right - left) / 75)),
  });
  const xNames = options.x.names ?? x.ticks.map((at) => ({ at, text: formatTick(at, x.step) }));
  const body = [
    heading === undefined ? '' : label(0, 12, heading, { class: 'heading' }),
    options.y.label === '' ? '' : label(0, top - 8 - (options.headroomPx ?? 0), options.y.label, { class: 'quiet' }),
    ...yNames.map(({ at, text }) => {
      const position = crisp(y.at(at));
      return (
        segment(left, position, right, position, 'rule') +
        label(left - 5, position + 3.5, text, { class: 'quiet', anchor: 'end' })
      );
    }),
    segment(left, crisp(bottom), right, crisp(bottom), 'axis'),
    ...xNames.map(({ at, text }) => label(x.at(at), bottom + 14, text, { class: 'quiet', anchor: 'middle' })),
    ...xNames.map(({ at }) => segment(crisp(x.at(at)), bottom, crisp(x.at(at)), bottom + 3, 'axis')),
    options.x.label === '' ? '' : label(right, bottom + 29, options.x.label, { class: 'quiet', anchor: 'end' }),
  ];
  return { left, right, top, bottom, x, y, body: body.join('') };
}

function scaleOf(axis: Axis, options: ScaleOptions): Scale {
  return linearScale(axis.values, {
    ...options,
    ...(axis.zero === undefined ? {} : { zero: axis.zero }),
    ...(axis.round === undefined ? {} : { round: axis.round }),
    ...(axis.within === undefined ? {} : { within: axis.within }),
    ...(axis.domain === undefined ? {} : { domain: axis.domain }),
  });
}

/** The middle of a device pixel, where a one-pixel line is sharp. */
export function crisp(position: number): number {
  return Math.round(position) + 0.5;
}

export interface EndLabel {
  text: string;
  colour: Colour;
  /** Where the labelled line ends. */
  x: number;
  y: number;
}

const LINE_HEIGHT = 13;

/** Labels in a column at `x`, as near to their lines' ends as they fit without touching. */
export function endLabels(labels: readonly EndLabel[], x: number, top: number, bottom: number): string {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  const spacing = Math.min(LINE_HEIGHT, (bottom - top) / Math.max(1, sorted.length - 1));
  const places = sorted.map(({ y }) => y);
  for (let i = 1; i < places.length; i++) places[i] = Math.max(places[i]!, places[i - 1]! + spacing);
  let limit = bottom;
  for (let i = places.length - 1; i >= 0; i--) {
    places[i] = Math.min(places[i]!, limit);
    limit = places[i]! - spacing;
  }
  return sorted
    .map((entry, index) => {
      const y = places[index]!;
      const leader = `M${entry.x.toFixed(1)} ${entry.y.toFixed(1)}L${(x - 4).toFixed(1)} ${y.toFixed(1)}`;
      return (
        element('path', { d: leader, class: 'leader' }) +
        element('circle', { cx: entry.x, cy: entry.y, r: 2.4, class: `dot ${entry.colour}` }) +
        label(x, y + 3.5, entry.text)
      );
    })
    .join('');
}

const LEGEND_TEXT_PX = 160;

/** A row of swatches with names, for charts whose marks leave no room for direct labels. */
export function legend(entries: readonly { text: string; colour: Colour }[], x: number, y: number): string {
  let next = x;
  return entries
    .map(({ text: whole, colour }) => {
      const text = shorten(whole, LEGEND_TEXT_PX);
      const at = next;
      next += 14 + textWidth(text) + 16;
      return (
        element('rect', { x: at, y: y - 8, width: 9, height: 9, class: `bar ${colour}` }) + label(at + 14, y, text)
      );
    })
    .join('');
}

/** Stands in for marks where there is nothing to draw. */
export function emptyNotice({ left, right, top, bottom }: Frame): string {
  return label((left + right) / 2, (top + bottom) / 2, 'no data', { class: 'quiet', anchor: 'middle' });
}
