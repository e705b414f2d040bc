/** Gradients do not depend on how sequences are batched; losses react to each of their terms. */
import { describe, expect, it } from 'vitest';
import type { PolicyLoss, Sequence } from '#core/engine/api.ts';
import { createAdamW } from '#core/engine/adamw.ts';
import { learningRateAt } from '#core/engine/schedule.ts';
import { scoreSequences } from '#core/engine/scorer.ts';
import { SessionCache } from '#core/engine/sessionCache.ts';
import { computeGradients, trainStep } from '#core/engine/trainer.ts';
import { randomModel } from './fixtures.ts';

const sessions = new SessionCache(1);
const sequences: Sequence[] = [
  { promptIds: Int32Array.of(5, 6), responseIds: Int32Array.of(7, 8, 9, 2) },
  { promptIds: Int32Array.of(3), responseIds: Int32Array.of(4, 2) },
  { promptIds: Int32Array.of(9, 9, 9, 8), responseIds: Int32Array.of(1, 2, 3, 4, 5, 6, 7) },
];
const tokens = 13;
const ramp = (scale: number, offset = 0) =>
  Float32Array.from({ length: tokens }, (_, i) => scale * Math.sin(i + 1) + offset);
const policyLoss: PolicyLoss = {
  kind: 'policy',
  temperature: 0.8,
  clipLow: 0.2,
  clipHigh: 0.3,
  dualClip: 3,
  ratioLevel: 'token',
  oldLogprobs: ramp(0.1, -4),
  refLogprobs: ramp(0.2, -4),
  advantages: ramp(1),
  weights: new Float32Array(tokens).fill(1 / tokens),
  klWeights: new Float32Array(tokens).fill(0.02),
};

/** max |a − b| / max |b| over all tensors. */
function distance(a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array>): number {
  let difference = 0;
  let scale = 0;
  for (const [name, values] of b) {
    values.forEach((value, i) => {
      difference = Math.max(difference, Math.abs(value - a.get(name)![i]!));
      scale = Math.max(scale, Math.abs(value));
    });
  }
  return difference / scale;
}

const whole = { tokenBudget: 1000, checkpointBlocks: false };

