/** Synthetic rollouts for tests: seeded, plausible, and small enough to reason about. */
import type { Rollout, RolloutGroup } from '#core/ares/rollouts.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';

/** A response whose entropies are 0 except for runs of four uncertain tokens at the positions given. */
export function plainRollout(tokens: number, uncertainAt: readonly number[], correct: boolean): Rollout {
  const entropiesNats = new Float32Array(tokens);
  const triggers = new Uint8Array(tokens);
  for (const t of uncertainAt) {
    entropiesNats.fill(2, t, t + 4);
    triggers[t] = 1;
  }
  const logprobs = new Float32Array(tokens).fill(-1);
  return {
    correct,
    stopped: true,
    logprobs,
    entropiesNats,
    triggers,
    refLogprobs: new Float32Array(tokens).fill(-1.2),
  };
}

/**
 * Groups of random rollouts with the numbers of right answers given. Uncertain windows come and go,
 * log-probs differ from the reference, and a tenth of the responses is cut off at `limit` tokens.
 */
export function randomBatch(seed: number, rightOf: readonly number[], groupSize = 8, limit = 60): RolloutGroup[] {
  const random = new RandomSequence(seed, Stream.problems);
  return rightOf.map((right, key) => ({
    key,
    rollouts: Array.from({ length: groupSize }, (_, i): Rollout => {
      const cut = random.uniform() < 0.1;
      const tokens = cut ? limit : 12 + random.integer(limit - 12);
      const column = (value: () => number): Float32Array => Float32Array.from({ length: tokens }, value);
      const triggers = Uint8Array.from({ length: tokens }, () => (random.uniform() < 0.25 ? 1 : 0));
      let mood = 0;
      const entropiesNats = column(() => {
        if (random.uniform() < 0.2) mood = random.uniform() * 2.5;
        return mood * random.uniform();
      });
      const logprobs = column(() => -2 * random.uniform());
      const refLogprobs = logprobs.map((value) => Math.min(0, value + 0.4 * (random.uniform() - 0.5)));
      const argmaxTriggers = triggers.map((flag) => (random.uniform() < 0.3 ? 1 - flag : flag));
      return { correct: i < right, stopped: !cut, logprobs, entropiesNats, triggers, argmaxTriggers, refLogprobs };
    }),
  }));
}
