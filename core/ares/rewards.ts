/**
 * The reward of a response, by parts (METHOD §3.5–§3.8, §6).
 *
 * Owns: which formula each mode uses, and the separation into task reward (correctness, overlong
 * penalty) and shaping, which the advantage and the app need apart. Format never enters: it is
 * logged elsewhere, as in the released code.
 */
import type { PerBucket, RewardOptions } from './options.ts';
import { overlongPenalty, shortnessBonus } from './lengthRewards.ts';
import { type ShapingInput, binaryShaping, huberSigmoidShaping, mainPenalty, sigmoidShaping } from './shaping.ts';

export interface RewardInput extends ShapingInput {
  lengthTokens: number;
  /** Σ (H̄ − θ) over counted positions, nats. */
  softCostNats: number;
}

/** What the formulas need beyond the response itself. */
export interface RewardContext {
  /** λ_d: of this batch in mode 'main', from dual ascent on earlier batches in mode 'alg1'. */
  lambda: PerBucket<number>;
  /** Length limits of mode 'laser', tokens. */
  lengthTargetTokens: PerBucket<number>;
  /** Token limit of the rollouts. */
  limitTokens: number;
}

export interface RewardParts {
  /** 1 or 0. */
  accuracy: number;
  /** DAPO's penalty, in [−1, 0]. */
  overlong: number;
  /** Everything the mode adds. */
  shaping: number;
  /** accuracy + overlong + shaping */
  total: number;
}

/** The reward of one response. */
export function rewardOf(input: RewardInput, context: RewardContext, options: RewardOptions): RewardParts {
  const accuracy = input.correct ? 1 : 0;
  const bufferTokens = options.overlongBufferFraction * context.limitTokens;
  const overlong = overlongPenalty(input.lengthTokens, context.limitTokens, bufferTokens);
  const shaping = shapingOf(input, context, options);
  return { accuracy, overlong, shaping, total: accuracy + overlong + shaping };
}

function shapingOf(input: RewardInput, context: RewardContext, options: RewardOptions): number {
  switch (options.mode) {
    case 'accuracy':
      return 0;
    case 'main':
      return mainPenalty(input, context.lambda[input.bucket]);
    case 'alg1': {
      // S_d − λ_d·C_ent/Z with Z the number of high-entropy tokens.
      const cost = input.softCostNats / Math.max(1, input.count);
      return huberSigmoidShaping('code', input, options) - context.lambda[input.bucket] * cost;
    }
    case 'code':
    case 'ares':
    case 'v3':
      return huberSigmoidShaping(options.mode, input, options);
    case 'v1':
      return binaryShaping(input);
    case 'v2':
      return sigmoidShaping(input, options);
    case 'laser': {
      const target = context.lengthTargetTokens[input.bucket];
      return shortnessBonus(input.correct, input.lengthTokens, target, options.laserBonus);
    }
  }
}
