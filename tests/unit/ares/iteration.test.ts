// A whole iteration: baselines by formula, AEPO by hand, refusals, and switches that must be felt.
import { describe, expect, it } from 'vitest';
import { assess } from '#core/ares/assessment.ts';
import { policyLoss } from '#core/ares/columns.ts';
import { type ControllerState, initialState } from '#core/ares/controllers.ts';
import { type IterationResult, finishIteration, runIteration } from '#core/ares/iteration.ts';
import type { AresOptions } from '#core/ares/options.ts';
import { type Patch, type PresetName, presetNames, presetOptions } from '#core/ares/presets.ts';
import type { RolloutGroup } from '#core/ares/rollouts.ts';
import type { PolicyLoss } from '#core/engine/api.ts';
import { mean, sampleDeviation } from '#core/util/statistics.ts';
import { plainRollout, randomBatch } from './batches.ts';

const maxNewTokens = 60;

function iterate(
  groups: readonly RolloutGroup[],
  options: AresOptions,
  state = initialState(options),
): IterationResult {
  return runIteration({ groups, state, options, maxNewTokens });
}

function columnsOf({ batch }: IterationResult, options: AresOptions): PolicyLoss {
  return policyLoss(batch, [...batch.responses.keys()], options.loss, { temperature: 1, maxNewTokens });
}

/** A state that has seen batches, so that lagged parts act. */
function seasoned(options: AresOptions): ControllerState {
  let state = initialState(options);
  for (let seed = 100; seed < 103; seed++) state = iterate(randomBatch(seed, [8, 7, 4, 3, 1, 2]), options, state).state;
  return state;
}

/** A problem whose second response is spoiled. */
function broken(patch: object): RolloutGroup[] {
  return [{ key: 42, rollouts: [plainRollout(4, [], true), { ...plainRollout(4, [], false), ...patch }] }];
}

const batch = randomBatch(1, [8, 6, 5, 4, 3, 2, 1, 0]);

describe('GRPO', () => {
  const options = presetOptions('grpo');
  const result = iterate(batch, options);
  const columns = columnsOf(result, options);

  it('spreads the group advantage over each response and divides by its length', () => {
    let offset = 0;
    for (const group of batch) {
      const rewards = group.rollouts.map(({ correct }) => (correct ? 1 : 0));
      for (const [i, { logprobs }] of group.rollouts.entries()) {
        const advantage = (rewards[i]! - mean(rewards)) / (sampleDeviation(rewards) + 1e-6);
        for (let t = 0; t < logprobs.length; t++) {
          expect(columns.advantages[offset + t]).toBeCloseTo(advantage, 5);
          expect(columns.weights[offset + t]).toBeCloseTo(1 / (64 * logprobs.length), 8);
          expect(columns.klWeights[offset + t]).toBeCloseTo(0.01 / (64 * logprobs.length), 9);
        }
        offset += logprobs.length;
      }
    }
    expect(columns.advantages).toHaveLength(offset);
  });

  it('carries old and reference log-probs unchanged', () => {
    const rollouts = batch.flatMap((group) => group.rollouts);
    expect([...columns.oldLogprobs]).toEqual(rollouts.flatMap(({ logprobs }) => [...logprobs]));
    expect([...columns.refLogprobs]).toEqual(rollouts.flatMap(({ refLogprobs }) => [...refLogprobs!]));
  });
});

