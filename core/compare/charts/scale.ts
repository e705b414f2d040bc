/**
 * From values to pixels: linear scales with round ticks.
 *
 * Owns: arithmetic that stays finite for any finite data, however large, small or constant. Drawing
 * the ticks is frame.ts.
 */

export interface Scale {
  /** Pixel position of a value; values outside the domain stick to its ends. */
  at: (value: number) => number;
  low: number;
  high: number;
  ticks: number[];
  /** Distance between ticks, which decides how many digits they need. */
  step: number;
}

export interface ScaleOptions {
  /** Pixel positions of the low and the high end. */
  range: readonly [number, number];
  /** About how many ticks. */
  ticks: number;
  /** Extend the domain to the next half tick. */
  round?: boolean;
  /** Never extend it beyond these, which the quantity cannot exceed. */
  within?: readonly [number, number];
  /** Make zero part of the domain. */
  zero?: boolean;
  /** Use this domain whatever the data. */
  domain?: readonly [number, number];
}

/** Below this, numbers are taken for zero: their ticks could not be told apart in a double. */
const TINY = 1e-290;

/** A scale over the finite ones among `values`. */
export function linearScale(values: Iterable<number>, options: ScaleOptions): Scale {
  let [low, high] = options.domain ?? extent(values, options.zero ?? false);
  const step = roundStep(low, high, options.ticks);
  if (options.round === true) {
    const [least, most] = options.within ?? [-Infinity, Infinity];
    low = Math.max(clampFinite(Math.floor((2 * low) / step) * (step / 2)), Math.min(low, least));
    high = Math.min(clampFinite(Math.ceil((2 * high) / step) * (step / 2)), Math.max(high, most));
  }
  const [from, to] = options.range;
  // Halved throughout, because the difference of two doubles can overflow.
  const halfSpan = high / 2 - low / 2;
  const at = (value: number): number => {
    const fraction = (value / 2 - low / 2) / halfSpan;
    return from + Math.min(1, Math.max(0, fraction)) * (to - from);
  };
  const ticks: number[] = [];
  // A hair of slack, so that an end which is a tick up to rounding still gets one.
  const first = Math.ceil(low / step - 1e-6);
  const last = Math.floor(high / step + 1e-6);
  for (let i = first; i <= last; i++) ticks.push(clampFinite(i * step));
  return { at, low, high, ticks, step };
}

/** Smallest interval around the values that has a width. */
function extent(values: Iterable<number>, zero: boolean): [number, number] {
  let low = zero ? 0 : Infinity;
  let high = zero ? 0 : -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (size < TINY) return [0, 1];
  if (high / 2 - low / 2 > size * 1e-9) return [low, high];
  return [clampFinite(low - size / 2), clampFinite(high + size / 2)];
}

/** 1, 2 or 5 times a power of ten, so that about `count` steps cover the domain. */
function roundStep(low: number, high: number, count: number): number {
  const wanted = (high / 2 - low / 2) * (2 / count);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const multiple = [1, 2, 5].find((candidate) => candidate * power >= wanted * 0.999);
  return clampFinite((multiple ?? 10) * power);
}

function clampFinite(value: number): number {
  return Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, value));
}

/** A tick's label with the digits its step needs. */
export function formatTick(value: number, step: number): string {
  const text = plainTick(value, step);
  return text.replaceAll('-', '−');
}

function plainTick(value: number, step: number): string {
  if (Math.abs(value) < step * 1e-6) return '0';
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  if (decimals > 6 || Math.abs(value) >= 1e9) return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  const figure = value.toFixed(decimals);
  return Math.abs(value) < 10_000 ? figure : figure.replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}
