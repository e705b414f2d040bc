// The reference policy loss: its derivative against finite differences, clipping, and the columns fed to it.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TrainingBatch, policyLoss, sequencesWithSignal, tokenWeights } from '#core/ares/columns.ts';
import { policyLossValue } from '#core/ares/losses.ts';
import { type LossOptions, defaultOptions } from '#core/ares/options.ts';
import type { PolicyLoss } from '#core/engine/api.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';

const lengths = Int32Array.of(5, 3, 7);
const tokens = 15;

function randomColumns(seed: number, patch: Partial<PolicyLoss> = {}): { columns: PolicyLoss; logprobs: Float64Array } {
  const random = new RandomSequence(seed, Stream.problems);
  const draw = (scale: number, shift: number): Float32Array =>
    Float32Array.from({ length: tokens }, () => shift + scale * (random.uniform() - 0.5));
  const oldLogprobs = draw(2, -2);
  return {
    columns: {
      kind: 'policy',
      temperature: 1,
      clipLow: 0.2,
      clipHigh: 0.3,
      dualClip: 3,
      ratioLevel: 'token',
      oldLogprobs,
      refLogprobs: draw(2, -2),
      advantages: draw(4, 0),
      weights: draw(0.1, 0.1),
      klWeights: draw(0.02, 0.02),
      ...patch,
    },
    logprobs: Float64Array.from(oldLogprobs, (old) => old + 1.5 * (random.uniform() - 0.5)),
  };
}

/** Loss and gradient of a single token with weight 1, without KL. */
function oneToken(logRatio: number, advantage: number): { gradient: number; loss: number; clipped: number } {
  const columns = {
    ...randomColumns(0).columns,
    oldLogprobs: Float32Array.of(-2),
    refLogprobs: Float32Array.of(-2),
    advantages: Float32Array.of(advantage),
    weights: Float32Array.of(1),
    klWeights: Float32Array.of(0),
  };
  const value = policyLossValue(columns, Int32Array.of(1), [-2 + logRatio]);
  return { gradient: value.gradient[0]!, loss: value.loss, clipped: value.clipFraction };
}

describe('policyLossValue', () => {
  it.each(['token', 'sequence'] as const)('has the derivative that finite differences show, %s ratio', (ratioLevel) => {
    for (let seed = 0; seed < 20; seed++) {
      const { columns, logprobs } = randomColumns(seed, { ratioLevel });
      const { gradient } = policyLossValue(columns, lengths, logprobs);
      for (let t = 0; t < tokens; t++) {
        const nudged = (by: number): number => {
          const copy = logprobs.slice();
          copy[t]! += by;
          return policyLossValue(columns, lengths, copy).loss;
        };
        expect(gradient[t]).toBeCloseTo((nudged(1e-6) - nudged(-1e-6)) / 2e-6, 6);
      }
    }
  });

  it('is the plain policy gradient where the policy has not moved', () => {
    const { columns } = randomColumns(3, { klWeights: new Float32Array(tokens) });
    const { gradient, policyLoss: value, klLoss } = policyLossValue(columns, lengths, columns.oldLogprobs);
    let expected = 0;
    for (let t = 0; t < tokens; t++) {
      expected -= columns.weights[t]! * columns.advantages[t]!;
      expect(gradient[t]).toBeCloseTo(-columns.weights[t]! * columns.advantages[t]!, 12);
    }
    expect(value).toBeCloseTo(expected, 12);
    expect(klLoss).toBe(0);
  });

  it('stops pushing once a ratio is beyond its clip, on the side of its advantage only', () => {
    expect(oneToken(0.5, 1)).toEqual({ gradient: 0, loss: expect.closeTo(-1.3, 6), clipped: 1 });
    expect(oneToken(-0.5, 1).gradient).toBeLessThan(0);
    expect(oneToken(-0.5, -1)).toEqual({ gradient: 0, loss: expect.closeTo(0.8, 6), clipped: 1 });
    expect(oneToken(0.5, -1).gradient).toBeGreaterThan(0);
    expect(oneToken(2, -1)).toEqual({ gradient: 0, loss: expect.closeTo(3, 6), clipped: 1 });
    expect(oneToken(100, -1).loss).toBe(3);
    expect(oneToken(-100, 1)).toEqual({ gradient: 0, loss: expect.closeTo(-Math.exp(-20), 15), clipped: 0 });
  });

  it('weighs every token by its columns alone: sequences are independent', () => {
    const { columns, logprobs } = randomColumns(5, { ratioLevel: 'sequence' });
    const whole = policyLossValue(columns, lengths, logprobs);
    let start = 0;
    let total = 0;
    for (const length of lengths) {
      const cut = (column: Float32Array): Float32Array => column.slice(start, start + length);
      const part = {
        ...columns,
        oldLogprobs: cut(columns.oldLogprobs),
        refLogprobs: cut(columns.refLogprobs),
        advantages: cut(columns.advantages),
        weights: cut(columns.weights),
        klWeights: cut(columns.klWeights),
      };
      total += policyLossValue(part, Int32Array.of(length), logprobs.slice(start, start + length)).loss;
      start += length;
    }
    expect(total).toBeCloseTo(whole.loss, 12);
  });
});