describe('other baselines', () => {
  it('DAPO drops all-right and all-wrong groups, and penalises overlong answers with the task', () => {
    const options = presetOptions('dapo');
    const { groups, batch: trained } = iterate(batch, options);
    expect(groups.map(({ kept }) => kept)).toEqual([false, true, true, true, true, true, true, false]);
    expect(trained.klCoefficients.every((value) => value === 0)).toBe(true);
    const overlong = groups.flatMap((group) => group.responses).filter(({ rollout }) => rollout.logprobs.length > 48);
    expect(overlong.length).toBeGreaterThan(0);
    expect(overlong.every(({ reward }) => reward.overlong < 0 && reward.shaping === 0)).toBe(true);
  });

  it('REINFORCE++ whitens over what is kept, and dropped groups push nothing', () => {
    const options = presetOptions('reinforce++', { filter: { rule: 'accuracy' } });
    const { groups, batch: trained } = iterate(batch, options);
    const rewards = batch.slice(1, 7).flatMap((group) => group.rollouts.map(({ correct }) => (correct ? 1 : 0)));
    const expected = rewards.map((value) => (value - mean(rewards)) / (sampleDeviation(rewards) + 1e-6));
    expect([...trained.offsets.subarray(0, -1)].map((start) => trained.advantages[start])).toEqual(
      expected.map((value) => expect.closeTo(value, 5)),
    );
    expect(groups[0]!.responses.every(({ taskAdvantage }) => taskAdvantage === 0)).toBe(true);
  });

  it('80/20 trains a fifth of the tokens, those of highest entropy', () => {
    const options = presetOptions('mask8020');
    const result = iterate(batch, options);
    const { weights } = columnsOf(result, options);
    const entropies = result.trained.flatMap(({ rollout }) => [...rollout.entropiesNats]);
    const kept = entropies.filter((_, t) => weights[t]! > 0);
    expect(kept.length / entropies.length).toBeCloseTo(0.2, 2);
    expect(Math.min(...kept)).toBeGreaterThanOrEqual(Math.max(...entropies.filter((_, t) => weights[t] === 0)));
  });

  it('LASER pays short right answers more', () => {
    const { groups } = iterate(batch, presetOptions('laser', { reward: { laserTargetTokens: 30 } }));
    for (const { rollout, reward } of groups.flatMap((group) => group.responses)) {
      expect(reward.shaping).toBe(rollout.correct && rollout.logprobs.length <= 30 ? 0.5 : 0);
    }
  });

  it('main equals accuracy when the target is the batch mean', () => {
    const main = presetOptions('aepo-main', { target: { rule: 'batchMean' }, filter: { rule: 'accuracy' } });
    const accuracy = { ...main, reward: { ...main.reward, mode: 'accuracy' as const } };
    expect(iterate(batch, main, seasoned(main)).batch).toEqual(iterate(batch, accuracy, seasoned(main)).batch);
  });
});

