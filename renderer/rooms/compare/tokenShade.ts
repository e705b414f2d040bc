/**
 * The colour behind a token by its entropy, for both themes at once.
 *
 * Owns: how a scale meets the page. Quiet tokens keep the page's own background; loud ones go towards the
 * end of the scale that differs most from it: dark on light, light on dark.
 */
import { type ScaleName, inkOn, scaleRgb } from '#renderer/kit/colour.ts';

export interface Shade {
  /** CSS colours; null leaves the page's own. */
  background: string | null;
  text: string | null;
}

const LEVELS = 12;
/** Below this share of the scale, colours fade into the page. */
const FADE = 0.3;
const PAGES = { light: [251, 251, 252], dark: [19, 21, 24] } as const;

type Rgb = readonly [number, number, number];

/** One shade per level, quiet first. */
export function shadesOf(scale: ScaleName): Shade[] {
  return Array.from({ length: LEVELS }, (_, level): Shade => {
    if (level === 0) return { background: null, text: null };
    const place = level / (LEVELS - 1);
    const [light, dark] = [
      colourOn(PAGES.light, scaleRgb(scale, 1 - place), place),
      colourOn(PAGES.dark, scaleRgb(scale, place), place),
    ];
    return { background: `light-dark(${css(light)},${css(dark)})`, text: `light-dark(${inkOn(light)},${inkOn(dark)})` };
  });
}

/** All shades from quiet to loud, for a legend: a CSS background image. */
export function gradientOf(shades: readonly Shade[]): string {
  return `linear-gradient(to right, ${shades.map(({ background }) => background ?? 'transparent').join(', ')})`;
}

/** The level of an entropy, given the one at which the colours end; 0 for what was not measured. */
export function levelOf(entropyNats: number, endNats: number): number {
  const share = Math.min(1, Math.max(0, entropyNats / endNats));
  return Number.isNaN(share) ? 0 : Math.min(LEVELS - 1, Math.floor(share * LEVELS));
}

function colourOn(page: Rgb, colour: Rgb, place: number): Rgb {
  const share = Math.min(1, place / FADE);
  const at = (i: 0 | 1 | 2): number => Math.round(page[i] + (colour[i] - page[i]) * share);
  return [at(0), at(1), at(2)];
}

function css([red, green, blue]: Rgb): string {
  return `rgb(${red} ${green} ${blue})`;
}
