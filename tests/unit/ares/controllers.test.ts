// α and λ: which way they move, how far, and that the whole state survives JSON.
import { describe, expect, it } from 'vitest';
import { initialState, nextAlpha, nextSoftCost } from '#core/ares/controllers.ts';
import { type PerBucket, defaultOptions, perBucket } from '#core/ares/options.ts';
import { presetNames, presetOptions } from '#core/ares/presets.ts';

const options = defaultOptions.reward;
const half = perBucket(() => 0.5);

function costs(easy: readonly number[]): PerBucket<readonly number[]> {
  return { easy, medium: [], hard: [] };
}

describe('α', () => {
  it('rises where easy and medium exceed their target and where hard falls short', () => {
    const observed = { easy: 10.25, medium: 9.75, hard: 9.75 };
    expect(
      nextAlpha(
        half,
        observed,
        perBucket(() => 10),
        options,
      ),
    ).toEqual({
      easy: expect.closeTo(0.5125, 12),
      medium: expect.closeTo(0.4875, 12),
      hard: expect.closeTo(0.5125, 12),
    });
  });

  it('moves by at most half a step, within its bounds, and only where there was a batch', () => {
    const observed = { easy: 100, medium: null, hard: 100 };
    const next = nextAlpha(
      { easy: 1.99, medium: 0.7, hard: 0.01 },
      observed,
      perBucket(() => 10),
      options,
    );
    expect(next).toEqual({ easy: 2, medium: 0.7, hard: 0 });
    expect(
      nextAlpha(
        half,
        observed,
        perBucket(() => 10),
        options,
      ).easy,
    ).toBeCloseTo(0.525, 12);
    expect(
      nextAlpha(
        half,
        observed,
        perBucket(() => 10),
        { ...options, alphaStep: 0 },
      ),
    ).toEqual(half);
  });
});

describe('λ of the soft cost', () => {
  it('starts with the first batch as budget and ascends while costs exceed it', () => {
    const start = initialState(defaultOptions).softCost;
    const first = nextSoftCost(start, costs(Array(8).fill(2)), options);
    expect(first).toEqual({ lambda: perBucket(() => 0), budgetNats: { easy: 2, medium: null, hard: null } });
    const second = nextSoftCost(first, costs(Array(8).fill(5)), options);
    expect(second.lambda.easy).toBeCloseTo(0.03, 12);
    expect(second.budgetNats.easy).toBe(2);
    expect(nextSoftCost(second, costs(Array(8).fill(0)), options).lambda.easy).toBeCloseTo(0.01, 12);
    expect(nextSoftCost(first, costs(Array(8).fill(0)), options).lambda.easy).toBe(0);
  });

  it('waits for enough samples', () => {
    const start = initialState(defaultOptions).softCost;
    expect(nextSoftCost(start, costs(Array(7).fill(2)), options)).toEqual(start);
  });
});

describe('the state', () => {
  it('survives JSON for every preset', () => {
    for (const name of presetNames) {
      const state = initialState(presetOptions(name));
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    }
  });
});