describe('AEPO by hand', () => {
  // Four responses, three of them right: easy. N_HE is 1, 3, 1, 2, the target (first batch) their mean 1.75.
  const group: RolloutGroup = {
    key: 7,
    rollouts: [
      plainRollout(20, [2], true),
      plainRollout(30, [2, 10, 20], true),
      plainRollout(20, [4], true),
      plainRollout(20, [2, 10], false),
    ],
  };
  const options = presetOptions('aepo', { reward: { marginFloor: 0.25 } });
  // An earlier threshold of 1.9 nats: only complete windows qualify.
  const state: ControllerState = { ...initialState(options), threshold: { thetaNats: 1.9 } };
  const result = iterate([group], options, state);

  it('counts, buckets and targets', () => {
    const [only] = result.groups;
    expect(only).toMatchObject({ bucket: 'easy', correct: 3, target: 1.75, kept: true });
    expect(only!.thetaNats).toBeCloseTo(1.9, 12);
    expect(only!.responses.map(({ highEntropy }) => highEntropy.positions.length)).toEqual([1, 3, 1, 2]);
  });

  it('rewards the excess of a right answer with less, and a wrong one for none', () => {
    // margin = max(0.25, 0.15·1.75) = 0.2625; response 1: Δ = 1.25, x = 0.9875 ≤ κ = 2.
    const penalty = (0.5 * 0.9875 ** 2) / 4 / (0.2625 + 2);
    const shaping = result.groups[0]!.responses.map(({ reward }) => reward.shaping);
    expect(shaping[0]).toBe(0);
    expect(shaping[1]).toBeCloseTo(-penalty, 12);
    expect(shaping[3]).toBe(0);
    const total = [1, 1 - penalty, 1, 0];
    const expected = total.map((value) => (value - mean(total)) / (sampleDeviation(total) + 1e-6));
    const { offsets, advantages } = result.batch;
    expect(expected.map((_, i) => advantages[offsets[i]!])).toEqual(expected.map((value) => expect.closeTo(value, 5)));
  });

  it('halves the KL inside the windows that were counted', () => {
    const outside = Math.fround(0.01 * 2);
    const first = [...result.batch.klCoefficients.subarray(0, 20)];
    expect(first).toEqual(first.map((_, t) => (t >= 2 && t < 6 ? Math.fround(0.01) : outside)));
  });

  it('steps κ by the KL outside the windows', () => {
    const perToken = Math.expm1(-0.2) + 0.2;
    const shares = [16 / 20, 18 / 30, 16 / 20, 12 / 20];
    const control = perToken * mean(shares);
    expect(result.state.kl.kappa.easy).toBeCloseTo(0.01 * (1 + 0.1 * (control / 0.05 - 1)), 7);
    expect(result.state.kl.kappa.hard).toBe(0.01);
    expect(result.metrics['kl/easy/control']).toBeCloseTo(control, 6);
  });

  it('places the shaping on decision tokens alone when told to', () => {
    const placed = presetOptions('aepo', {
      reward: { marginFloor: 0.25 },
      advantage: { shapingPlacement: 'decision', decisionQuantile: 0.7 },
    });
    const { batch: trained, groups } = iterate([group], placed, state);
    for (const [i, { taskAdvantage, shapingAdvantage, rollout }] of groups[0]!.responses.entries()) {
      expect(shapingAdvantage).not.toBe(0);
      for (const [t, entropy] of rollout.entropiesNats.entries()) {
        const expected = entropy === 2 ? taskAdvantage + shapingAdvantage : taskAdvantage;
        expect(trained.advantages[trained.offsets[i]! + t]).toBeCloseTo(expected, 5);
      }
    }
  });

  it('shortens what is solved: in an all-right group only the shaping speaks', () => {
    const solved = { ...group, rollouts: group.rollouts.map((rollout) => ({ ...rollout, correct: true })) };
    const { groups } = iterate([solved], options, state);
    expect(groups[0]!.kept).toBe(true);
    const advantages = groups[0]!.responses.map(({ taskAdvantage, shapingAdvantage }) => [
      taskAdvantage,
      shapingAdvantage,
    ]);
    expect(advantages.map(([task]) => task)).toEqual([0, 0, 0, 0]);
    expect(advantages[1]![1]).toBeLessThan(advantages[0]![1]!);
    const unsolved = { ...group, rollouts: group.rollouts.map((rollout) => ({ ...rollout, correct: false })) };
    expect(iterate([unsolved], options, state).groups[0]!.kept).toBe(false);
  });
});

describe('Algorithm 1', () => {
  it('adds a bonus inside windows that no response gains from in total', () => {
    const options = presetOptions('aepo-alg1', { threshold: { rule: 'T3', quantile: 0.5 } });
    const start = initialState(options);
    const state = { ...start, softCost: { ...start.softCost, lambda: { easy: 0.4, medium: 0.4, hard: 0.4 } } };
    const rollouts = [true, false].map((correct) => plainRollout(16, [3], correct));
    const { groups, batch: trained } = iterate([{ key: 1, rollouts }], options, state);
    for (const [i, { taskAdvantage, shapingAdvantage }] of groups[0]!.responses.entries()) {
      const advantages = [...trained.advantages.subarray(trained.offsets[i], trained.offsets[i + 1])];
      expect(mean(advantages)).toBeCloseTo(taskAdvantage + shapingAdvantage, 6);
      expect(advantages[3]! - advantages[15]!).toBeCloseTo(0.4, 6);
    }
    expect(groups[0]!.responses[0]!.taskAdvantage).toBeCloseTo(0.5 / 16, 9);
  });
});

