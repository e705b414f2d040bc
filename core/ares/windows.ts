/**
 * Windows of tokens: mean entropy, runs of qualifying positions, masks (METHOD §1.1).
 *
 * Owns: which tokens belong to the window of a position, in both published alignments. It does not
 * know thresholds or words.
 */
import type { Numbers } from '#core/util/statistics.ts';
import type { WindowOptions } from './options.ts';

/** First token of the window of position t, relative to t. */
export function windowOffset(window: WindowOptions): number {
  return window.alignment === 'inclusive' ? 0 : 1;
}

/**
 * Mean entropy of the window of every position: H̄_{t:w} over t … t+w−1 (inclusive) or t+1 … t+w
 * (exclusive).
 * @param entropiesNats [tokens]
 * @returns [tokens]; NaN where fewer than w tokens remain, so that no comparison there is true
 */
export function windowMeans(entropiesNats: Numbers, window: WindowOptions): Float64Array {
  const tokens = entropiesNats.length;
  const offset = windowOffset(window);
  const means = new Float64Array(tokens).fill(NaN);
  for (let t = 0; t + offset + window.size <= tokens; t++) {
    let total = 0;
    for (let i = 0; i < window.size; i++) total += entropiesNats[t + offset + i]!;
    means[t] = total / window.size;
  }
  return means;
}

/**
 * The released code's variant for thresholds alone (rule T4): windows near the end, which lack
 * tokens, repeat the running mean of the complete windows before them [C vllm_rollout_spmd.py:191-197].
 * @param means output of windowMeans
 * @returns [tokens]; empty if no window is complete
 */
export function padWindowMeans(means: Float64Array): Float64Array {
  let complete = 0;
  let total = 0;
  for (const value of means) {
    if (Number.isNaN(value)) continue;
    complete++;
    total += value;
  }
  if (complete === 0) return new Float64Array(0);
  return means.map((value) => (Number.isNaN(value) ? total / complete : value));
}

/** Consecutive positions whose windows are all above a threshold, taken as one window of doubt. */
export interface HighEntropyRun {
  /** First and one past the last qualifying position. */
  start: number;
  end: number;
  /** Largest window mean minus the threshold, ≥ 0. */
  excessNats: number;
}

/** Merges consecutive positions with means ≥ threshold into runs, left to right. */
export function highEntropyRuns(means: Numbers, thresholdNats: number): HighEntropyRun[] {
  const runs: HighEntropyRun[] = [];
  let open: HighEntropyRun | undefined;
  for (let t = 0; t < means.length; t++) {
    const excessNats = means[t]! - thresholdNats;
    if (!(excessNats >= 0)) {
      open = undefined;
    } else if (open === undefined) {
      open = { start: t, end: t + 1, excessNats };
      runs.push(open);
    } else {
      open.end = t + 1;
      open.excessNats = Math.max(open.excessNats, excessNats);
    }
  }
  return runs;
}

/**
 * 1 on every token inside the window of one of the positions: the mask m_t of the token-wise KL and
 * of Algorithm 1's bonus.
 * @param positions positions whose windows are complete
 * @returns [tokens]
 */
export function windowMask(tokens: number, positions: Numbers, window: WindowOptions): Uint8Array {
  const mask = new Uint8Array(tokens);
  const offset = windowOffset(window);
  for (let i = 0; i < positions.length; i++) {
    const start = positions[i]! + offset;
    mask.fill(1, start, start + window.size);
  }
  return mask;
}
