/**
 * What a batch of rollouts is worth: counts, buckets, targets, rewards, kept groups, advantages of
 * responses (METHOD §3.1, steps 3–10).
 *
 * Owns: the order of these steps (rewards come after buckets and targets are known, which is what
 * bug B1 broke) and the steps of the controllers they move. It needs no reference policy, so a
 * caller can score only the responses that are kept. Per-token columns are made in iteration.ts.
 */
import { mean, sampleVariance } from '#core/util/statistics.ts';
import { type GroupAdvantages, type GroupRewards, batchAdvantages } from './advantages.ts';
import type { TrajectoryNode } from './branching.ts';
import { type ControllerState, nextAlpha, nextSoftCost } from './controllers.ts';
import { type HighEntropyCount, countHighEntropy } from './counts.ts';
import { bucketOf } from './difficulty.ts';
import { keepsGroup } from './filtering.ts';
import { adaptiveLengthTarget } from './lengthRewards.ts';
import { type AresOptions, type Bucket, type PerBucket, perBucket } from './options.ts';
import { type RewardContext, type RewardParts, rewardOf } from './rewards.ts';
import { type Rollout, type RolloutGroup, checkRollouts } from './rollouts.ts';
import { closedFormLambda } from './shaping.ts';
import { type BatchTargets, batchTargets } from './targets.ts';
import { type BatchThresholds, type ResponseEntropies, batchThresholds } from './thresholds.ts';
import { windowMeans } from './windows.ts';

/** What is known of a response before any reward. */
interface MeasuredResponse {
  rollout: Rollout;
  entropies: ResponseEntropies;
  highEntropy: HighEntropyCount;
}

export interface AssessedResponse extends MeasuredResponse {
  reward: RewardParts;
  /** Advantage of the response; both parts 0 when its group is dropped. */
  taskAdvantage: number;
  shapingAdvantage: number;
}

interface MeasuredGroup {
  key: number;
  bucket: Bucket;
  /** Right answers among the responses. Forks share prefixes, but count like independent ones. */
  correct: number;
  thetaNats: number;
  tree: readonly TrajectoryNode[] | null;
  responses: MeasuredResponse[];
}

export interface AssessedGroup extends MeasuredGroup {
  target: number;
  kept: boolean;
  responses: AssessedResponse[];
}

export interface Assessment {
  groups: AssessedGroup[];
  thresholds: BatchThresholds;
  targets: BatchTargets;
  /** λ_d that this batch's rewards used; 0 in modes without one. */
  lambda: PerBucket<number>;
  /** The state after this batch, the KL controllers excepted. */
  next: ControllerState;
}

/**
 * Assesses a batch.
 * @param maxNewTokens token limit of the rollouts
 * @throws AresError as checkRollouts does
 */
export function assess(
  batch: readonly RolloutGroup[],
  state: ControllerState,
  options: AresOptions,
  maxNewTokens: number,
): Assessment {
  checkRollouts(batch, options.count.word);
  const { measured, thresholds } = measure(batch, state, options);
  const targets = batchTargets(
    options.target,
    state.targets,
    measured.map(({ bucket, responses }) => ({ bucket, counts: responses.map(countOf) })),
  );
  const byBucket = perBucket((bucket) =>
    measured.filter((group) => group.bucket === bucket).flatMap((group) => group.responses),
  );
  const context = rewardContext(byBucket, targets, state, options, maxNewTokens);
  const rewards = measured.map((group, g) =>
    group.responses.map((response) => {
      const { bucket } = group;
      const target = targets.groupTargets[g]!;
      const { correct, logprobs } = response.rollout;
      const { softCostNats } = response.highEntropy;
      const count = countOf(response);
      const alpha = state.alpha[bucket];
      const lengthTokens = logprobs.length;
      return rewardOf({ bucket, correct, count, target, alpha, lengthTokens, softCostNats }, context, options.reward);
    }),
  );
  const groupRewards = measured.map((group, g) => rewardsOfGroup(group, rewards[g]!));
  const kept = groupRewards.map((group) =>
    keepsGroup(group, options.filter, options.advantage.keepShapingOnUniformGroups),
  );
  const advantages = keptAdvantages(groupRewards, kept, options);
  return {
    groups: measured.map((group, g) => ({
      ...group,
      target: targets.groupTargets[g]!,
      kept: kept[g]!,
      responses: group.responses.map((response, i) => ({
        ...response,
        reward: rewards[g]![i]!,
        taskAdvantage: advantages[g]!.task[i]!,
        shapingAdvantage: advantages[g]!.shaping[i]!,
      })),
    })),
    thresholds,
    targets,
    lambda: context.lambda,
    next: nextControllers(state, byBucket, thresholds, targets, options),
  };
}

