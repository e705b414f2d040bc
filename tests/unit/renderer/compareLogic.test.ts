// What the Compare room decides: which arms, which problems, where traces part, what blind judgements say.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArmInfo } from '#core/contract/contract.ts';
import { blindItems, choiceOf, nextItem, tallyOf } from '../../../renderer/rooms/compare/blindTest.ts';
import { metricsIn } from '../../../renderer/rooms/compare/curveMetrics.ts';
import { divergenceOf } from '../../../renderer/rooms/compare/divergence.ts';
import {
  type ProblemColumns,
  type RowFilter,
  countOutcomes,
  rowsOf,
} from '../../../renderer/rooms/compare/problemRows.ts';
import { nestedRows } from '../../../renderer/rooms/compare/recipeRows.ts';
import { selectArms } from '../../../renderer/rooms/compare/selection.ts';

function arm(armId: string, changes: Partial<ArmInfo> = {}): ArmInfo {
  return {
    armId,
    runId: 1,
    stage: 1,
    arm: 'base',
    label: 'Base',
    runName: 'run',
    runKind: 'pipeline',
    seed: 1,
    modelKey: null,
    model: 'tiny',
    dataset: 'sums',
    problems: 10,
    samples: 40,
    temperature: 1,
    maxNewTokens: 64,
    problemsHash: 'sums',
    shared: 10,
    createdMs: 1,
    ...changes,
  };
}
const dials = { dataset: 'dials', problemsHash: 'dials', shared: 0 };

describe('selectArms', () => {
  it('compares arms with the same problems and says why others stay apart', () => {
    const some = arm('3:1', { problemsHash: 'part', problems: 6, shared: 4 });
    const { compared, apart, reference } = selectArms([arm('1:1'), arm('1:3'), arm('2:1', dials), some], '1:3');
    expect(compared.map(({ armId }) => armId)).toEqual(['1:1', '1:3']);
    expect(reference).toBe('1:3');
    expect(apart.map(({ armId, reason }) => [armId, reason])).toEqual([
      ['2:1', 'Answered other problems: 10 of dials.'],
      ['3:1', 'Answered 6 problems of which 4 are among the 10 compared here; all must be.'],
    ]);
  });

  it('follows the reference to other problems', () => {
    const { compared, apart } = selectArms([arm('1:1'), arm('2:1', dials), arm('2:3', dials)], '2:1');
    expect(compared.map(({ armId }) => armId)).toEqual(['2:1', '2:3']);
    expect(apart.map(({ armId }) => armId)).toEqual(['1:1']);
  });

  it('takes the first where the reference is not chosen, and nothing from nothing', () => {
    expect(selectArms([arm('1:1')], '9:9').reference).toBe('1:1');
    expect(selectArms([], '1:1')).toEqual({ compared: [], apart: [], reference: null });
  });

  it('joins the evaluations of a model on several benchmarks, in one order for every model', () => {
    const [a, b] = [{ modelKey: 'a' }, { modelKey: 'b' }];
    const chosen = [arm('1:1', a), arm('2:1', { ...a, ...dials }), arm('3:1', { ...b, ...dials }), arm('4:1', b)];
    const { compared, apart, reference } = selectArms(chosen, '1:1');
    expect(compared.map(({ armId }) => armId)).toEqual(['2:1+1:1', '3:1+4:1']);
    expect(reference).toBe('2:1+1:1');
    expect(apart).toEqual([]);
  });

  it('names the benchmark that is missing', () => {
    const of = (modelKey: string, id: string, changes = {}) => arm(id, { modelKey, ...changes });
    const chosen = [of('a', '1:1'), of('a', '2:1', dials), of('b', '3:1'), of('b', '4:1', dials), of('c', '5:1')];
    expect(selectArms(chosen, null).apart).toMatchObject([
      { armId: '5:1', reason: 'Was evaluated on sums, but not on dials.' },
    ]);
  });

  it('joins nothing that was sampled differently, nor where joining would leave nothing to compare', () => {
    const a = { modelKey: 'a' };
    const hot = selectArms([arm('1:1', a), arm('2:1', { ...a, ...dials, temperature: 0.5 })], null);
    expect(hot.compared.map(({ armId }) => armId)).toEqual(['1:1']);
    const lonely = selectArms([arm('1:1', a), arm('2:1', { ...a, ...dials }), arm('1:3', { modelKey: 'b' })], null);
    expect(lonely.compared.map(({ armId }) => armId)).toEqual(['1:1', '1:3']);
  });
});

