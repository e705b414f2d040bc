/**
 * Scales that turn a measurement into a colour, and colours as canvas wants them.
 *
 * Owns: viridis, cividis and magma as 16 samples each (public domain, by the matplotlib developers and
 * Nuñez et al. 2018), and reading tokens.css from script. Buckets and verdicts are in tokens.css.
 */

export const scaleNames = ['viridis', 'cividis', 'magma'] as const;
export type ScaleName = (typeof scaleNames)[number];

const samples: Record<ScaleName, string> = {
  viridis:
    '440154 481a6c 472f7d 414487 39568c 31688e 2a788e 23888e 1f988b 22a884 35b779 54c568 7ad151 a5db36 d2e21b fde725',
  cividis:
    '00224e 002f6f 2a3f6d 3c4d6e 4c5b6f 5b6970 697771 788778 87958b 98a489 a9b47c bbc46e cfd35f e1dd50 f1e345 fee838',
  magma:
    '000004 0c0926 221150 400f74 5f187f 7b2382 982d80 b73779 d3436e eb5760 f8765c fd9a6a febb81 fed89a fcecae fcfdbf',
};
const tables: Record<ScaleName, readonly (readonly [number, number, number])[]> = {
  viridis: parse(samples.viridis),
  cividis: parse(samples.cividis),
  magma: parse(samples.magma),
};

function parse(list: string): [number, number, number][] {
  return list.split(' ').map((hex) => {
    const value = Number.parseInt(hex, 16);
    return [value >> 16, (value >> 8) & 255, value & 255];
  });
}

/** Red, green, blue (0–255) at a place of a scale, 0 to 1; what lies outside is clamped, NaN is 0. */
export function scaleRgb(scale: ScaleName, share: number): [number, number, number] {
  const table = tables[scale];
  const place = Math.min(Math.max(share || 0, 0), 1) * (table.length - 1);
  const index = Math.min(Math.floor(place), table.length - 2);
  const part = place - index;
  const low = table[index]!;
  const high = table[index + 1]!;
  return [0, 1, 2].map((i) => Math.round(low[i]! + part * (high[i]! - low[i]!))) as [number, number, number];
}

export function scaleColour(scale: ScaleName, share: number): string {
  return `rgb(${scaleRgb(scale, share).join(' ')})`;
}

/** A gradient of the whole scale, for legends: a CSS background image. */
export function scaleGradient(scale: ScaleName): string {
  return `linear-gradient(to right, ${samples[scale]
    .split(' ')
    .map((hex) => `#${hex}`)
    .join(', ')})`;
}

/** Black or white, whichever reads better on a colour of a scale (relative luminance of WCAG 2). */
export function inkOn([red, green, blue]: readonly [number, number, number]): '#000000' | '#ffffff' {
  const linear = (channel: number) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  // Where the contrast with black and with white is the same.
  return luminance > 0.179 ? '#000000' : '#ffffff';
}

/** The colours of series in the order in which they are given out. */
export const seriesTokens = [
  '--series-1',
  '--series-2',
  '--series-3',
  '--series-4',
  '--series-5',
  '--series-6',
] as const;

export function seriesColour(index: number): string {
  return `var(${seriesTokens[index % seriesTokens.length]!})`;
}

/**
 * A CSS colour, custom properties and light-dark() included, as a canvas can use it: resolved where
 * `element` stands.
 */
export function resolveColour(element: HTMLElement, colour: string): string {
  const before = element.style.color;
  element.style.color = colour;
  const resolved = getComputedStyle(element).color;
  element.style.color = before;
  return resolved;
}