describe('branches', () => {
  it('share the advantage of their prefix when told to', () => {
    const tree = [0, 1, 2, 3].map((id) => ({ id, parent: id === 3 ? 0 : null, forkPosition: id === 3 ? 5 : 0 }));
    const rollouts = [true, false, true, false].map((correct) => plainRollout(12, [3], correct));
    const options = presetOptions('aepo', { branching: { prefixAdvantage: 'mean' } });
    const { batch: trained, groups, metrics } = iterate([{ key: 1, rollouts, tree }], options);
    expect(metrics['tokens/generated']).toBe(4 * 12 - 5);
    const [first, , , fork] = groups[0]!.responses;
    const at = (i: number, t: number): number => trained.advantages[trained.offsets[i]! + t]!;
    const shared = (first!.taskAdvantage + fork!.taskAdvantage) / 2;
    for (let t = 0; t < 12; t++) {
      expect(at(0, t)).toBeCloseTo(t < 5 ? shared : first!.taskAdvantage, 5);
      expect(at(3, t)).toBeCloseTo(t < 5 ? shared : fork!.taskAdvantage, 5);
    }
  });
});

describe('every preset', () => {
  it.each(presetNames)('%s gives finite columns and metrics, and a state that survives JSON', (name) => {
    const options = presetOptions(name);
    const state = seasoned(options);
    const result = iterate(batch, options, JSON.parse(JSON.stringify(state)) as ControllerState);
    expect(result).toEqual(iterate(batch, options, state));
    const { advantages, weights, klWeights } = columnsOf(result, options);
    for (const column of [advantages, weights, klWeights]) expect(column.every(Number.isFinite)).toBe(true);
    expect(weights.every((value) => value >= 0)).toBe(true);
    expect(Object.values(result.metrics).every(Number.isFinite)).toBe(true);
    expect(result.trained.length).toBeGreaterThan(0);
  });

  it.each(presetNames)('%s treats responses by what they are, not by their place', (name) => {
    const options = presetOptions(name);
    const state = seasoned(options);
    const reversed = batch.map((group) => ({ ...group, rollouts: [...group.rollouts].reverse() }));
    const forward = iterate(batch, options, state).groups.flatMap((group) => group.responses);
    const backward = iterate(reversed, options, state).groups.flatMap((group) => [...group.responses].reverse());
    for (const [i, response] of forward.entries()) {
      expect(backward[i]!.taskAdvantage).toBeCloseTo(response.taskAdvantage, 9);
      expect(backward[i]!.shapingAdvantage).toBeCloseTo(response.shapingAdvantage, 9);
    }
  });

  it('survives an empty batch and responses shorter than a window', () => {
    for (const name of presetNames) {
      const options = presetOptions(name);
      expect(iterate([], options).metrics['groups/total']).toBe(0);
      const short = iterate(
        [
          {
            key: 1,
            rollouts: [plainRollout(1, [], true), plainRollout(0, [], false)].map((rollout) => ({
              ...rollout,
              argmaxTriggers: rollout.triggers,
            })),
          },
        ],
        options,
      );
      expect(Object.values(short.metrics).every(Number.isFinite)).toBe(true);
      expect(short.batch.advantages).toHaveLength(1);
    }
  });
});