function loss(patch: Partial<LossOptions>): LossOptions {
  return { ...defaultOptions.loss, ...patch };
}

describe('tokenWeights', () => {
  it('are GRPO’s, DAPO’s and Dr. GRPO’s', () => {
    const two = Int32Array.of(2, 8);
    expect([...tokenWeights(two, loss({ normalisation: 'sequenceMean' }), 100)]).toEqual([1 / 4, 1 / 16]);
    expect([...tokenWeights(two, loss({ normalisation: 'tokenMean' }), 100)]).toEqual([1 / 10, 1 / 10]);
    expect([...tokenWeights(two, loss({ normalisation: 'constant' }), 100)]).toEqual([1 / 200, 1 / 200]);
    expect([...tokenWeights(two, loss({ normalisation: 'constant', constantTokens: 10 }), 100)]).toEqual([0.05, 0.05]);
  });

  it('make means sum to one, and survive empty responses', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { minLength: 1, maxLength: 9 }), (list) => {
        const all = Int32Array.from(list);
        const filled = list.filter((length) => length > 0).length;
        const total = (normalisation: LossOptions['normalisation']): number =>
          tokenWeights(all, loss({ normalisation }), 100).reduce((sum, weight, i) => sum + weight * all[i]!, 0);
        expect(total('tokenMean')).toBeCloseTo(filled > 0 ? 1 : 0, 12);
        expect(total('sequenceMean')).toBeCloseTo(filled / list.length, 12);
      }),
    );
  });
});

describe('policyLoss', () => {
  const batch: TrainingBatch = {
    responses: Int32Array.of(4, 6, 7),
    offsets: Int32Array.of(0, 2, 5, 6),
    advantages: Float32Array.of(1, 1, -1, -1, -1, 0),
    klCoefficients: Float32Array.of(0.5, 1, 0, 0, 0, 0),
    policyMask: Uint8Array.of(1, 0, 1, 1, 1, 1),
    oldLogprobs: Float32Array.of(-1, -2, -3, -4, -5, -6),
    refLogprobs: Float32Array.of(-1.5, -2.5, -3.5, -4.5, -5.5, -6.5),
  };
  const limits = { temperature: 0.5, maxNewTokens: 10 };

  it('normalises over the mini-batch it is given, in its order', () => {
    const columns = policyLoss(batch, [1, 0], loss({ normalisation: 'tokenMean', dualClip: 3 }), limits);
    expect(columns).toMatchObject({ temperature: 0.5, clipLow: 0.2, clipHigh: 0.2, dualClip: 3, ratioLevel: 'token' });
    expect([...columns.oldLogprobs]).toEqual([-3, -4, -5, -1, -2]);
    expect([...columns.refLogprobs]).toEqual([-3.5, -4.5, -5.5, -1.5, -2.5]);
    expect([...columns.advantages]).toEqual([-1, -1, -1, 1, 1]);
    const fifth = Math.fround(0.2);
    expect([...columns.weights]).toEqual([fifth, fifth, fifth, fifth, 0]);
    expect([...columns.klWeights]).toEqual([0, 0, 0, Math.fround(0.1), fifth]);
  });

  it('has no dual clip unless asked for', () => {
    expect(policyLoss(batch, [0], loss({}), limits).dualClip).toBe(Infinity);
  });

  it('refuses sequences that do not exist', () => {
    expect(() => policyLoss(batch, [3], loss({}), limits)).toThrow(/no sequence 3/);
  });

  it('finds the sequences that can change anything', () => {
    expect(sequencesWithSignal(batch)).toEqual([0, 1]);
    expect(sequencesWithSignal({ ...batch, klCoefficients: Float32Array.of(0, 0, 0, 0, 0, 1) })).toEqual([0, 1, 2]);
  });
});
