/** The loss in the graph against the method's reference in plain arithmetic, value and gradient. */
import { expect, it } from 'vitest';
import { policyLossValue } from '#core/ares/losses.ts';
import type { PolicyLoss, Sequence } from '#core/engine/api.ts';
import { SessionCache } from '#core/engine/sessionCache.ts';
import { computeGradients } from '#core/engine/trainer.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { randomModel } from './fixtures.ts';

const sessions = new SessionCache(1);
const options = { tokenBudget: 1000, checkpointBlocks: false };

/** Ratios far inside and far outside the clip range, advantages of both signs. */
function drawLoss(seed: number, logprobs: Float32Array, changes: Partial<PolicyLoss>): PolicyLoss {
  const random = new RandomSequence(seed, Stream.selection);
  const column = (draw: (i: number) => number) => Float32Array.from(logprobs, (_, i) => draw(i));
  return {
    kind: 'policy',
    temperature: 1,
    clipLow: 0.2,
    clipHigh: 0.3,
    dualClip: 3,
    ratioLevel: 'token',
    oldLogprobs: column((i) => logprobs[i]! + 1.5 * random.normal()),
    refLogprobs: column((i) => logprobs[i]! + random.normal()),
    advantages: column(() => random.normal()),
    weights: column(() => random.uniform() / 10),
    klWeights: column(() => random.uniform() / 50),
    ...changes,
  };
}

for (const changes of [{}, { dualClip: Infinity }, { ratioLevel: 'sequence' as const }]) {
  it(`agrees for random columns, ${JSON.stringify(changes)}`, async () => {
    const state = randomModel('qwen2');
    const random = new RandomSequence(3, Stream.problems);
    const ids = (count: number) => Int32Array.from({ length: count }, () => random.integer(60));
    const sequences: Sequence[] = [7, 12, 3, 9].map((length) => ({ promptIds: ids(2), responseIds: ids(length) }));
    const lengths = Int32Array.from(sequences, ({ responseIds }) => responseIds.length);
    const weights = new Float32Array(31).fill(1);
    const { logprobs } = await computeGradients(
      sessions,
      state,
      { sequences, loss: { kind: 'supervised', weights } },
      options,
    );
    for (let seed = 0; seed < 10; seed++) {
      const loss = drawLoss(seed, logprobs, changes);
      const expected = policyLossValue(loss, lengths, logprobs);
      const actual = await computeGradients(sessions, state, { sequences, loss }, options);
      expect(Math.abs(actual.loss - expected.loss) / Math.abs(expected.loss)).toBeLessThan(1e-4);
      // By the chain rule, supervising with weights −dL/dlogπ must give the gradient of L.
      const chained = await computeGradients(
        sessions,
        state,
        { sequences, loss: { kind: 'supervised', weights: Float32Array.from(expected.gradient, (value) => -value) } },
        options,
      );
      for (const [name, gradient] of actual.gradients) {
        const reference = chained.gradients.get(name)!;
        const scale = Math.max(...reference.map(Math.abs));
        gradient.forEach((value, i) => expect(Math.abs(value - reference[i]!) / scale, name).toBeLessThan(1e-3));
      }
    }
  });
}
