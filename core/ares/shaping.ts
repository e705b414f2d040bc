/**
 * Entropy shaping of a single response: the code's Huber and sigmoid reward in all its versions, and
 * the main text's penalty (METHOD §3.5, §3.7).
 *
 * Owns: the formulas, as functions of (bucket, correctness, N_HE, target, α or λ). Composition with
 * the other parts of the reward is rewards.ts; α and λ are moved by controllers.ts.
 */
import type { Bucket, LambdaForm, RewardOptions } from './options.ts';

export interface ShapingInput {
  bucket: Bucket;
  correct: boolean;
  /** N_HE of the response. */
  count: number;
  /** N_target of its group. */
  target: number;
  /** α of its bucket. */
  alpha: number;
}

/** Quadratic up to κ, then linear with slope 1; 0 for x ≤ 0. */
export function huber(x: number, kappa: number): number {
  if (x <= 0) return 0;
  return x <= kappa ? (x * x) / (2 * kappa) : x - kappa / 2;
}

export function sigmoid(x: number, temperature: number): number {
  return 1 / (1 + Math.exp(-x / temperature));
}

/** 2σ(x) − 1: zero at zero, so that a wrong answer without any excess gains nothing. */
function zeroBasedSigmoid(x: number, temperature: number): number {
  return Math.tanh(x / (2 * temperature));
}

/** What drives the gain of wrong answers: excess over the target (final code), or lack (v3). */
type WrongDrive = 'excess' | 'lack';

interface HuberSigmoidForm {
  squash: (x: number, temperature: number) => number;
  wrongDrive: WrongDrive;
}

const forms = {
  /** The released function, §3.7. */
  code: { squash: sigmoid, wrongDrive: 'excess' },
  /** The same with a sigmoid that starts at zero, §3.15. */
  ares: { squash: zeroBasedSigmoid, wrongDrive: 'excess' },
  /** The version before the final "flip". */
  v3: { squash: sigmoid, wrongDrive: 'lack' },
} as const satisfies Record<string, HuberSigmoidForm>;

/**
 * Entropy score of §3.7. Range for α: easy [−α, 0.6α], medium [−α, 0.8α], hard [−1.2α, 1.2α] with
 * METHOD's factors.
 */
export function huberSigmoidShaping(form: keyof typeof forms, input: ShapingInput, options: RewardOptions): number {
  const { bucket, correct, count, target, alpha } = input;
  const { squash, wrongDrive } = forms[form];
  const cap = alpha * options.capFactor[bucket];
  const kappa = options.kappa[bucket] * options.scale;
  const temperature = options.temperature[bucket] * options.scale;
  const margin = Math.max(options.marginFloor, options.marginFraction[bucket] * target);
  const delta = count - target;

  if (!correct) {
    const drive = wrongDrive === 'excess' ? delta - margin : -delta - margin;
    return options.wrongFactor[bucket] * cap * squash(Math.max(drive, 0), temperature);
  }
  if (bucket === 'hard') {
    if (delta >= -margin) return cap * squash(delta + margin, temperature);
    return -Math.min(cap, (0.5 * cap * huber(-delta - margin, kappa)) / (margin + kappa));
  }
  const excess = bucket === 'easy' ? delta : Math.abs(delta);
  // + 0 turns the −0 of an untouched response into 0.
  return -Math.min(cap, (cap * huber(excess - margin, kappa)) / (margin + kappa)) + 0;
}

/** Version 1 of the code: ±α by which side of the target the count is on. */
export function binaryShaping({ bucket, correct, count, target, alpha }: ShapingInput): number {
  const within = count <= target;
  if (bucket === 'hard') {
    if (correct) return alpha;
    return within ? -alpha : 0;
  }
  return correct && within ? alpha : 0;
}

/**
 * Version 2: version 1 with its steps at the target made smooth. Interpretation: each condition
 * "count ≤ target" becomes σ((target − count)/T), and hard-correct, unconditional in version 1,
 * grows with σ((count − target)/T).
 */
export function sigmoidShaping(input: ShapingInput, options: RewardOptions): number {
  const { bucket, correct, count, target, alpha } = input;
  const temperature = options.temperature[bucket] * options.scale;
  const below = sigmoid(target - count, temperature);
  if (bucket === 'hard') return alpha * (correct ? 1 - below : -below);
  return correct ? alpha * below : 0;
}

/**
 * λ_d of the main text: max(0, (E[N_HE] − N_target)/(Var[N_HE] + ε)), as printed or with the sign
 * that each bucket's penalty needs (§3.5). 0 when the target is the batch mean itself.
 */
export function closedFormLambda(
  form: LambdaForm,
  bucket: Bucket,
  batchMean: number,
  batchVariance: number,
  target: number,
  epsilon: number,
): number {
  const difference = batchMean - target;
  const directed = { easy: difference, medium: Math.abs(difference), hard: -difference };
  return Math.max(0, (form === 'printed' ? difference : directed[bucket]) / (batchVariance + epsilon));
}

/** −1[wrong]·λ_d·g_d(Δ) of the main text (§3.5). */
export function mainPenalty(input: Omit<ShapingInput, 'alpha'>, lambda: number): number {
  if (input.correct) return 0;
  const delta = input.count - input.target;
  const deviation = { easy: Math.max(0, delta), medium: Math.abs(delta), hard: Math.max(0, -delta) };
  return -lambda * deviation[input.bucket] + 0;
}
