/**
 * The charts of a comparison, for the report and for a window.
 *
 * Owns: which chart shows what of a comparison, and their titles. The input is plain, so that both the
 * full comparison and the one a front end is given can be drawn.
 */
import { type Drawing, arrange } from './charts/drawing.ts';
import { intervalChart } from './charts/intervalChart.ts';
import { lineChart } from './charts/lineChart.ts';
import { radarChart } from './charts/radarChart.ts';
import { type Measured, stageChart } from './charts/stageChart.ts';
import type { ColourOf } from './charts/theme.ts';

export interface ChartedComparison {
  /** `key` is what colourOf is asked with. */
  arms: readonly { key: string; label: string }[];
  groups: readonly { key: string; label: string; kind: 'bucket' | 'source' | 'dataset' | 'all' }[];
  /** Undefined where nothing was measured. */
  summaryOf(arm: string, group: string): { accuracy: Measured; lengthTokens: Measured } | undefined;
}

const NOTHING: Measured = { value: NaN, low: NaN, high: NaN };

/** Bars per group: accuracy filled, length hatched, one colour per arm. */
export function stageDrawing(comparison: ChartedComparison, colourOf: ColourOf, widthPx = 940): Drawing {
  return stageChart(
    comparison.arms.map(({ key, label }) => ({ label, colour: colourOf(key) })),
    comparison.groups.map((group) => ({
      label: group.label,
      marks: comparison.arms.map(
        ({ key }) => comparison.summaryOf(key, group.key) ?? { accuracy: NOTHING, lengthTokens: NOTHING },
      ),
    })),
    {
      title: 'Accuracy and length by stage',
      description: 'Per group of problems, filled bars are accuracies and hatched bars mean lengths, with intervals.',
      widthPx,
    },
  );
}

/** Two radars, of accuracy and of length; null where there are fewer than three axes to span them. */
export function radarDrawing(comparison: ChartedComparison, colourOf: ColourOf): Drawing | null {
  const axes = comparison.groups.filter(({ kind }) => kind !== 'all');
  if (axes.length < 3) return null;
  const radar = (metric: 'accuracy' | 'lengthTokens'): Drawing =>
    radarChart(
      axes.map(({ label }) => label),
      comparison.arms.map(({ key, label }) => ({
        label,
        colour: colourOf(key),
        values: axes.map((group) => comparison.summaryOf(key, group.key)?.[metric].value ?? NaN),
      })),
      {
        heading: metric === 'accuracy' ? 'accuracy' : 'length (tokens)',
        title: metric === 'accuracy' ? 'Accuracy by group of problems' : 'Mean length by group of problems',
        description: 'One axis per group of problems, one polygon per arm.',
        quantity: metric === 'accuracy' ? 'share' : 'tokens',
        ...(metric === 'accuracy' ? { most: 1 } : {}),
      },
    );
  return arrange([radar('accuracy'), radar('lengthTokens')], 2, {
    title: 'Accuracy and mean length by group of problems',
    description: 'Two radars with one axis per group of problems and one polygon per arm.',
  });
}

/** Means as dots and intervals as lines, one panel per group. */
export function intervalDrawing(
  comparison: ChartedComparison,
  metric: 'accuracy' | 'lengthTokens',
  colourOf: ColourOf,
): Drawing {
  const isAccuracy = metric === 'accuracy';
  return intervalChart(
    comparison.arms.map(({ key, label }) => ({
      label,
      colour: colourOf(key),
      marks: comparison.groups.map((group) => comparison.summaryOf(key, group.key)?.[metric] ?? NOTHING),
    })),
    {
      title: isAccuracy ? 'Accuracy by difficulty' : 'Mean response length by difficulty',
      description: 'One row per arm, one panel per group of problems; dots are means, lines 95 % intervals.',
      xLabel: isAccuracy ? 'accuracy' : 'tokens',
      quantity: isAccuracy ? 'share' : 'tokens',
      panels: comparison.groups.map(({ label }) => label),
      widthPx: 940,
      ...(isAccuracy ? { domain: [0, 1] as const } : {}),
    },
  );
}

export interface ChartedBudget {
  arm: string;
  label: string;
  accuracy: ArrayLike<number>;
  low: ArrayLike<number>;
  high: ArrayLike<number>;
}

/** Accuracy of each arm when every response must end within so many tokens. */
export function budgetDrawing(
  budgetTokens: ArrayLike<number>,
  curves: readonly ChartedBudget[],
  colourOf: ColourOf,
): Drawing {
  return lineChart(
    curves.map(({ arm, label, accuracy, low, high }) => {
      return { label, colour: colourOf(arm), x: budgetTokens, y: accuracy, low, high };
    }),
    {
      title: 'Accuracy at a token budget',
      description: 'Accuracy of each arm when every response must end within a number of tokens.',
      xLabel: 'tokens allowed per response',
      yLabel: 'accuracy',
      yDomain: [0, 1],
      widthPx: 720,
      heightPx: 300,
    },
  );
}