/** Two arms, four samples each; per problem how many of them are right. */
function columns(first: readonly number[], second: readonly number[], graded = 4): ProblemColumns {
  const problems = first.length;
  return {
    key: first.map((_, i) => `key ${i}`),
    id: first.map((_, i) => `p${i}`),
    prompt: first.map((_, i) => `Add ${i} and seven`),
    bucket: Uint8Array.from(first, (_, i) => i % 3),
    sources: ['a', 'b'],
    source: Int32Array.from(first, (_, i) => i % 2),
    correct: Int32Array.from([...first, ...second]),
    graded: new Int32Array(2 * problems).fill(graded),
    samples: new Int32Array(2 * problems).fill(4),
    meanLengthTokens: Float64Array.from([...first, ...second], (_, i) => (i * 7) % 5),
  };
}
const everything: RowFilter = { first: 0, second: 1, outcome: 'all', bucket: null, source: null, search: '' };

describe('problem rows', () => {
  const data = columns([4, 0, 3, 1, 2], [0, 4, 4, 0, 2]);

  it('call a problem solved by more than half of the graded answers', () => {
    expect(countOutcomes(data, 0, 1)).toEqual({ first: 1, second: 1, both: 1, neither: 2, open: 0 });
    expect(countOutcomes(columns([0], [0], 0), 0, 1)).toMatchObject({ open: 1 });
  });

  it('filter by flip, bucket, source and words, all at once', () => {
    const rows = (filter: Partial<RowFilter>) =>
      rowsOf(data, { ...everything, ...filter }, { key: 'id', descending: false });
    expect(rows({ outcome: 'flips' })).toEqual([0, 1]);
    expect(rows({ outcome: 'second' })).toEqual([1]);
    expect(rows({ first: 1, second: 0, outcome: 'second' })).toEqual([0]);
    expect(rows({ bucket: 'easy' })).toEqual([0, 3]);
    expect(rows({ bucket: 'easy', source: 'b' })).toEqual([3]);
    expect(rows({ search: 'SEVEN 2' })).toEqual([2]);
    expect(rows({ search: 'p2' })).toEqual([2]);
  });

  it('sort by the gap between the arms, ties in the order of the problems', () => {
    const gap = (descending: boolean) => rowsOf(data, everything, { key: 'gap', descending });
    expect(gap(true)).toEqual([0, 3, 4, 2, 1]);
    expect(gap(false)).toEqual([1, 2, 4, 3, 0]);
  });
});

describe('divergenceOf', () => {
  it('counts the tokens that both begin with, however the text is cut', () => {
    expect(divergenceOf(['so ', 'it is ', '5'], ['so ', 'it ', 'is ', '6'])).toEqual({
      sharedTokens: [2, 3],
      sharedCharacters: 9,
      isSame: false,
    });
    expect(divergenceOf(['ab', 'c'], ['a', 'bd']).sharedTokens).toEqual([1, 1]);
    expect(divergenceOf([], ['x'])).toEqual({ sharedTokens: [0, 0], sharedCharacters: 0, isSame: false });
    expect(divergenceOf(['x', ''], ['x'])).toMatchObject({ sharedTokens: [2, 1], isSame: true });
  });

  it('finds the first character that differs', () => {
    const pieces = fc.array(fc.string({ maxLength: 3 }), { maxLength: 8 });
    fc.assert(
      fc.property(pieces, pieces, (first, second) => {
        const [a, b] = [first.join(''), second.join('')];
        const { sharedTokens, sharedCharacters } = divergenceOf(first, second);
        expect(a.slice(0, sharedCharacters)).toBe(b.slice(0, sharedCharacters));
        if (sharedCharacters < Math.min(a.length, b.length)) expect(a[sharedCharacters]).not.toBe(b[sharedCharacters]);
        expect(first.slice(0, sharedTokens[0]).join('').length).toBeLessThanOrEqual(sharedCharacters);
        expect(second.slice(0, sharedTokens[1]).join('').length).toBeLessThanOrEqual(sharedCharacters);
      }),
    );
  });
});