describe('computeGradients', () => {
  const state = randomModel('qwen3');

  for (const loss of [
    policyLoss,
    { ...policyLoss, ratioLevel: 'sequence' as const },
    { kind: 'supervised' as const, weights: ramp(0.1, 0.2) },
  ]) {
    const name = loss.kind === 'policy' ? `${loss.kind} ${loss.ratioLevel}` : loss.kind;
    it(`${name}: accumulation over micro-batches equals one batch`, async () => {
      const one = await computeGradients(sessions, state, { sequences, loss }, whole);
      const many = await computeGradients(sessions, state, { sequences, loss }, { ...whole, tokenBudget: 6 });
      expect(distance(many.gradients, one.gradients)).toBeLessThan(1e-5);
      expect(Math.abs(many.loss - one.loss)).toBeLessThan(1e-5 * Math.abs(one.loss));
      one.logprobs.forEach((logprob, i) => expect(Math.abs(logprob - many.logprobs[i]!)).toBeLessThan(1e-5));
    });
    it(`${name}: checkpointed blocks give the same gradients`, async () => {
      const kept = await computeGradients(sessions, state, { sequences, loss }, whole);
      const recomputed = await computeGradients(
        sessions,
        state,
        { sequences, loss },
        { ...whole, checkpointBlocks: true },
      );
      expect(distance(recomputed.gradients, kept.gradients)).toBeLessThan(1e-6);
    });
  }

  it.each([
    { logits: 60 * 4, queries: 1000 },
    { logits: 1e9, queries: 3 },
    { logits: 60 * 2, queries: 2 },
  ])('attention and logits cut into parts give the same gradients, scores and log-probs: %j', async (partLimits) => {
    for (const loss of [policyLoss, { ...policyLoss, ratioLevel: 'sequence' as const }]) {
      const plain = await computeGradients(sessions, state, { sequences, loss }, whole);
      for (const checkpointBlocks of [false, true]) {
        const options = { ...whole, checkpointBlocks, partLimits };
        const cut = await computeGradients(sessions, state, { sequences, loss }, options);
        expect(distance(cut.gradients, plain.gradients)).toBeLessThan(1e-5);
        cut.logprobs.forEach((logprob, i) => expect(Math.abs(logprob - plain.logprobs[i]!)).toBeLessThan(1e-5));
      }
    }
    const request = { sequences, temperature: 0.8, alternatives: 3 };
    const plain = await scoreSequences(sessions, state, request, 1000);
    const cut = await scoreSequences(sessions, state, request, 1000, partLimits);
    expect(cut.alternativeIds).toEqual(plain.alternativeIds);
    expect(cut.ranks).toEqual(plain.ranks);
    plain.entropiesNats.forEach((entropy, i) => expect(Math.abs(entropy - cut.entropiesNats[i]!)).toBeLessThan(1e-5));
  });

  it('every column of the policy loss changes the gradient', async () => {
    const reference = await computeGradients(sessions, state, { sequences, loss: policyLoss }, whole);
    for (const column of ['oldLogprobs', 'refLogprobs', 'advantages', 'weights', 'klWeights'] as const) {
      const changed = { ...policyLoss, [column]: policyLoss[column].map((value, i) => value + 0.05 * (i % 3)) };
      const { gradients } = await computeGradients(sessions, state, { sequences, loss: changed }, whole);
      expect(distance(gradients, reference.gradients), column).toBeGreaterThan(1e-4);
    }
  });

  it('clipping, the dual clip, the temperature and the level of the ratio change the gradient', async () => {
    // Old log-probs far from the policy's and out of step with the advantages, so that ratios leave the
    // clip range on both sides for advantages of both signs.
    const far = { ...policyLoss, oldLogprobs: policyLoss.advantages.map((_, i) => 3 * Math.cos(1.7 * i) - 4) };
    const reference = await computeGradients(sessions, state, { sequences, loss: far }, whole);
    for (const change of [
      { clipLow: 0.9 },
      { clipHigh: 100 },
      { dualClip: Infinity },
      { temperature: 1.2 },
      { ratioLevel: 'sequence' as const },
    ]) {
      const { gradients } = await computeGradients(sessions, state, { sequences, loss: { ...far, ...change } }, whole);
      expect(distance(gradients, reference.gradients), JSON.stringify(change)).toBeGreaterThan(1e-4);
    }
  });
});

describe('trainStep', () => {
  it('learns: repeated steps on one batch lower its loss', async () => {
    const state = randomModel('llama');
    state.optimizer = createAdamW(state.weights, {
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-8,
      weightDecay: 0,
      maxGradientNorm: 1,
    });
    const loss = { kind: 'supervised' as const, weights: new Float32Array(tokens).fill(1 / tokens) };
    const losses = [];
    for (let step = 0; step < 20; step++)
      losses.push((await trainStep(sessions, state, { sequences, loss, learningRate: 1e-2 }, whole)).loss);
    expect(losses.at(-1)!).toBeLessThan(0.2 * losses[0]!);
    expect(state.version).toBe(20);
  });
});

describe('learningRateAt', () => {
  const schedule = { peak: 1, warmupSteps: 4, totalSteps: 14, finalFraction: 0.1 };
  it('warms up linearly to the peak', () => {
    expect([0, 1, 2, 3].map((step) => learningRateAt({ ...schedule, kind: 'cosine' }, step))).toEqual([
      0.25, 0.5, 0.75, 1,
    ]);
  });
  it('decays linearly or along a cosine to the final fraction', () => {
    expect(learningRateAt({ ...schedule, kind: 'linear' }, 9)).toBeCloseTo(0.55, 12);
    expect(learningRateAt({ ...schedule, kind: 'cosine' }, 9)).toBeCloseTo(0.55, 12);
    expect(learningRateAt({ ...schedule, kind: 'cosine' }, 14)).toBeCloseTo(0.1, 12);
    expect(learningRateAt({ ...schedule, kind: 'linear' }, 100)).toBeCloseTo(0.1, 12);
    expect(learningRateAt({ ...schedule, kind: 'constant' }, 9)).toBe(1);
  });
});
