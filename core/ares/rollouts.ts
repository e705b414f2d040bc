/**
 * Rollouts as the method sees them: per-token columns of every response to every problem.
 *
 * Owns: the input types of an iteration and the refusal of impossible numbers. Where the columns come
 * from (local engine, remote server, a file) is the caller's business.
 */
import { AresError } from '#core/util/errors.ts';
import type { TrajectoryNode } from './branching.ts';
import type { CountedWord } from './options.ts';

/** One response. Columns are over its tokens, a fork's shared prefix included. */
export interface Rollout {
  correct: boolean;
  /** false when the token limit ended it. */
  stopped: boolean;
  /** Of the policy that sampled, at the sampling temperature. */
  logprobs: Float32Array;
  entropiesNats: Float32Array;
  /** 1 where the sampled token is a trigger word. */
  triggers: Uint8Array;
  /** 1 where the most likely token is one; needed when `count.word` is 'argmax'. */
  argmaxTriggers?: Uint8Array;
  /** Of the reference policy; needed for responses that are trained on with a KL loss. */
  refLogprobs?: Float32Array;
}

/** All responses to one problem. */
export interface RolloutGroup {
  key: number;
  rollouts: readonly Rollout[];
  /** How they branch; absent when all were sampled from the start. */
  tree?: readonly TrajectoryNode[];
}

/** float32 rounding may push an entropy this far below 0, or a log-probability above. */
const ROUNDING_NATS = 1e-3;

/**
 * Refuses columns that disagree in length or hold impossible numbers. A NaN entropy would silently
 * count as low, and a low count is rewarded on easy problems.
 * @throws AresError 'engine', or 'unsupported' when the counted word was not recorded
 */
export function checkRollouts(groups: readonly RolloutGroup[], word: CountedWord): void {
  for (const group of groups) {
    if (group.rollouts.length === 0) {
      throw new AresError('engine', 'A problem has no responses.', { where: `problem ${group.key}` });
    }
    for (const [i, rollout] of group.rollouts.entries())
      checkRollout(rollout, word, `problem ${group.key}, response ${i}`);
  }
}

function checkRollout(rollout: Rollout, word: CountedWord, where: string): void {
  const { logprobs, entropiesNats, triggers, argmaxTriggers } = rollout;
  if (word === 'argmax' && argmaxTriggers === undefined) {
    throw new AresError('unsupported', 'The most likely tokens were not recorded, but the count needs them.', {
      where,
      hint: 'Set count.word to "sampled", or ask the sampler for at least one alternative.',
    });
  }
  const columns = [entropiesNats, triggers, argmaxTriggers ?? triggers];
  if (columns.some((column) => column.length !== logprobs.length)) {
    throw new AresError('engine', 'The columns of a response differ in length.', { where });
  }
  if (!entropiesNats.every((value) => Number.isFinite(value) && value >= -ROUNDING_NATS)) {
    throw new AresError('engine', 'An entropy is negative or not a number.', { where });
  }
  if (!logprobs.every((value) => Number.isFinite(value) && value <= ROUNDING_NATS)) {
    throw new AresError('engine', 'A log-probability is positive or not a number.', { where });
  }
}
