/**
 * A study at equal token budgets: what every arm scores when no response may be longer than so much.
 *
 * Owns: the budgets (quartiles of all lengths, so that they cut where arms differ) and their table. The
 * accuracy within a budget is tokenBudget.ts.
 */
import { quantile } from '#core/util/statistics.ts';
import { aggregateSeeds } from './aggregateSeeds.ts';
import { formatNumber } from './format.ts';
import type { Study, StudyRun } from './study.ts';
import type { Table } from './table.ts';
import { budgetCurves } from './tokenBudget.ts';

/** Quantiles of the lengths of all responses of all arms; the last one is the longest response. */
const QUANTILES = [0.25, 0.5, 0.75, 1];

/** Accuracy over all problems within each budget, and right answers per 1000 tokens; mean ± sd over seeds. */
export function studyBudgetTable(runs: readonly StudyRun[], study: Study): Table {
  const lengths = runs.flatMap(({ evaluation }) => Array.from(evaluation.outcomes.lengthTokens));
  const budgetTokens = [...new Set(QUANTILES.map((q) => Math.round(quantile(lengths, q))))];
  const rows = study.arms.map(({ arm, label }) => {
    const evaluations = runs.flatMap(({ evaluation }) => (evaluation.arm === arm ? [evaluation] : []));
    // The intervals of a single seed are not asked for.
    const curves = budgetCurves(evaluations, { budgetTokens, resamples: 1 });
    const within = budgetTokens.map((_, index) => aggregateSeeds(curves.map(({ accuracy }) => accuracy[index]!)));
    const efficiency = aggregateSeeds(
      evaluations.map(({ outcomes }) => {
        const right = outcomes.correct.reduce((total, each) => total + each, 0);
        return (1000 * right) / outcomes.lengthTokens.reduce((total, each) => total + each, 0);
      }),
    );
    const cell = ({ mean, deviation }: { mean: number; deviation: number }) => ({ value: mean, deviation });
    const cells = Object.fromEntries(within.map((summary, index) => [keyOf(budgetTokens[index]!), cell(summary)]));
    return { label, cells: { ...cells, right_per_1000_tokens: cell(efficiency) } };
  });
  return {
    title: 'Accuracy when no response may be longer than a budget',
    columns: [
      ...budgetTokens.map((budget, index) => ({
        key: keyOf(budget),
        header: `≤ ${formatNumber(budget, 'count')} tokens`,
        quantity: 'share' as const,
        priority: index,
      })),
      { key: 'right_per_1000_tokens', header: 'right per 1000 tokens', quantity: 'tokens', priority: 9 },
    ],
    groups: [{ key: 'all', label: 'all', rows }],
    notes: [
      'A longer response counts as wrong, as if it had been cut off there. Budgets are quartiles of the lengths of all ' +
        'responses of all arms, and the longest of them. Mean ± standard deviation over training seeds.',
    ],
  };
}

function keyOf(budgetTokens: number): string {
  return `within_${budgetTokens}`;
}
