/** The second grader, and the list of cases where the two disagree. */
import { describe, expect, it } from 'vitest';
import { disagreements } from '#core/grading/audit.ts';
import { gradeBatch } from '#core/grading/grade.ts';
import { gradeStrictly } from '#core/grading/strict.ts';

describe('gradeStrictly', () => {
  it('compares spellings and decimal numbers', () => {
    const verdicts = (
      [
        ['18', 'so \\boxed{18.0}'],
        ['1,080', '#### 1080'],
        ['\\frac{1}{2}', 'The answer is $\\dfrac12$.'],
        ['\\text{(B)}', '\\boxed{B}'],
        ['12', '\\boxed{21}'],
        ['0.5', '\\boxed{\\frac12}'],
        ['18', 'no idea'],
        ['', '\\boxed{18}'],
      ] as const
    ).map(([gold, response]) => gradeStrictly(gold, response).verdict);
    expect(verdicts).toEqual(['correct', 'correct', 'correct', 'correct', 'wrong', 'wrong', 'no_answer', 'ungradable']);
  });

  it('takes the answer after the thinking', () => {
    expect(gradeStrictly('2', '<think>\\boxed{1}</think> \\boxed{2}').verdict).toBe('correct');
    expect(gradeStrictly('1', '<think>\\boxed{1}</think> done').verdict).toBe('correct');
  });
});

describe('disagreements', () => {
  it('lists what only the strict grader calls correct before what it misses', () => {
    const cases = [
      { gold: '18', response: '\\boxed{18}' },
      { gold: '0.5', response: '\\boxed{\\frac12}' },
      { gold: '18', response: '<think>the answer is 18' },
    ];
    const found = disagreements(cases, gradeBatch(cases));
    expect(found.map(({ index, verdict, strictVerdict }) => [index, verdict, strictVerdict])).toEqual([
      [2, 'no_answer', 'correct'],
      [1, 'correct', 'wrong'],
    ]);
  });
});
