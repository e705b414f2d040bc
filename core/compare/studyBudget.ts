/**
 * What the arms of a study cost, and what they score at equal cost.
 *
 * Owns: the table of accuracy when no response may be longer than a budget (budgets are quartiles of all
 * lengths, so that they cut where arms differ), and the table of what training took. The accuracy within
 * a budget is tokenBudget.ts.
 */
import { quantile } from '#core/util/statistics.ts';
import { aggregateSeeds } from './aggregateSeeds.ts';
import { formatNumber } from './format.ts';
import type { Study, StudyRun } from './study.ts';
import type { Table } from './table.ts';
import { budgetCurves } from './tokenBudget.ts';
import type { TrainingCurve } from './types.ts';

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

/** What policy optimisation took: steps, problems drawn, tokens sampled and trained on; mean ± sd over seeds. */
export function studyTrainingTable(curves: readonly TrainingCurve[]): Table {
  const arms = [...new Map(curves.map(({ arm, label }) => [arm, label]))];
  const rows = arms.map(([arm, label]) => {
    const own = curves.filter((curve) => curve.arm === arm);
    const summed = (name: string, unit: number) => {
      const { mean, deviation } = aggregateSeeds(own.map(({ series }) => sumOf(series[name]?.value) / unit));
      return { value: mean, deviation };
    };
    return {
      label,
      cells: {
        steps: { value: aggregateSeeds(own.map(({ steps }) => steps)).mean },
        groups: summed('groups/total', 1),
        sampled: summed('tokens/generated', 1000),
        trained: summed('tokens/trained', 1000),
      },
    };
  });
  return {
    title: 'What training took',
    columns: [
      { key: 'steps', header: 'steps', quantity: 'count', priority: 0 },
      { key: 'groups', header: 'groups of responses', quantity: 'count', priority: 1 },
      { key: 'sampled', header: 'sampled, thousand tokens', quantity: 'count', priority: 2 },
      { key: 'trained', header: 'trained on, thousand tokens', quantity: 'count', priority: 3 },
    ],
    groups: [{ key: 'all', label: 'policy optimisation', rows }],
    notes: [
      'A fork samples only what follows its prefix. Tokens are trained on where their group was not filtered out. ' +
        'Mean ± standard deviation over training seeds.',
    ],
  };
}

/** NaN, "not measured", for a series that a run did not log. */
function sumOf(values: ArrayLike<number> | undefined): number {
  return values === undefined ? NaN : Array.from(values).reduce((total, value) => total + value, 0);
}

function keyOf(budgetTokens: number): string {
  return `within_${budgetTokens}`;
}
