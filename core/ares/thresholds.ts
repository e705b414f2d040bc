/**
 * When is entropy high: the published threshold rules T1–T5 and the reconciled one (METHOD §1.5).
 *
 * Owns: how a threshold θ is measured on a batch, how it is carried from batch to batch (a plain
 * JSON state), and which value counts in which batch. It does not count.
 *
 *   rule   entropies   quantile per   combined by     applied to
 *   T1     tokens      response       mean            the same batch          [P §3.2.1]
 *   T2     tokens      response       mean per group  the same group          [P Alg. 1 l.6-7]
 *   T3     tokens      batch          –               the same batch          [P App. H]
 *   T4     windows     response       median, EMA     the next batch          [C vllm_rollout_spmd.py:159-207]
 *   T5     = T4, but −1 until bootstrapped by a validation batch              [C ray_trainer.py:214, 483]
 *   ares   windows     response       mean, EMA       the next batch          [§3.15]
 *
 * Interpretation: the first batch of T4 and 'ares' has no earlier one and counts with its own value.
 * T4 and T5 pad incomplete windows as the code does; 'ares' leaves them out.
 */
import { mean, median, quantile } from '#core/util/statistics.ts';
import type { ThresholdOptions, ThresholdRule } from './options.ts';
import { padWindowMeans } from './windows.ts';

/** What counts when no threshold can be measured: no response is as long as a window [C :310]. */
export const FALLBACK_NATS = 1.5;
/** The code's threshold before its first validation: every trigger word counts (bug B9). */
export const UNBOOTSTRAPPED_NATS = -1;

/** Entropies of one response, nats: single tokens, and their windows (NaN where incomplete). */
export interface ResponseEntropies {
  entropiesNats: Float32Array;
  windowMeansNats: Float64Array;
}

/** The threshold the next batch starts from; null before the first. */
export interface ThresholdState {
  thetaNats: number | null;
}

interface RuleSemantics {
  signal: 'token' | 'window' | 'paddedWindow';
  pool: 'response' | 'group' | 'batch';
  combine: (values: readonly number[]) => number;
  /** Whether θ is a moving average that counts from the next batch on. */
  lagged: boolean;
}

const ruleSemantics: Readonly<Record<ThresholdRule, RuleSemantics>> = {
  T1: { signal: 'token', pool: 'response', combine: mean, lagged: false },
  T2: { signal: 'token', pool: 'group', combine: mean, lagged: false },
  T3: { signal: 'token', pool: 'batch', combine: mean, lagged: false },
  T4: { signal: 'paddedWindow', pool: 'response', combine: median, lagged: true },
  T5: { signal: 'paddedWindow', pool: 'response', combine: median, lagged: true },
  ares: { signal: 'window', pool: 'response', combine: mean, lagged: true },
};

function signalOf(response: ResponseEntropies, signal: RuleSemantics['signal']): Float32Array | Float64Array {
  switch (signal) {
    case 'token':
      return response.entropiesNats;
    case 'window':
      return response.windowMeansNats.filter((value) => !Number.isNaN(value));
    case 'paddedWindow':
      return padWindowMeans(response.windowMeansNats);
  }
}

/** Quantile of every response that has any value. */
function responseQuantiles(options: ThresholdOptions, responses: readonly ResponseEntropies[]): number[] {
  const { signal } = ruleSemantics[options.rule];
  return responses
    .map((response) => quantile(signalOf(response, signal), options.quantile))
    .filter((value) => !Number.isNaN(value));
}

/**
 * The rule's value over some responses, without any memory; NaN when none is long enough.
 * For T2 pass one group.
 */
export function measureThreshold(options: ThresholdOptions, responses: readonly ResponseEntropies[]): number {
  const { signal, pool, combine } = ruleSemantics[options.rule];
  if (pool !== 'batch') return combine(responseQuantiles(options, responses));
  const parts = responses.map((response) => signalOf(response, signal));
  const pooled = new Float64Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    pooled.set(part, offset);
    offset += part.length;
  }
  return quantile(pooled, options.quantile);
}

export interface BatchThresholds {
  /** [groups] The threshold each group counts with, nats, `scale` included. */
  groupNats: number[];
  /** The rule's own value on this batch; NaN when nothing could be measured. */
  measuredNats: number;
  next: ThresholdState;
}

/**
 * Thresholds of a batch and the state after it.
 * @param groups responses of one problem each
 */
export function batchThresholds(
  options: ThresholdOptions,
  state: ThresholdState,
  groups: readonly (readonly ResponseEntropies[])[],
): BatchThresholds {
  const { pool, lagged } = ruleSemantics[options.rule];
  const measured = measureThreshold(options, groups.flat());
  const known = Number.isNaN(measured) ? state.thetaNats : measured;
  const effective = (thetaNats: number | null): number => (thetaNats ?? FALLBACK_NATS) * options.scale;

  if (!lagged) {
    const own = (group: readonly ResponseEntropies[]): number | null => {
      const value = pool === 'group' ? measureThreshold(options, group) : measured;
      return Number.isNaN(value) ? known : value;
    };
    return {
      groupNats: groups.map((group) => effective(own(group))),
      measuredNats: measured,
      next: { thetaNats: known },
    };
  }

  const past = state.thetaNats;
  const current = past ?? (options.rule === 'T5' ? UNBOOTSTRAPPED_NATS : known);
  const { emaFactor } = options;
  const next = past === null || Number.isNaN(measured) ? known : emaFactor * past + (1 - emaFactor) * measured;
  return { groupNats: groups.map(() => effective(current)), measuredNats: measured, next: { thetaNats: next } };
}

/** T5: the state after a validation batch, the mean of its per-response quantiles. */
export function bootstrapThreshold(options: ThresholdOptions, responses: readonly ResponseEntropies[]): ThresholdState {
  const values = responseQuantiles(options, responses);
  return { thetaNats: values.length === 0 ? null : mean(values) };
}

/** The threshold at which rollouts may fork, from the batches before; null before the first (§3.3). */
export function forkThreshold(options: ThresholdOptions, state: ThresholdState): number | null {
  return state.thetaNats === null ? null : state.thetaNats * options.scale;
}
