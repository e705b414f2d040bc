/**
 * A whole trace in as many columns as there are pixels.
 *
 * Owns: the reduction (smallest and largest value of the tokens behind each column, so that no peak is
 * lost), and the way between tokens, nats and pixels. Drawing is Sparkline.svelte.
 */

export interface Columns {
  /** [columns] NaN where no token of the column has a value. */
  low: Float64Array;
  high: Float64Array;
}

/** @param columns at least 1; with fewer tokens than columns a token takes several */
export function reduceToColumns(values: Float32Array | Float64Array, columns: number): Columns {
  const low = new Float64Array(columns).fill(NaN);
  const high = new Float64Array(columns).fill(NaN);
  const tokens = values.length;
  if (tokens === 0) return { low, high };
  for (let c = 0; c < columns; c++) {
    const first = Math.floor((c * tokens) / columns);
    const end = Math.max(first + 1, Math.floor(((c + 1) * tokens) / columns));
    for (let t = first; t < end; t++) {
      const value = values[t]!;
      if (Number.isNaN(value)) continue;
      if (!(low[c]! <= value)) low[c] = value;
      if (!(high[c]! >= value)) high[c] = value;
    }
  }
  return { low, high };
}

export interface SparklineScale {
  widthPx: number;
  heightPx: number;
  tokens: number;
  endNats: number;
}

/** Middle of a token. */
export function tokenToX(token: number, { widthPx, tokens }: SparklineScale): number {
  return ((token + 0.5) / Math.max(1, tokens)) * widthPx;
}

export function xToToken(x: number, { widthPx, tokens }: SparklineScale): number {
  return Math.max(0, Math.min(tokens - 1, Math.floor((x / widthPx) * tokens)));
}

export function natsToY(nats: number, { heightPx, endNats }: SparklineScale): number {
  return heightPx * (1 - Math.max(0, Math.min(1, nats / endNats)));
}

export function yToNats(y: number, { heightPx, endNats }: SparklineScale): number {
  return Math.max(0, Math.min(1, 1 - y / heightPx)) * endNats;
}
