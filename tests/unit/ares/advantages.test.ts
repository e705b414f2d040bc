// Advantages: each estimator's formula, the split into parts, uniform groups, placement on tokens.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type GroupRewards,
  batchAdvantages,
  entropyMask,
  keepsShaping,
  tokenAdvantages,
  windowBonus,
} from '#core/ares/advantages.ts';
import { keepsGroup } from '#core/ares/filtering.ts';
import { type AdvantageOptions, type FilterOptions, advantageEstimators, defaultOptions } from '#core/ares/options.ts';
import { mean, sampleDeviation, sum } from '#core/util/statistics.ts';

function options(patch: Partial<AdvantageOptions>): AdvantageOptions {
  return { ...defaultOptions.advantage, ...patch };
}

function group(right: readonly number[], shaping: readonly number[] = right.map(() => 0)): GroupRewards {
  return {
    correct: right.map((value) => value === 1),
    task: right,
    shaping,
    lengthsTokens: right.map((_, i) => 10 * (i + 1)),
  };
}

const reward = fc.tuple(fc.boolean(), fc.double({ min: -1, max: 1, noNaN: true }));
const anyGroup = fc.array(reward, { minLength: 1, maxLength: 12 }).map((list) =>
  group(
    list.map(([right]) => (right ? 1 : 0)),
    list.map(([, shaping]) => shaping),
  ),
);

describe('estimators', () => {
  const golden = group([1, 1, 0, 1, 0, 0, 1, 1]);
  const shaped = group([1, 0, 1], [0.2, -0.1, 0]);

  it('grpo gives the golden values', () => {
    const { task } = batchAdvantages([golden], options({}))[0]!;
    for (const [i, value] of task.entries()) {
      expect(value).toBeCloseTo(golden.task[i] === 1 ? 0.724567 : -1.207612, 6);
    }
  });

  it('grpo of the total reward is the sum of the parts', () => {
    const { task, shaping } = batchAdvantages([shaped], options({}))[0]!;
    const total = [1.2, -0.1, 1];
    for (const [i, value] of total.entries()) {
      expect(task[i]! + shaping[i]!).toBeCloseTo((value - mean(total)) / (sampleDeviation(total) + 1e-6), 10);
    }
  });

  it('centred only subtracts the mean; rloo subtracts the mean of the others', () => {
    expect(batchAdvantages([shaped], options({ estimator: 'centred' }))[0]!.task[1]).toBeCloseTo(-2 / 3, 12);
    const { task, shaping } = batchAdvantages([shaped], options({ estimator: 'rloo' }))[0]!;
    const total = [1.2, -0.1, 1];
    for (const [i, value] of total.entries()) {
      const others = total.filter((_, j) => j !== i);
      expect(task[i]! + shaping[i]!).toBeCloseTo(value - mean(others), 12);
    }
  });

  it('reinforce++ whitens over the batch', () => {
    const parts = batchAdvantages([golden, shaped], options({ estimator: 'reinforce++' }));
    const values = parts.flatMap(({ task, shaping }) => task.map((value, i) => value + shaping[i]!));
    expect(mean(values)).toBeCloseTo(0, 12);
    expect(sampleDeviation(values)).toBeCloseTo(1, 5);
  });

  it('alg1 divides the centred reward by the length of its response', () => {
    const { task } = batchAdvantages([shaped], options({ estimator: 'alg1' }))[0]!;
    expect(task[0]).toBeCloseTo(1 / 3 / 10, 12);
    expect(task[1]).toBeCloseTo(-2 / 3 / 20, 12);
  });

  it('sum to zero over a group, except where lengths weigh them', () => {
    fc.assert(
      fc.property(anyGroup, fc.constantFrom('grpo', 'centred', 'rloo'), (one, estimator) => {
        const { task, shaping } = batchAdvantages([one], options({ estimator }))[0]!;
        expect(sum(task)).toBeCloseTo(0, 6);
        expect(sum(shaping)).toBeCloseTo(0, 6);
      }),
    );
  });

  it('are finite for every group, single responses included', () => {
    fc.assert(
      fc.property(fc.array(anyGroup, { maxLength: 4 }), fc.constantFrom(...advantageEstimators), (list, estimator) => {
        for (const { task, shaping } of batchAdvantages(list, options({ estimator }))) {
          expect([...task, ...shaping].every(Number.isFinite)).toBe(true);
        }
      }),
    );
    for (const estimator of ['grpo', 'centred', 'rloo', 'alg1'] as const) {
      expect(batchAdvantages([group([1], [0.3])], options({ estimator }))).toEqual([{ task: [0], shaping: [0] }]);
    }
  });
});

