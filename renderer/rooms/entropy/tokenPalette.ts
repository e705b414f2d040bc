/**
 * Colours of tokens: a background per level of the measure, and the text colour that can be read on it.
 *
 * Owns: how a scale meets the page. Quiet tokens keep the page's own background, so that a trace reads as
 * text; what stands out goes towards the end of the scale that differs most from the page (dark on light,
 * light on dark). Black or white text reaches 4.5:1 on any background; the better of them is taken.
 */
import { LEVELS } from './tokenMeasures.ts';

export type Rgb = readonly [number, number, number];

export interface Swatch {
  /** CSS colours; null leaves the page's own. */
  background: string | null;
  text: string | null;
}

/** Below this share of the scale, colours fade into the page. */
const FADE = 0.3;

/** @param scale colour at a place in [0, 1] of a perceptual scale, dark first, components 0 … 255 */
export function tokenPalette(scale: (place: number) => Rgb, page: Rgb): Swatch[] {
  const isDark = luminance(page) < 0.18;
  return Array.from({ length: LEVELS }, (_, level): Swatch => {
    if (level === 0) return { background: null, text: null };
    const place = level / (LEVELS - 1);
    const background = mix(page, scale(isDark ? place : 1 - place), Math.min(1, place / FADE));
    return { background: css(background), text: css(readableOn(background)) };
  });
}

const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];

export function readableOn(background: Rgb): Rgb {
  return contrast(background, BLACK) >= contrast(background, WHITE) ? BLACK : WHITE;
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const at = (i: 0 | 1 | 2): number => Math.round(a[i] + (b[i] - a[i]) * share);
  return [at(0), at(1), at(2)];
}

function css([red, green, blue]: Rgb): string {
  return `rgb(${red} ${green} ${blue})`;
}

/** Relative luminance (WCAG 2). */
export function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((component) => {
    const share = component / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Contrast ratio of two colours, 1 to 21 (WCAG 2). */
export function contrast(a: Rgb, b: Rgb): number {
  const [low, high] = [luminance(a), luminance(b)].toSorted((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** What getComputedStyle says of a colour, as numbers; null for one it writes otherwise. */
export function parseRgb(value: string): Rgb | null {
  const match = /^rgba?\((\d+)[, ]+(\d+)[, ]+(\d+)/.exec(value);
  return match === null ? null : [Number(match[1]), Number(match[2]), Number(match[3])];
}
