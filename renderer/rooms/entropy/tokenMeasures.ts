/**
 * What the colour of a token stands for: entropy, window entropy or probability.
 *
 * Owns: the value of each token, the range the colours span, and its cut into levels. Which colours those
 * are is kit/colour.ts.
 */
import type { Settings, Trace } from '#core/contract/contract.ts';
import { quantile } from '#core/util/statistics.ts';

export type TokenMeasure = Settings['tokenColour'];

export const measureNames: Readonly<Record<TokenMeasure, string>> = {
  entropy: 'Entropy',
  window: 'Window entropy',
  probability: 'Probability',
};

/** Steps of colour; more cannot be told apart. */
export const LEVELS = 48;
/** A token without a value, such as one whose window is incomplete. */
export const NO_LEVEL = 255;
/** The range ends here, so that a few extreme tokens do not make all others look alike. */
const TOP_QUANTILE = 0.995;
/** Ends that a legend may have, nats. */
const NICE_NATS = [0.1, 0.2, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12];

/** Values of all tokens: nats, or probabilities. NaN where there is none. */
export function measured(
  measure: TokenMeasure,
  trace: Pick<Trace, 'entropiesNats' | 'logprobs'>,
  windowMeansNats: Float64Array,
): Float32Array | Float64Array {
  switch (measure) {
    case 'entropy':
      return trace.entropiesNats;
    case 'window':
      return windowMeansNats;
    case 'probability':
      return trace.logprobs.map((logprob) => Math.exp(logprob));
  }
}

/**
 * Where the colours end: 1 for probabilities, else a round number of nats that nearly all tokens stay below.
 * @param leastNats the range does not end before this: a trace without any doubt must not look like one in doubt
 */
export function rangeEnd(measure: TokenMeasure, values: Float32Array | Float64Array, leastNats = 0): number {
  if (measure === 'probability') return 1;
  const complete = values.filter((value) => !Number.isNaN(value));
  const top = Math.max(leastNats, complete.length === 0 ? 0 : quantile(complete, TOP_QUANTILE));
  return NICE_NATS.find((nats) => nats >= top) ?? Math.ceil(top);
}

/** How far from quiet a value is, in [0, 1]: high entropy and low probability stand out. */
export function prominence(measure: TokenMeasure, value: number, end: number): number {
  const share = Math.max(0, Math.min(1, value / end));
  return measure === 'probability' ? 1 - share : share;
}

/** [tokens] level of each token, from 0 (quiet) to LEVELS − 1, or NO_LEVEL. */
export function levelsOf(measure: TokenMeasure, values: Float32Array | Float64Array, end: number): Uint8Array {
  return Uint8Array.from(values, (value) =>
    Number.isNaN(value) ? NO_LEVEL : Math.min(LEVELS - 1, Math.floor(prominence(measure, value, end) * LEVELS)),
  );
}