describe('switches are felt in the columns', () => {
  const felt: readonly [PresetName, Patch<AresOptions>][] = [
    ['aepo', { entropy: { window: { size: 3 } } }],
    ['aepo', { entropy: { window: { alignment: 'exclusive' } } }],
    ['aepo', { threshold: { rule: 'T1' } }],
    ['aepo', { threshold: { quantile: 0.8 } }],
    ['aepo', { threshold: { scale: 0.7 } }],
    ['aepo', { threshold: { emaFactor: 0 } }],
    ['aepo', { count: { definition: 'A' } }],
    ['aepo', { count: { word: 'argmax' } }],
    ['aepo', { buckets: { easyAtLeast: 5 } }],
    ['aepo', { target: { rule: 'batchMean' } }],
    ['aepo', { target: { emaFactor: 0 } }],
    ['aepo', { target: { coefficients: { easy: 0.25, medium: 0.5, hard: 0.75 } } }],
    ['aepo', { target: { rule: 'groupMean' } }],
    ['aepo', { reward: { mode: 'code' } }],
    ['aepo', { reward: { alpha: 1 } }],
    ['aepo', { reward: { alphaStep: 0 } }],
    ['aepo', { reward: { marginFloor: 0.25 } }],
    ['aepo', { reward: { marginFraction: { easy: 2, medium: 2, hard: 2 } } }],
    ['aepo', { reward: { kappa: { easy: 1, medium: 1 } } }],
    ['aepo', { reward: { temperature: { hard: 1 } } }],
    ['aepo', { reward: { scale: 0.5 } }],
    ['aepo', { reward: { capFactor: { hard: 1 } } }],
    ['aepo', { reward: { wrongFactor: { medium: 0.1, hard: 0.1 }, marginFloor: 0.1 } }],
    ['aepo-main', { reward: { lambdaForm: 'printed' } }],
    ['aepo-main', { threshold: { rule: 'T3' } }],
    ['aepo-alg1', { reward: { softCostRate: 1 } }],
    ['aepo', { advantage: { estimator: 'centred' } }],
    ['aepo', { advantage: { estimator: 'rloo' } }],
    ['aepo', { advantage: { estimator: 'reinforce++' } }],
    ['aepo', { advantage: { estimator: 'alg1' } }],
    ['aepo', { advantage: { deviationFloor: 0.6 } }],
    ['aepo', { advantage: { shapingPlacement: 'decision' } }],
    ['aepo', { advantage: { shapingPlacement: 'window' } }],
    ['aepo', { advantage: { keepShapingOnUniformGroups: 'none' } }],
    ['aepo', { advantage: { keepShapingOnUniformGroups: 'all' } }],
    ['aepo', { filter: { rule: 'none' } }],
    ['aepo', { filter: { low: 0.3 } }],
    ['aepo', { kl: { mode: 'none' } }],
    ['aepo', { kl: { mode: 'fixed' } }],
    ['aepo', { kl: { mode: 'bucket' } }],
    ['aepo', { kl: { rho: 0 } }],
    ['aepo', { kl: { beta: { easy: 1 } } }],
    ['aepo', { kl: { kappa: 0.02 } }],
    ['aepo', { kl: { kappaRate: 0.5 } }],
    ['aepo', { kl: { deltaNats: { hard: 0.01 } } }],
    ['aepo-code', { kl: { coefficient: 0.02 } }],
    ['aepo-code', { kl: { codeController: { everyCalls: 1 } } }],
    ['aepo', { loss: { normalisation: 'tokenMean' } }],
    ['aepo', { loss: { normalisation: 'constant' } }],
    ['drgrpo', { loss: { constantTokens: 1 } }],
    ['aepo', { loss: { entropyKeepFraction: 0.2 } }],
    ['aepo', { reward: { overlongBufferFraction: 0.2 } }],
    ['laser', { reward: { laserBonus: 0.1 } }],
    ['laser', { reward: { laserTargetTokens: 20 } }],
    ['laser', { reward: { laserExpectedCorrect: { easy: 2 } } }],
  ];

  it.each(felt)('%s with %j', (name, patch) => {
    const [before, after] = [presetOptions(name), presetOptions(name, patch)].map((options) =>
      columnsOf(iterate(batch, options, seasoned(options)), options),
    );
    expect(after).not.toEqual(before);
  });

  it('one more high-entropy trigger word changes the advantages of its group', () => {
    const options = presetOptions('aepo', { reward: { marginFloor: 0.1 } });
    const state = seasoned(options);
    const withWord = batch.map((group, g) => {
      if (g !== 1) return group;
      const [first, ...rest] = group.rollouts;
      const entropiesNats = first!.entropiesNats.slice().fill(3, 0, 6);
      const triggers = first!.triggers.slice().fill(1, 0, 3);
      return { ...group, rollouts: [{ ...first!, entropiesNats, triggers }, ...rest] };
    });
    const before = iterate(batch, options, state).groups[1]!.responses[0]!;
    const after = iterate(withWord, options, state).groups[1]!.responses[0]!;
    expect(after.highEntropy.positions.length).toBeGreaterThan(before.highEntropy.positions.length);
    expect(after.shapingAdvantage).toBeLessThan(before.shapingAdvantage);
  });
});

