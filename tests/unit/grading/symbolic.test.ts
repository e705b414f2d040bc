/** What computer algebra adds to the rules, and what it must not add. */
import { describe, expect, it } from 'vitest';
import { gradeBatch } from '#core/grading/grade.ts';
import { gradeResponses } from '#core/grading/symbolic.ts';
import type { Verdict } from '#core/grading/verdict.ts';

const cases: [gold: string, answer: string, verdict: Verdict][] = [
  ['\\sum_{k=1}^{5} k', '15', 'correct'],
  ['15', '\\sum_{k=1}^{5} k', 'correct'],
  ['\\int_0^1 x^2 dx', '\\frac13', 'correct'],
  ['(n+1)!', '(n+1)n!', 'correct'],
  ['F_n = \\sum_{k=0}^{n-1} F_k F_{n-k-1}', 'F_n = \\sum_{k=0}^{n-1} F_{n-k-1} F_k', 'correct'],
  ['F_n = \\sum_{k=0}^{n-1} F_k F_{n-k-1}', 'F_n = \\sum_{k=0}^{n-2} F_k F_{n-k-2}', 'ungradable'],
  ['\\sum_{k=1}^{5} k', '16', 'wrong'],
  ['7', '\\lim_{x\\to 0}\\frac{\\sin x}{x}', 'wrong'],
  // Equal within any tolerance, or both infinite to a machine: never correct.
  ['\\frac{1}{2004!}', '\\frac{1}{2006!}', 'ungradable'],
  ['2^{2^{100}}', '2^{2^{101}}', 'ungradable'],
  ['\\foo{3}', '\\foo{4}', 'ungradable'],
];
const requests = cases.map(([gold, answer]) => ({ gold, response: `\\boxed{${answer}}` }));

describe('gradeResponses', () => {
  it('proves what the rules leave undecided, and takes nothing but proof', async () => {
    const grades = await gradeResponses(requests);
    expect(grades.map(({ verdict }, i) => [cases[i]![0], cases[i]![1], verdict])).toEqual(cases);
  });

  it('gives the same verdicts again, in any order', async () => {
    const first = await gradeResponses(requests);
    const again = await gradeResponses(requests.toReversed());
    expect(again.toReversed()).toEqual(first);
  });

  it('agrees with the rules wherever they decide', async () => {
    const plain = ['18', '\\frac12', 'x+1', '(B)', 'Evelyn'].map((gold) => ({ gold, response: 'so \\boxed{18}' }));
    expect(await gradeResponses(plain)).toEqual(gradeBatch(plain));
  });
});
