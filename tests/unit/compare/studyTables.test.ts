// The study at equal budgets, with seeds pooled, and its cost, against numbers worked out by hand.
import { describe, expect, it } from 'vitest';
import { poolSeeds } from '#core/compare/poolSeeds.ts';
import { problemMeans } from '#core/compare/problems.ts';
import { summariseStudy } from '#core/compare/study.ts';
import { studyBudgetTable, studyTrainingTable } from '#core/compare/studyBudget.ts';
import { errorOf } from '../store/helpers.ts';
import { answers, evaluationOf } from './samples.ts';

const short = { key: 'a', samples: [...answers('1', 10), ...answers('1', 30)] };
const long = { key: 'b', bucket: 'hard' as const, samples: answers('10', 40) };
const first = evaluationOf('grpo', [short, long]);
// The same problems in another order, as another project may have them.
const second = evaluationOf('grpo', [
  { ...long, samples: answers('11', 40) },
  { ...short, samples: answers('00', 10) },
]);

describe('poolSeeds', () => {
  it('takes all samples of all seeds, problem by problem', () => {
    const [pooled, ...others] = poolSeeds([
      { seed: 1, evaluation: first },
      { seed: 2, evaluation: second },
    ]);
    expect(others).toEqual([]);
    expect(pooled!.problems).toEqual(first.problems);
    expect(Array.from(problemMeans(pooled!).accuracy)).toEqual([0.5, 0.75]);
    expect(Array.from(problemMeans(pooled!).lengthTokens)).toEqual([15, 40]);
  });

  it('keeps arms apart and refuses other problems', () => {
    const other = evaluationOf('aepo', [short, long]);
    expect(poolSeeds([first, other].map((evaluation) => ({ seed: 1, evaluation }))).map(({ arm }) => arm)).toEqual([
      'grpo',
      'aepo',
    ]);
    const alien = evaluationOf('grpo', [short, { ...long, key: 'c' }]);
    expect(errorOf(() => poolSeeds([first, alien].map((evaluation, seed) => ({ seed, evaluation })))).code).toBe(
      'bad-data',
    );
  });
});

describe('studyBudgetTable', () => {
  it('counts what is longer than the budget as wrong, per seed', () => {
    const runs = [
      { seed: 1, evaluation: first },
      { seed: 2, evaluation: second },
    ];
    const table = studyBudgetTable(runs, summariseStudy(runs, 'grpo'));
    // Lengths are 10, 30, 40, 40 and 40, 40, 10, 10: quartiles 10, 35, 40 and the longest, again 40.
    expect(table.columns.map(({ key }) => key)).toEqual([
      'within_10',
      'within_35',
      'within_40',
      'right_per_1000_tokens',
    ]);
    const { cells } = table.groups[0]!.rows[0]!;
    // Seed 1: problem a .5 then 1, problem b 0 then .5. Seed 2: nothing right but b, at 40.
    expect(cells['within_10']).toMatchObject({ value: 0.125 });
    expect(cells['within_35']).toMatchObject({ value: 0.25 });
    expect(cells['within_40']).toMatchObject({ value: (0.75 + 0.5) / 2 });
    expect(cells['right_per_1000_tokens']).toMatchObject({ value: (25 + 20) / 2 });
  });
});

describe('studyTrainingTable', () => {
  it('sums what every run drew, per arm; what a run did not log is not measured', () => {
    const curve = (arm: string, seed: number, sampled: readonly number[]) => ({
      arm,
      label: arm.toUpperCase(),
      seed,
      steps: 2,
      series: {
        'tokens/generated': { step: [0, 1], value: sampled },
        'groups/total': { step: [0, 1], value: [16, 20] },
      },
    });
    const table = studyTrainingTable([
      curve('grpo', 1, [1000, 2000]),
      curve('aepo', 1, [500, 500]),
      curve('grpo', 2, [2000, 3000]),
    ]);
    const [grpo, aepo] = table.groups[0]!.rows;
    expect([grpo!.label, aepo!.label]).toEqual(['GRPO', 'AEPO']);
    expect(grpo!.cells).toMatchObject({ steps: { value: 2 }, groups: { value: 36 }, sampled: { value: 4 } });
    expect(grpo!.cells['sampled']).toMatchObject({ deviation: Math.SQRT2 });
    expect(aepo!.cells).toMatchObject({ sampled: { value: 1 }, trained: { value: NaN } });
  });
});