describe('blind test', () => {
  const keys = Array.from({ length: 200 }, (_, i) => `problem ${i}`);

  it('fixes order, sides and samples by its seed, whatever order the problems come in', () => {
    const items = blindItems(keys, 5);
    expect(blindItems(keys.toReversed(), 5)).toEqual(items);
    expect(blindItems(keys, 6).map(({ problemKey }) => problemKey)).not.toEqual(
      items.map(({ problemKey }) => problemKey),
    );
    expect(items.map(({ problemKey }) => problemKey).sort()).toEqual([...keys].sort());
    const left = items.filter(({ firstIsLeft }) => firstIsLeft).length;
    expect(left).toBeGreaterThan(70);
    expect(left).toBeLessThan(130);
  });

  it('goes on where it was left', () => {
    const items = blindItems(keys, 5);
    const judgements = items.slice(0, 3).map(({ problemKey }) => ({ problemKey, choice: 'tie' as const }));
    expect(nextItem(items, { judgements })).toBe(items[3]);
    expect(nextItem(items.slice(0, 3), { judgements })).toBeUndefined();
  });

  it('turns sides into arms', () => {
    expect(choiceOf('left', { firstIsLeft: true })).toBe('first');
    expect(choiceOf('left', { firstIsLeft: false })).toBe('second');
    expect(choiceOf('right', { firstIsLeft: false })).toBe('first');
    expect(choiceOf('neither', { firstIsLeft: false })).toBe('neither');
  });

  it('counts preferences among what was decided, with an interval and an exact test', () => {
    const choices = [...'fffffffs', 't', 'n'].map((mark, i) => ({
      problemKey: String(i),
      choice: ({ f: 'first', s: 'second', t: 'tie', n: 'neither' } as const)[mark as 'f'],
    }));
    const tally = tallyOf(choices);
    expect(tally).toMatchObject({ first: 7, second: 1, tie: 1, neither: 1 });
    expect(tally.preference.value).toBe(7 / 8);
    expect(tally.preference.low).toBeCloseTo(0.529, 3);
    // 2 · (1 + 8) / 2^8
    expect(tally.p).toBeCloseTo(0.0703125, 12);
    expect(tallyOf([]).p).toBeNaN();
    expect(tallyOf([]).preference).toMatchObject({ low: 0, high: 1 });
  });
});

describe('metricsIn', () => {
  const logged = ['reward/hard/mean', 'loss', 'accuracy/mean', 'bins/easy/low/size', 'accuracy/easy/mean'];

  it('shows what was logged, the usual first', () => {
    expect(metricsIn('usual', logged)).toEqual(['accuracy/mean', 'loss']);
    expect(metricsIn('buckets', logged)).toEqual(['accuracy/easy/mean', 'reward/hard/mean']);
    expect(metricsIn('all', logged).slice(0, 2)).toEqual(['accuracy/mean', 'loss']);
    expect(metricsIn('all', logged).toSorted()).toEqual(logged.toSorted());
  });
});

describe('nestedRows', () => {
  it('puts a heading before the settings of a group, once', () => {
    const values = [{ value: 1 }, null];
    const rows = nestedRows(['policy.method.beta', 'policy.method.kl.form', 'seed'].map((path) => ({ path, values })));
    expect(rows.map(({ name, depth, values }) => [depth, name, values === null])).toEqual([
      [0, 'policy', true],
      [1, 'method', true],
      [2, 'beta', false],
      [2, 'kl', true],
      [3, 'form', false],
      [0, 'seed', false],
    ]);
  });
});