function countOf({ highEntropy }: MeasuredResponse): number {
  return highEntropy.positions.length;
}

/** Steps 3–6: entropies, thresholds, counts, buckets. */
function measure(
  batch: readonly RolloutGroup[],
  state: ControllerState,
  options: AresOptions,
): { measured: MeasuredGroup[]; thresholds: BatchThresholds } {
  const entropies = batch.map((group) =>
    group.rollouts.map(({ entropiesNats }) => ({
      entropiesNats,
      windowMeansNats: windowMeans(entropiesNats, options.entropy.window),
    })),
  );
  const thresholds = batchThresholds(options.threshold, state.threshold, entropies);
  const measured = batch.map(({ key, rollouts, tree }, g) => {
    const thetaNats = thresholds.groupNats[g]!;
    const correct = rollouts.filter((rollout) => rollout.correct).length;
    const responses = rollouts.map((rollout, i) => {
      const words = options.count.word === 'argmax' ? rollout.argmaxTriggers! : rollout.triggers;
      const highEntropy = countHighEntropy(options.count.definition, entropies[g]![i]!, words, thetaNats);
      return { rollout, entropies: entropies[g]![i]!, highEntropy };
    });
    const bucket = bucketOf(correct, rollouts.length, options.buckets);
    return { key, bucket, correct, thetaNats, tree: tree ?? null, responses };
  });
  return { measured, thresholds };
}

/** λ of this batch and length limits: what the reward formulas need beyond a response. */
function rewardContext(
  byBucket: PerBucket<readonly MeasuredResponse[]>,
  targets: BatchTargets,
  state: ControllerState,
  { reward }: AresOptions,
  limitTokens: number,
): RewardContext {
  const mainLambda = (bucket: Bucket): number => {
    const counts = byBucket[bucket].map(countOf);
    const target = targets.bucketTargets[bucket];
    if (counts.length === 0 || target === null) return 0;
    const { lambdaForm, lambdaEpsilon } = reward;
    return closedFormLambda(lambdaForm, bucket, mean(counts), sampleVariance(counts), target, lambdaEpsilon);
  };
  const lambda = perBucket((bucket) => {
    if (reward.mode === 'main') return mainLambda(bucket);
    return reward.mode === 'alg1' ? state.softCost.lambda[bucket] : 0;
  });
  const lengthTargetTokens = perBucket((bucket) => {
    if (reward.laserTargetTokens !== 'adaptive') return reward.laserTargetTokens;
    const samples = byBucket[bucket].map(({ rollout }) => ({
      correct: rollout.correct,
      lengthTokens: rollout.logprobs.length,
    }));
    return adaptiveLengthTarget(samples, reward.laserExpectedCorrect[bucket], limitTokens);
  });
  return { lambda, lengthTargetTokens, limitTokens };
}

function rewardsOfGroup(group: MeasuredGroup, rewards: readonly RewardParts[]): GroupRewards {
  return {
    correct: group.responses.map(({ rollout }) => rollout.correct),
    task: rewards.map(({ accuracy, overlong }) => accuracy + overlong),
    shaping: rewards.map(({ shaping }) => shaping),
    lengthsTokens: group.responses.map(({ rollout }) => rollout.logprobs.length),
  };
}

/** Advantages of the kept groups; dropped ones get zeros and do not enter whitening. */
function keptAdvantages(
  groups: readonly GroupRewards[],
  kept: readonly boolean[],
  options: AresOptions,
): GroupAdvantages[] {
  const keptGroups = groups.filter((_, g) => kept[g]);
  const computed = batchAdvantages(keptGroups, options.advantage);
  let next = 0;
  return groups.map((group, g) => {
    if (kept[g]) return computed[next++]!;
    return { task: group.task.map(() => 0), shaping: group.shaping.map(() => 0) };
  });
}

/** Step 12 for everything but the KL. Controllers see all groups, kept or not. */
function nextControllers(
  state: ControllerState,
  byBucket: PerBucket<readonly MeasuredResponse[]>,
  thresholds: BatchThresholds,
  targets: BatchTargets,
  { reward }: AresOptions,
): ControllerState {
  const countMeans = perBucket((bucket) => {
    const responses = byBucket[bucket];
    return responses.length === 0 ? null : mean(responses.map(countOf));
  });
  const costsNats = perBucket((bucket) => byBucket[bucket].map(({ highEntropy }) => highEntropy.softCostNats));
  return {
    ...state,
    iterations: state.iterations + 1,
    threshold: thresholds.next,
    targets: targets.next,
    alpha: nextAlpha(state.alpha, countMeans, targets.bucketTargets, reward),
    softCost: nextSoftCost(state.softCost, costsNats, reward),
  };
}
