/**
 * What a threshold makes of a trace: high-entropy windows, valid and invalid trigger words, N_HE.
 *
 * Owns: the view of one trace under one threshold, computed anew while the threshold is dragged, and the
 * way from one window or trigger to the next. The formulas are the method's (core/ares), those the run
 * counted with.
 */
import { type HighEntropyCount, countHighEntropy } from '#core/ares/counts.ts';
import { highEntropyRuns, windowMask, windowMeans, windowOffset } from '#core/ares/windows.ts';
import type { Trace } from '#core/contract/contract.ts';
import { quantile } from '#core/util/statistics.ts';

/** What a token is to the trigger vocabulary; 'undecided' where its window is incomplete. */
export const triggerStates = ['none', 'valid', 'invalid', 'undecided'] as const;

/** Consecutive tokens inside windows above the threshold. */
export interface TokenWindow {
  /** First token, and one past the last. */
  start: number;
  end: number;
  /** Largest window mean minus the threshold, nats. */
  excessNats: number;
}

export interface Judgement {
  thresholdNats: number;
  count: HighEntropyCount;
  /** Left to right; those that overlap are one. */
  windows: TokenWindow[];
  /** [tokens] 1 inside a window. */
  inWindow: Uint8Array;
  /** [tokens] index into triggerStates. */
  triggers: Uint8Array;
}

export type Judged = Pick<Trace, 'entropiesNats' | 'triggers' | 'window' | 'count'>;

/** [tokens] H̄ as the run's recipe defines windows; NaN where one is incomplete. */
export function meansOf({ entropiesNats, window }: Pick<Trace, 'entropiesNats' | 'window'>): Float64Array {
  return windowMeans(entropiesNats, window);
}

/** @param means as meansOf gives them, which do not depend on the threshold */
export function judge(trace: Judged, means: Float64Array, thresholdNats: number): Judgement {
  const { entropiesNats, window, count } = trace;
  const tokens = entropiesNats.length;
  const runs = highEntropyRuns(means, thresholdNats);
  const offset = windowOffset(window);
  const windows: TokenWindow[] = [];
  for (const { start, end, excessNats } of runs) {
    const first = start + offset;
    const last = end - 1 + offset + window.size;
    const previous = windows.at(-1);
    if (previous !== undefined && first <= previous.end) {
      previous.end = last;
      previous.excessNats = Math.max(previous.excessNats, excessNats);
    } else {
      windows.push({ start: first, end: last, excessNats });
    }
  }
  const positions = runs.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i));
  const values = count.definition === 'B' ? entropiesNats : means;
  return {
    thresholdNats,
    count: countHighEntropy(count.definition, { entropiesNats, windowMeansNats: means }, trace.triggers, thresholdNats),
    windows,
    inWindow: windowMask(tokens, positions, window),
    triggers: Uint8Array.from(trace.triggers, (isTrigger, t) => {
      if (isTrigger === 0) return 0;
      const value = values[t]!;
      return Number.isNaN(value) ? 3 : value >= thresholdNats ? 1 : 2;
    }),
  };
}

/** A threshold of this trace alone, where the run has none: the recipe's quantile of the complete windows. */
export function ownThreshold(means: Float64Array, q: number): number {
  const complete = means.filter((value) => !Number.isNaN(value));
  return complete.length === 0 ? 0 : quantile(complete, q);
}

/** First token of the next window after a position, or of the one before it; null when there is none. */
export function neighbouringWindow(
  windows: readonly TokenWindow[],
  position: number,
  direction: 1 | -1,
): number | null {
  const starts = windows.map(({ start }) => start);
  return neighbour(starts, position, direction);
}

/** The same for trigger words, whatever became of them. */
export function neighbouringTrigger(triggers: Uint8Array, position: number, direction: 1 | -1): number | null {
  for (let t = position + direction; t >= 0 && t < triggers.length; t += direction) if (triggers[t] !== 0) return t;
  return null;
}

function neighbour(sorted: readonly number[], position: number, direction: 1 | -1): number | null {
  const found = direction === 1 ? sorted.find((each) => each > position) : sorted.findLast((each) => each < position);
  return found ?? null;
}

/** The conditions of N_HE in words, by definition. */
export const countSentences = {
  A: 'tokens whose window reaches the threshold',
  B: 'trigger words whose own entropy reaches the threshold',
  C: 'trigger words whose window reaches the threshold',
  D: 'tokens whose window reaches the threshold',
} as const;