describe('refusals', () => {
  const options = presetOptions('aepo');
  it.each([
    ['a NaN entropy', { entropiesNats: Float32Array.of(0, NaN, 0, 0) }, 'engine'],
    ['a negative entropy', { entropiesNats: Float32Array.of(0, -1, 0, 0) }, 'engine'],
    ['an infinite log-prob', { logprobs: Float32Array.of(0, -Infinity, 0, 0) }, 'engine'],
    ['a positive log-prob', { logprobs: Float32Array.of(0, 1, 0, 0) }, 'engine'],
    ['columns of different length', { triggers: new Uint8Array(3) }, 'engine'],
    ['a missing reference', { refLogprobs: undefined }, 'engine'],
    ['a NaN reference', { refLogprobs: Float32Array.of(0, NaN, 0, 0) }, 'engine'],
    ['a reference of another length', { refLogprobs: new Float32Array(3) }, 'engine'],
  ])('%s names the problem', (_, patch, code) => {
    expect(() => iterate(broken(patch), options)).toThrow(
      expect.objectContaining({ code, where: expect.stringContaining('problem 42') }),
    );
  });

  it('a count on most likely words without them says what to do', () => {
    expect(() => iterate(broken({}), presetOptions('aepo-code'))).toThrow(
      expect.objectContaining({ code: 'unsupported', hint: expect.stringContaining('sampled') }),
    );
  });

  it('a problem without responses', () => {
    expect(() => iterate([{ key: 1, rollouts: [] }], options)).toThrow(/no responses/);
  });
});

describe('in two steps', () => {
  it('needs the reference only for what is kept', () => {
    const options = presetOptions('aepo');
    const bare = batch.map((group) => {
      const rollouts = group.rollouts.map((rollout) => {
        const copy = { ...rollout };
        delete copy.refLogprobs;
        return copy;
      });
      return { ...group, rollouts };
    });
    const input = { groups: bare, state: seasoned(options), options, maxNewTokens };
    const assessment = assess(bare, input.state, options, maxNewTokens);
    for (const [g, group] of assessment.groups.entries()) {
      if (!group.kept) continue;
      for (const [i, { rollout }] of group.responses.entries()) {
        rollout.refLogprobs = batch[g]!.rollouts[i]!.refLogprobs!;
      }
    }
    expect(assessment.groups.some(({ kept }) => !kept)).toBe(true);
    expect(finishIteration(assessment, input).batch).toEqual(iterate(batch, options, input.state).batch);
  });
});

describe('metrics', () => {
  it('say what happened, per bucket, without inventing absent ones', () => {
    const options = presetOptions('aepo-no-branching');
    const solved = randomBatch(3, [8, 7]);
    const { metrics } = iterate(solved, options);
    const rollouts = solved.flatMap((group) => group.rollouts);
    expect(metrics['accuracy/mean']).toBeCloseTo(15 / 16, 12);
    expect(metrics['accuracy/easy/mean']).toBe(metrics['accuracy/mean']);
    expect(metrics['length/mean']).toBeCloseTo(mean(rollouts.map(({ logprobs }) => logprobs.length)), 9);
    expect(metrics['length/truncatedShare']).toBeCloseTo(mean(rollouts.map(({ stopped }) => (stopped ? 0 : 1))), 12);
    expect(metrics['groups/allRight']).toBe(1);
    expect(metrics['alpha/easy']).toBe(0.5);
    expect(metrics['kappa/easy']).toBe(0.01);
    expect(metrics).not.toHaveProperty('accuracy/hard/mean');
    expect(metrics).not.toHaveProperty('lambda/easy');
    const bins = ['low', 'middle', 'high'].map((bin) => metrics[`bins/easy/${bin}/size`]!);
    expect(bins.reduce((a, b) => a + b)).toBe(16);
  });
});
