// Accuracy at a token budget.
import { describe, expect, it } from 'vitest';
import { compareEvaluations, overallOf } from '#core/compare/comparison.ts';
import { budgetCurves } from '#core/compare/tokenBudget.ts';
import { drawnEvaluation, evaluationOf } from './samples.ts';

describe('budgetCurves', () => {
  it('counts a response longer than the budget as wrong', () => {
    const evaluation = evaluationOf('a', [
      { key: 'x', samples: [{ length: 10 }, { length: 30 }] },
      {
        key: 'y',
        samples: [
          { length: 20, verdict: 'wrong' },
          { length: 20, verdict: 'ungradable' },
        ],
      },
      { key: 'z', bucket: 'hard', samples: [{ length: 20 }] },
    ]);
    const [curve] = budgetCurves([evaluation], { budgetTokens: [9, 10, 20, 30] });
    expect(curve!.accuracy).toEqual([0, 0.5 / 3, 1.5 / 3, 2 / 3]);
    expect(budgetCurves([evaluation], { group: 'hard', budgetTokens: [19, 20] })[0]!.accuracy).toEqual([0, 1]);
  });

  it('rises to the accuracy without a budget, with the accuracy inside its band', () => {
    const evaluation = drawnEvaluation('a', [0.9, 0.6, 0.3], [20, 40, 60]);
    const [curve] = budgetCurves([evaluation]);
    const { accuracy, low, high, budgetTokens } = curve!;
    accuracy.forEach((value, i) => {
      expect(value).toBeGreaterThanOrEqual(accuracy[i - 1] ?? 0);
      expect(low[i]).toBeLessThanOrEqual(value);
      expect(high[i]).toBeGreaterThanOrEqual(value);
    });
    expect(budgetTokens[0]).toBe(0);
    expect(accuracy.at(-1)).toBeCloseTo(overallOf(compareEvaluations([evaluation]), 'a').accuracy.value, 12);
  });
});
