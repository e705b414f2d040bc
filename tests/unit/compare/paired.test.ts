// Pairing, per-problem means, and which interval and test a number gets.
import { describe, expect, it } from 'vitest';
import {
  differenceOfAccuracies,
  differenceOfMeans,
  estimateAccuracy,
  estimateMean,
  findFlips,
  pairProblems,
} from '#core/compare/paired.ts';
import { groupsOf, problemMeans } from '#core/compare/problems.ts';
import { checkEvaluation } from '#core/compare/types.ts';
import { wilsonInterval } from '#core/util/statistics.ts';
import { answers, evaluationOf } from './samples.ts';

const resampled = Float64Array.from({ length: 1000 }, (_, i) => i / 1000);

describe('problemMeans', () => {
  it('weighs problems alike, leaves ungradable samples out of accuracy but not out of length', () => {
    const means = problemMeans(
      evaluationOf('a', [
        { key: 'x', samples: [...answers('110', 20), { verdict: 'ungradable', length: 60 }] },
        { key: 'y', samples: [{ verdict: 'no_answer', length: 5 }] },
        { key: 'z', samples: [{ verdict: 'ungradable', length: 7 }] },
      ]),
    );
    expect([...means.accuracy]).toEqual([2 / 3, 0, NaN]);
    expect([...means.lengthTokens]).toEqual([30, 5, 7]);
    expect([...means.gradable]).toEqual([3, 1, 0]);
  });

  it('lists the buckets there are, and all of them only when there are several', () => {
    const easy = { key: 'x', samples: answers('1') };
    expect(groupsOf(evaluationOf('a', [easy]))).toEqual(['easy']);
    expect(groupsOf(evaluationOf('a', [{ key: 'y', bucket: 'hard', samples: answers('1') }, easy]))).toEqual([
      'easy',
      'hard',
      'all',
    ]);
  });
});

describe('checkEvaluation', () => {
  const good = evaluationOf('a', [{ key: 'x', samples: answers('10') }]);

  it('refuses columns that contradict each other', () => {
    expect(() => checkEvaluation(good)).not.toThrow();
    const change = (outcomes: object) => () =>
      checkEvaluation({ ...good, outcomes: { ...good.outcomes, ...outcomes } });
    expect(change({ lengthTokens: Int32Array.of(1) })).toThrow(/lengthTokens has 1 entries, not 2/);
    expect(change({ problemIndex: Int32Array.of(0, 4) })).toThrow(/problem 4, which is not listed/);
    expect(change({ verdict: Uint8Array.of(0, 9) })).toThrow(/verdict code 9/);
    expect(change({ correct: Uint8Array.of(1, 1) })).toThrow(/verdict disagrees/);
    expect(change({ lengthTokens: Int32Array.of(3, -1) })).toThrow(/negative length/);
    const twice = [...good.problems, ...good.problems];
    expect(() => checkEvaluation({ ...good, problems: twice })).toThrow(/same key/);
    const more = [...good.problems, { ...good.problems[0]!, key: 'y', id: 'lonely' }];
    expect(() => checkEvaluation({ ...good, problems: more })).toThrow(/"lonely" has no samples/);
  });
});

describe('pairProblems', () => {
  const first = evaluationOf('a', [
    { key: 'x', samples: answers('1') },
    { key: 'y', samples: answers('1') },
  ]);

  it('matches problems by key, whatever their order', () => {
    const second = evaluationOf('b', [
      { key: 'y', samples: answers('1') },
      { key: 'x', samples: answers('1') },
    ]);
    expect(pairProblems(first, second)).toEqual([1, 0]);
  });

  it('refuses other problems, fewer problems and other buckets', () => {
    const other = evaluationOf('b', [
      { key: 'x', samples: answers('1') },
      { key: 'q', samples: answers('1') },
    ]);
    expect(() => pairProblems(first, other)).toThrow(/"problem y" is missing/);
    expect(() => pairProblems(first, evaluationOf('b', [{ key: 'x', samples: answers('1') }]))).toThrow(
      /on 2 problems/,
    );
    const moved = evaluationOf('b', [
      { key: 'x', samples: answers('1') },
      { key: 'y', bucket: 'hard', samples: answers('1') },
    ]);
    expect(() => pairProblems(first, moved)).toThrow(/easy in one and hard in the other/);
  });
});

