/**
 * The KL loss against the reference policy: estimator, per-token coefficients, controllers
 * (METHOD §3.10).
 *
 * Owns: k3, the coefficient of every token, and the two published controllers as pure steps on plain
 * JSON states. KL is a loss only, never part of the reward: inside the return it would change the
 * variance of group advantages [P App. E].
 */
import { mean } from '#core/util/statistics.ts';
import {
  type Bounds,
  type Bucket,
  type CodeKlControllerOptions,
  type KlOptions,
  type PerBucket,
  perBucket,
} from './options.ts';

/** Log-ratios are clipped to ±this, and k3 to at most K3_LIMIT [C core_algos.py:518-522]. */
const LOG_RATIO_LIMIT = 20;
const K3_LIMIT = 10;

export function clip(value: number, { low, high }: Bounds): number {
  return Math.min(high, Math.max(low, value));
}

/** k3 = exp(k) − k − 1 with k = ref − logp: an unbiased, non-negative estimate of KL(π‖π_ref), nats. */
export function k3(logprob: number, refLogprob: number): number {
  const k = clip(refLogprob - logprob, { low: -LOG_RATIO_LIMIT, high: LOG_RATIO_LIMIT });
  // Near k = 0 the difference of two nearly equal numbers may round to just below 0.
  return Math.min(K3_LIMIT, Math.max(0, Math.expm1(k) - k));
}

/** ∂k3/∂logp; 0 where a limit holds. */
export function k3Derivative(logprob: number, refLogprob: number): number {
  const k = refLogprob - logprob;
  if (Math.abs(k) > LOG_RATIO_LIMIT || Math.expm1(k) - k > K3_LIMIT) return 0;
  return -Math.expm1(k);
}

/** β_d of the code's controller and the memory it needs. */
export interface CodeKlState {
  calls: number;
  errorEma: PerBucket<number>;
  logBeta: PerBucket<number>;
}

/** State of both controllers; only the one of the chosen mode moves. */
export interface KlState {
  kappa: PerBucket<number>;
  code: CodeKlState;
}

export function initialKlState(options: KlOptions): KlState {
  return {
    kappa: perBucket(() => options.kappa),
    code: { calls: 0, errorEma: perBucket(() => 0), logBeta: perBucket(() => 0) },
  };
}

/**
 * Coefficients of k3 over one response: fixed c; c·β_d; or κ_d·β_d·ρ_t with ρ_t = ρ inside validated
 * high-entropy windows and 1 elsewhere [P eq. 1].
 * @param mask [tokens] 1 inside windows
 */
export function klCoefficients(mask: Uint8Array, bucket: Bucket, options: KlOptions, state: KlState): Float32Array {
  switch (options.mode) {
    case 'none':
      return new Float32Array(mask.length);
    case 'fixed':
      return new Float32Array(mask.length).fill(options.coefficient);
    case 'bucket':
      return new Float32Array(mask.length).fill(options.coefficient * Math.exp(state.code.logBeta[bucket]));
    case 'tokenwise': {
      const outside = state.kappa[bucket] * options.beta[bucket];
      return Float32Array.from(mask, (inside) => (inside === 1 ? outside * options.rho : outside));
    }
  }
}

/** Σ k3 of one response against the reference, nats, inside and outside high-entropy windows. */
export interface ResponseKl {
  bucket: Bucket;
  insideNats: number;
  outsideNats: number;
  insideTokens: number;
  outsideTokens: number;
}

export function responseKl(
  bucket: Bucket,
  logprobs: Float32Array,
  refLogprobs: Float32Array,
  mask: Uint8Array,
): ResponseKl {
  const result = { bucket, insideNats: 0, outsideNats: 0, insideTokens: 0, outsideTokens: 0 };
  for (let t = 0; t < logprobs.length; t++) {
    const kl = k3(logprobs[t]!, refLogprobs[t]!);
    if (mask[t] === 1) {
      result.insideNats += kl;
      result.insideTokens++;
    } else {
      result.outsideNats += kl;
      result.outsideTokens++;
    }
  }
  return result;
}

/** Mean k3 per token of a response, nats. */
export function meanKl({ insideNats, outsideNats, insideTokens, outsideTokens }: ResponseKl): number {
  return (insideNats + outsideNats) / Math.max(1, insideTokens + outsideTokens);
}

/** (1/L) Σ_t 1[m_t = 0]·kl_t: what drives κ [P Alg. 1 l.23]. The divisor is the whole length. */
export function controlKl({ outsideNats, insideTokens, outsideTokens }: ResponseKl): number {
  return outsideNats / Math.max(1, insideTokens + outsideTokens);
}

/** κ ← clip(κ·(1 + α_κ(KL/δ − 1)), κ_min, κ_max) [P eq. 27]. */
export function nextKappa(kappa: number, controlNats: number, deltaNats: number, options: KlOptions): number {
  return clip(kappa * (1 + options.kappaRate * (controlNats / deltaNats - 1)), options.kappaBounds);
}

/**
 * One call of the code's controller [C dp_actor.py:61-124]: it looks at every n-th call only, at
 * that response's bucket alone. Relative errors inside the dead zone enter the average as 0
 * (interpretation).
 */
export function codeKlStep(
  state: CodeKlState,
  bucket: Bucket,
  meanNats: number,
  options: CodeKlControllerOptions,
): CodeKlState {
  const calls = state.calls + 1;
  if (calls % options.everyCalls !== 0) return { ...state, calls };
  const relative = meanNats / options.targetNats - 1;
  const error = Math.abs(relative) < options.deadZone ? 0 : relative;
  const average = options.emaFactor * state.errorEma[bucket] + (1 - options.emaFactor) * error;
  const step = options.step * clip(average, { low: -options.errorLimit, high: options.errorLimit });
  const bounds = { low: Math.log(options.bounds.low), high: Math.log(options.bounds.high) };
  return {
    calls,
    errorEma: { ...state.errorEma, [bucket]: average },
    logBeta: { ...state.logBeta, [bucket]: clip(state.logBeta[bucket] + step, bounds) },
  };
}

/** The controllers' state after a batch. */
export function nextKlState(state: KlState, responses: readonly ResponseKl[], options: KlOptions): KlState {
  if (options.mode === 'bucket') {
    let code = state.code;
    for (const response of responses) {
      code = codeKlStep(code, response.bucket, meanKl(response), options.codeController);
    }
    return { ...state, code };
  }
  if (options.mode !== 'tokenwise') return state;
  const kappa = perBucket((bucket) => {
    const own = responses.filter((response) => response.bucket === bucket);
    if (own.length === 0) return state.kappa[bucket];
    const controlNats = mean(own.map(controlKl));
    return nextKappa(state.kappa[bucket], controlNats, options.deltaNats[bucket], options);
  });
  return { ...state, kappa };
}
