/**
 * AdamW (Loshchilov & Hutter 2019, as in PyTorch) and gradient clipping over named tensors.
 *
 * Owns: the optimizer's state and one update. In place, element by element, in float64 between
 * float32 loads and stores. A plain loop is as fast here as a runtime session, which needs some
 * fourteen passes over memory for the same update (ENGINE §5).
 */
import type { AdamWOptions } from './api.ts';

export type NamedTensors = ReadonlyMap<string, Float32Array>;

export interface AdamWState {
  readonly options: AdamWOptions;
  /** Number of updates made. */
  step: number;
  readonly firstMoments: Map<string, Float32Array>;
  readonly secondMoments: Map<string, Float32Array>;
}

export function createAdamW(weights: NamedTensors, options: AdamWOptions): AdamWState {
  const zeros = () => new Map([...weights].map(([name, weight]) => [name, new Float32Array(weight.length)]));
  return { options, step: 0, firstMoments: zeros(), secondMoments: zeros() };
}

/** Euclidean norm over all tensors together. */
export function globalNorm(gradients: NamedTensors): number {
  let total = 0;
  for (const gradient of gradients.values()) {
    for (let i = 0; i < gradient.length; i++) total += gradient[i]! * gradient[i]!;
  }
  return Math.sqrt(total);
}

/** What gradients of this norm are multiplied by. The small constant is PyTorch's (clip_grad_norm_), kept for parity. */
export function clippingScale({ maxGradientNorm }: Pick<AdamWOptions, 'maxGradientNorm'>, norm: number): number {
  return Number.isFinite(maxGradientNorm) ? Math.min(1, maxGradientNorm / (norm + 1e-6)) : 1;
}

/** One update of the weights, in place; returns the gradient norm before clipping. */
export function adamwStep(
  state: AdamWState,
  weights: NamedTensors,
  gradients: NamedTensors,
  learningRate: number,
): number {
  const norm = globalNorm(gradients);
  const scale = clippingScale(state.options, norm);
  state.step++;
  for (const [name, weight] of weights) {
    updateTensor(
      state,
      weight,
      gradients.get(name)!,
      state.firstMoments.get(name)!,
      state.secondMoments.get(name)!,
      learningRate,
      scale,
    );
  }
  return norm;
}

function updateTensor(
  { step, options: { beta1, beta2, epsilon, weightDecay } }: AdamWState,
  weight: Float32Array,
  gradient: Float32Array,
  first: Float32Array,
  second: Float32Array,
  learningRate: number,
  scale: number,
): void {
  const stepSize = learningRate / (1 - beta1 ** step);
  const secondCorrection = 1 / Math.sqrt(1 - beta2 ** step);
  const decay = 1 - learningRate * weightDecay;
  for (let i = 0; i < weight.length; i++) {
    const g = gradient[i]! * scale;
    const m = beta1 * first[i]! + (1 - beta1) * g;
    const v = beta2 * second[i]! + (1 - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    weight[i] = weight[i]! * decay - (stepSize * m) / (Math.sqrt(v) * secondCorrection + epsilon);
  }
}
