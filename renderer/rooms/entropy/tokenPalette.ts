/**
 * Colours of tokens: a background per level of the measure, and the text colour that can be read on it.
 *
 * Owns: how a scale meets the page. Quiet tokens keep the page's own background, so that a trace reads as
 * text; what stands out goes towards the end of the scale that differs most from the page (dark on light,
 * light on dark). Scales and ink are kit/colour.ts.
 */
import { type ScaleName, inkOn, scaleRgb } from '#renderer/kit/colour.ts';
import { LEVELS } from './tokenMeasures.ts';

export type Rgb = readonly [number, number, number];

export interface Swatch {
  /** CSS colours; null leaves the page's own. */
  background: string | null;
  text: string | null;
}

/** Below this share of the scale, colours fade into the page. */
const FADE = 0.3;

export function tokenPalette(scale: ScaleName, page: Rgb): Swatch[] {
  const isDark = inkOn(page) === '#ffffff';
  return Array.from({ length: LEVELS }, (_, level): Swatch => {
    if (level === 0) return { background: null, text: null };
    const place = level / (LEVELS - 1);
    const background = mix(page, scaleRgb(scale, isDark ? place : 1 - place), Math.min(1, place / FADE));
    return { background: css(background), text: inkOn(background) };
  });
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const at = (i: 0 | 1 | 2): number => Math.round(a[i] + (b[i] - a[i]) * share);
  return [at(0), at(1), at(2)];
}

function css([red, green, blue]: Rgb): string {
  return `rgb(${red} ${green} ${blue})`;
}

/** The whole palette from quiet to loud, for a legend: a CSS background image. */
export function paletteGradient(palette: readonly Swatch[]): string {
  return `linear-gradient(to right, ${palette.map(({ background }) => background ?? 'transparent').join(', ')})`;
}

/** What getComputedStyle says of a colour, as numbers; null for one it writes otherwise. */
export function parseRgb(value: string): Rgb | null {
  const match = /^rgba?\((\d+)[, ]+(\d+)[, ]+(\d+)/.exec(value);
  return match === null ? null : [Number(match[1]), Number(match[2]), Number(match[3])];
}