describe('intervals', () => {
  it('uses Wilson for one graded sample per problem, the bootstrap for several', () => {
    const accuracy = Float64Array.of(1, 0, 1, 1);
    const single = estimateAccuracy(accuracy, Float64Array.of(1, 1, 1, 1), resampled);
    expect(single).toMatchObject({ value: 0.75, interval: 'wilson', problems: 4, ...wilsonInterval(3, 4) });
    const several = estimateAccuracy(accuracy, Float64Array.of(4, 4, 4, 4), resampled);
    expect(several.interval).toBe('bootstrap');
    expect(several.low).toBeCloseTo(0.025, 2);
  });

  it('does not claim certainty where every problem agrees', () => {
    const perfect = estimateAccuracy(Float64Array.of(1, 1, 1), Float64Array.of(8, 8, 8), Float64Array.of(1, 1));
    expect(perfect).toMatchObject({ value: 1, interval: 'wilson', high: 1 });
    expect(perfect.low).toBeCloseTo(wilsonInterval(3, 3).low, 12);
  });

  it('gives no interval for a single problem', () => {
    expect(estimateMean(Float64Array.of(12), Float64Array.of(12))).toMatchObject({
      value: 12,
      low: NaN,
      interval: 'none',
    });
    expect(differenceOfMeans(Float64Array.of(12, NaN), Float64Array.of(12))).toMatchObject({ p: NaN, test: 'none' });
  });
});

describe('differenceOfAccuracies', () => {
  const one = Float64Array.of(1, 1, 1, 1);

  it('takes McNemar for one sample per problem', () => {
    const difference = differenceOfAccuracies(
      { accuracy: Float64Array.of(1, 1, 1, 0), gradable: one },
      { accuracy: Float64Array.of(0, 0, 1, 0), gradable: one },
      resampled,
    );
    // Two problems gained, none lost: 2 · (1/2)².
    expect(difference).toMatchObject({ value: 0.5, test: 'mcnemar', p: 0.5 });
  });

  it('bounds the difference of arms that no problem tells apart', () => {
    const same = { accuracy: Float64Array.of(1, 0.5, 1, 0.5), gradable: Float64Array.of(2, 2, 2, 2) };
    const difference = differenceOfAccuracies(same, same, new Float64Array(100));
    const unseen = wilsonInterval(0, 4).high;
    expect(difference).toMatchObject({ value: 0, p: 1, low: -unseen, high: unseen });
  });
});

describe('findFlips', () => {
  it('finds problems that only one arm solves by majority, the clearest first', () => {
    const first = evaluationOf('a', [
      { key: 'both', samples: answers('111') },
      { key: 'narrow', samples: answers('110') },
      { key: 'clear', samples: answers('111') },
      { key: 'lost', samples: answers('000') },
      { key: 'half', samples: answers('1100') },
    ]);
    const second = evaluationOf('b', [
      { key: 'lost', samples: answers('011') },
      { key: 'half', samples: answers('0000') },
      { key: 'clear', samples: answers('000') },
      { key: 'narrow', samples: answers('100') },
      { key: 'both', samples: answers('110') },
    ]);
    const flips = findFlips(first, second).map(({ problem, ...rest }) => ({ key: problem.key, ...rest }));
    expect(flips).toEqual([
      { key: 'clear', solvedBy: 'first', first: [3, 3], second: [0, 3] },
      { key: 'lost', solvedBy: 'second', first: [0, 3], second: [2, 3] },
      { key: 'narrow', solvedBy: 'first', first: [2, 3], second: [1, 3] },
    ]);
  });
});
