/**
 * Advantages: of responses within their group, and of tokens within their response (METHOD §3.6,
 * §3.9, §6).
 *
 * Owns: every estimator, split into a task part and a shaping part whose sum is the published
 * advantage of the total reward:
 *
 *   A_t = A_task + m_t · A_shape + ψ_t
 *
 * m_t = 1 everywhere is the published form of the released code and the baselines. m_t = 1 on some
 * tokens only (`shapingPlacement`) follows Algorithm 1 in that entropy acts on the tokens where the
 * policy hesitates, and deviates in what is placed there: Algorithm 1 spreads S_d over the response
 * and adds its own bonus ψ inside windows, whereas here the shaping itself is placed.
 */
import { mean, sampleDeviation } from '#core/util/statistics.ts';
import type { AdvantageOptions, UniformGroupRule } from './options.ts';

/** Rewards of one group, all arrays over its responses. */
export interface GroupRewards {
  correct: readonly boolean[];
  /** Correctness and overlong penalty. */
  task: readonly number[];
  shaping: readonly number[];
  lengthsTokens: readonly number[];
}

/** Advantages over the responses of one group. */
export interface GroupAdvantages {
  task: number[];
  shaping: number[];
}

/** Whether a group keeps the advantage of its shaping (`keepShapingOnUniformGroups`). */
export function keepsShaping(correct: readonly boolean[], rule: UniformGroupRule): boolean {
  const right = correct.filter(Boolean).length;
  if (right > 0 && right < correct.length) return true;
  return rule === 'all' || (rule === 'allRight' && right > 0);
}

/**
 * Advantages of the responses of a batch.
 * @param groups all groups the estimator may see: 'reinforce++' whitens over them together
 */
export function batchAdvantages(groups: readonly GroupRewards[], options: AdvantageOptions): GroupAdvantages[] {
  const effective = groups.map((group) =>
    keepsShaping(group.correct, options.keepShapingOnUniformGroups)
      ? group
      : { ...group, shaping: group.shaping.map(() => 0) },
  );
  if (options.estimator !== 'reinforce++') return effective.map((group) => groupAdvantages(group, options));

  const total = totals(effective);
  const scale = 1 / (deviation(total, options) + options.epsilon);
  const taskMean = mean(effective.flatMap((group) => group.task));
  const shapingMean = mean(effective.flatMap((group) => group.shaping));
  return effective.map((group) => ({
    task: group.task.map((reward) => (reward - taskMean) * scale),
    shaping: group.shaping.map((reward) => (reward - shapingMean) * scale),
  }));
}

function groupAdvantages(group: GroupRewards, options: AdvantageOptions): GroupAdvantages {
  const scale = responseScale(group, options);
  return {
    task: centred(group.task).map((value, i) => value * scale(i)),
    shaping: centred(group.shaping).map((value, i) => value * scale(i)),
  };
}

/** What multiplies R_i − mean(R). */
function responseScale(group: GroupRewards, options: AdvantageOptions): (response: number) => number {
  const size = group.task.length;
  switch (options.estimator) {
    case 'grpo': {
      const scale = 1 / (deviation(totals([group]), options) + options.epsilon);
      return () => scale;
    }
    case 'rloo':
      // R_i − mean_{j≠i} R_j = (R_i − mean R)·G/(G − 1); a single response has nothing to compare with.
      return () => (size > 1 ? size / (size - 1) : 0);
    case 'alg1':
      return (i) => 1 / Math.max(1, group.lengthsTokens[i]!);
    case 'centred':
    case 'reinforce++':
      return () => 1;
  }
}

function totals(groups: readonly GroupRewards[]): number[] {
  return groups.flatMap(({ task, shaping }) => task.map((reward, i) => reward + shaping[i]!));
}

function deviation(rewards: readonly number[], options: AdvantageOptions): number {
  return Math.max(sampleDeviation(rewards), options.deviationFloor);
}

/** Values minus their mean; exactly 0 where all are equal, so that no rounding is ever amplified. */
function centred(values: readonly number[]): number[] {
  const first = values[0];
  if (values.every((value) => value === first)) return values.map(() => 0);
  const centre = mean(values);
  return values.map((value) => value - centre);
}

/**
 * Algorithm 1's token bonus ψ_t = λ·φ([H̄_t − θ]_+)·m_t − b with φ = min(x, 1) and b the mean of the
 * first term, so that Σ_t ψ_t = 0 and no response gains from being long.
 * @param windowMeansNats [tokens] NaN counts as no excess
 * @param mask [tokens] 1 inside high-entropy windows
 */
export function windowBonus(
  windowMeansNats: Float64Array,
  mask: Uint8Array,
  thetaNats: number,
  lambda: number,
): Float64Array {
  const bonus = windowMeansNats.map((value, t) => {
    const excess = value - thetaNats;
    return excess > 0 ? lambda * Math.min(excess, 1) * mask[t]! : 0;
  });
  const baseline = bonus.length === 0 ? 0 : mean(bonus);
  return bonus.map((value) => value - baseline);
}

/**
 * A_t = task + m_t·shaping + ψ_t over one response.
 * @param mask [tokens] m_t, or null for every token
 * @param bonus [tokens] ψ_t, or null
 */
export function tokenAdvantages(
  tokens: number,
  task: number,
  shaping: number,
  mask: Uint8Array | null,
  bonus: Float64Array | null,
): Float32Array {
  const advantages = new Float32Array(tokens);
  for (let t = 0; t < tokens; t++) {
    const placed = mask === null || mask[t] === 1 ? shaping : 0;
    advantages[t] = task + placed + (bonus === null ? 0 : bonus[t]!);
  }
  return advantages;
}

/** 1 on tokens whose entropy reaches the threshold: decision tokens, or the tokens the 80/20 mask trains. */
export function entropyMask(entropiesNats: Float32Array, thresholdNats: number): Uint8Array {
  return Uint8Array.from(entropiesNats, (entropy) => (entropy >= thresholdNats ? 1 : 0));
}
