/**
 * A stored rollout as the contract shows it.
 */
import type { RolloutInfo } from '#core/contract/contract.ts';
import type { Rollout } from '#core/store/rollouts.ts';

export function rolloutInfo(rollout: Rollout): RolloutInfo {
  return {
    rolloutId: rollout.rolloutId,
    problemId: rollout.problemId,
    sample: rollout.sample,
    parentSample: rollout.parentSample,
    forkPosition: rollout.forkPosition,
    verdict: rollout.verdict,
    extractedAnswer: rollout.extractedAnswer,
    response: rollout.response,
    lengthTokens: rollout.lengthTokens,
    truncated: rollout.truncated,
    highEntropyCount: rollout.highEntropyCount,
    bucket: rollout.bucket,
    rewardParts: { ...rollout.rewardParts },
    advantage: rollout.advantage,
    hasTokens: rollout.hasTokens,
  };
}
