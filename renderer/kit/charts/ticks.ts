/**
 * Round numbers for axes, and numbers in as few characters as tell them apart.
 */

/** About `count` round values that cover a range, ends included where they are round. */
export function ticks(min: number, max: number, count = 5): number[] {
  if (!(max > min)) return Number.isFinite(min) ? [min] : [];
  const rough = (max - min) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  // Multiplying, not adding up, so that 0.3 is 0.3.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** A figure for an axis or a readout: 1.2k, 0.043, −3.1e−5. */
export function compact(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  const text =
    size >= 1e6
      ? `${trim(value / 1e6)}M`
      : size >= 1e4
        ? `${trim(value / 1e3)}k`
        : size >= 1e-3 || size === 0
          ? String(Number(value.toPrecision(4)))
          : value.toExponential(1);
  return text.replaceAll('-', '−');
}

function trim(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** A linear map from a range of values to a range of px. */
export function linear(from: readonly [number, number], to: readonly [number, number]): (value: number) => number {
  const span = from[1] - from[0];
  return (value) => (span === 0 ? (to[0] + to[1]) / 2 : to[0] + ((value - from[0]) / span) * (to[1] - to[0]));
}
