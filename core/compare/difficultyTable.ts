/**
 * Labels as a table: how many problems were solved how often. For runs that only label.
 */
import { countOf } from './format.ts';
import type { DifficultySection } from './report/data.ts';
import type { Table } from './table.ts';

export function difficultyTable({ brackets, meanPassRate, model, grader, temperature }: DifficultySection): Table {
  const samples = brackets.length - 1;
  const total = brackets.reduce((sum, { problems }) => sum + problems, 0);
  return {
    title: `Right answers of ${model} to ${countOf(total, 'problem')}`,
    columns: [
      { key: 'problems', header: 'problems', quantity: 'count', priority: 0 },
      { key: 'share', header: 'share', quantity: 'share', priority: 1 },
      { key: 'bucket', header: 'bucket', quantity: 'count', priority: 2 },
    ],
    groups: [
      {
        key: 'all',
        label: `right out of ${samples}`,
        rows: brackets.map(({ problems, bucket }, correct) => ({
          label: String(correct),
          cells: { problems: { value: problems }, share: { value: problems / total }, bucket },
        })),
      },
    ],
    notes: [`Mean pass rate ${meanPassRate.toFixed(3)}, at temperature ${temperature}, graded by ${grader}.`],
  };
}