describe('groups without spread', () => {
  it('give exactly zero, however their equal rewards round', () => {
    const equal = group([1, 1, 1], [0.1, 0.1, 0.1]);
    expect(batchAdvantages([equal], options({}))).toEqual([{ task: [0, 0, 0], shaping: [0, 0, 0] }]);
  });

  it('keep their shaping as the option says', () => {
    const right = group([1, 1], [0.3, -0.3]);
    const wrong = group([0, 0], [0.3, -0.3]);
    const mixed = group([1, 0], [0.3, -0.3]);
    const shapingOf = (rule: AdvantageOptions['keepShapingOnUniformGroups']): boolean[] =>
      batchAdvantages([right, wrong, mixed], options({ keepShapingOnUniformGroups: rule })).map(({ shaping }) =>
        shaping.some((value) => value !== 0),
      );
    expect(shapingOf('all')).toEqual([true, true, true]);
    expect(shapingOf('allRight')).toEqual([true, false, true]);
    expect(shapingOf('none')).toEqual([false, false, true]);
    expect(keepsShaping([true, true], 'allRight')).toBe(true);
  });

  it('are blown up by their own deviation unless it has a floor', () => {
    const slight = group([1, 1], [0.01, -0.01]);
    const free = batchAdvantages([slight], options({}))[0]!.shaping[0]!;
    const floored = batchAdvantages([slight], options({ deviationFloor: 0.5 }))[0]!.shaping[0]!;
    expect(free).toBeCloseTo(Math.SQRT1_2, 3);
    expect(floored).toBeCloseTo(0.02, 5);
  });
});

function filter(rule: FilterOptions['rule']): FilterOptions {
  return { ...defaultOptions.filter, rule };
}

describe('filter', () => {
  it('on accuracy drops exactly the counts 0 and 8 of 8', () => {
    for (let right = 0; right <= 8; right++) {
      const one = group(Array.from({ length: 8 }, (_, i) => (i < right ? 1 : 0)));
      expect(keepsGroup(one, filter('accuracy'), 'all')).toBe(right > 0 && right < 8);
    }
  });

  it('keeps a uniform group only for shaping that is wanted and tells responses apart', () => {
    const right = group([1, 1], [0.3, -0.3]);
    const wrong = group([0, 0], [0.3, -0.3]);
    expect(keepsGroup(right, filter('accuracy'), 'allRight')).toBe(true);
    expect(keepsGroup(right, filter('accuracy'), 'none')).toBe(false);
    expect(keepsGroup(wrong, filter('accuracy'), 'allRight')).toBe(false);
    expect(keepsGroup(wrong, filter('accuracy'), 'all')).toBe(true);
    expect(keepsGroup(group([1, 1], [0.3, 0.3]), filter('accuracy'), 'all')).toBe(false);
  });

  it('on the whole reward lets shaped all-wrong groups through, as the released code does', () => {
    expect(keepsGroup(group([0, 0], [0.15, 0.3]), filter('overall'), 'none')).toBe(true);
    expect(keepsGroup(group([0, 0]), filter('overall'), 'none')).toBe(false);
    expect(keepsGroup(group([0, 0]), filter('none'), 'none')).toBe(true);
  });
});

describe('tokens', () => {
  it('place the shaping on masked tokens only', () => {
    expect([...tokenAdvantages(3, 0.5, 0.25, null, null)]).toEqual([0.75, 0.75, 0.75]);
    expect([...tokenAdvantages(3, 0.5, 0.25, Uint8Array.of(0, 1, 0), null)]).toEqual([0.5, 0.75, 0.5]);
    expect([...tokenAdvantages(2, 0, 0, null, Float64Array.of(1, -1))]).toEqual([1, -1]);
  });

  it('ψ rewards windows above θ, is capped, and sums to zero', () => {
    const means = Float64Array.of(1.5, 0.5, 9, NaN);
    const bonus = windowBonus(means, Uint8Array.of(1, 1, 1, 1), 1, 0.4);
    expect([...bonus].map((value) => Math.round(value * 1e6) / 1e6)).toEqual([0.05, -0.15, 0.25, -0.15]);
    expect(sum(bonus)).toBeCloseTo(0, 12);
    expect([...windowBonus(means, new Uint8Array(4), 1, 0.4)]).toEqual([0, 0, 0, 0]);
    expect(windowBonus(new Float64Array(0), new Uint8Array(0), 1, 1)).toHaveLength(0);
  });

  it('a decision token is one whose entropy reaches the threshold', () => {
    expect([...entropyMask(Float32Array.of(0.5, 1, 1.5), 1)]).toEqual([0, 1, 1]);
  });
});
