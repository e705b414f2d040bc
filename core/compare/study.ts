/**
 * A study: several arms, each trained from several seeds, on the same problems.
 *
 * Owns: its table (mean ± standard deviation over seeds, differences paired by seed), as data for every
 * renderer of table.ts, and its figures: bars per bucket, and accuracy and length over training steps
 * as in the paper's Fig. 6. One evaluation per run; how the runs were made is not its business.
 */
import { AresError } from '#core/util/errors.ts';
import { type SeedSummary, aggregateSeeds } from './aggregateSeeds.ts';
import { meanOfPresent } from './bootstrap.ts';
import { type BarGroup, barChart } from './charts/barChart.ts';
import { type Drawing, arrange } from './charts/drawing.ts';
import { lineChart } from './charts/lineChart.ts';
import { type Colour, hueOf } from './charts/theme.ts';
import { countOf, listOf } from './format.ts';
import { pairProblems } from './paired.ts';
import { groupsOf, problemMeans, problemsOf, take } from './problems.ts';
import { curveLine } from './seedCurves.ts';
import type { Cell, Table } from './table.ts';
import { type Evaluation, type Group, type TrainingCurve, checkEvaluation } from './types.ts';

/** One trained run and its evaluation; `evaluation.arm` and `label` name the arm. */
export interface StudyRun {
  seed: number;
  evaluation: Evaluation;
}

export interface StudyCell {
  arm: string;
  group: Group;
  accuracy: SeedSummary;
  lengthTokens: SeedSummary;
  /** Against the reference, over the seeds that both were trained from; null for the reference and without any. */
  accuracyDifference: SeedSummary | null;
  lengthDifference: SeedSummary | null;
}

export interface Study {
  reference: string;
  arms: { arm: string; label: string }[];
  groups: Group[];
  problems: number;
  /** [groups × arms], groups outermost. */
  cells: StudyCell[];
}

/**
 * @param reference the arm the others are measured against
 * @throws AresError 'bad-data' when the runs were evaluated on different problems, 'usage' when the
 *   reference is absent or an arm has two runs with one seed
 */
export function summariseStudy(runs: readonly StudyRun[], reference: string): Study {
  const first = runs.find(({ evaluation }) => evaluation.arm === reference)?.evaluation;
  if (first === undefined) throw new AresError('usage', `The study has no run of "${reference}" to compare with.`);
  const arms = [...new Map(runs.map(({ evaluation }) => [evaluation.arm, evaluation.label]))];
  const groups = groupsOf(first);
  const measured = new Map<string, Map<number, GroupMeans>>(arms.map(([arm]) => [arm, new Map()]));
  for (const { seed, evaluation } of runs) {
    const seeds = measured.get(evaluation.arm)!;
    if (seeds.has(seed)) throw new AresError('usage', `"${evaluation.arm}" has two runs with seed ${seed}.`);
    checkEvaluation(evaluation);
    pairProblems(first, evaluation);
    seeds.set(seed, groupMeans(evaluation, groups));
  }
  const base = measured.get(reference)!;
  return {
    reference,
    arms: arms.map(([arm, label]) => ({ arm, label })),
    groups,
    problems: first.problems.length,
    cells: groups.flatMap((group) =>
      arms.map(([arm]) => cellOf(arm, group, measured.get(arm)!, base, arm === reference)),
    ),
  };
}

type GroupMeans = Map<Group, { accuracy: number; lengthTokens: number }>;

function groupMeans(evaluation: Evaluation, groups: readonly Group[]): GroupMeans {
  const means = problemMeans(evaluation);
  return new Map(
    groups.map((group) => {
      const members = problemsOf(evaluation, group);
      return [
        group,
        {
          accuracy: meanOfPresent(take(means.accuracy, members)),
          lengthTokens: meanOfPresent(take(means.lengthTokens, members)),
        },
      ];
    }),
  );
}

function cellOf(
  arm: string,
  group: Group,
  seeds: ReadonlyMap<number, GroupMeans>,
  base: ReadonlyMap<number, GroupMeans>,
  isReference: boolean,
): StudyCell {
  const common = isReference ? [] : [...seeds.keys()].filter((seed) => base.has(seed));
  const summary = (metric: 'accuracy' | 'lengthTokens'): SeedSummary =>
    aggregateSeeds([...seeds.values()].map((means) => means.get(group)![metric]));
  const difference = (metric: 'accuracy' | 'lengthTokens'): SeedSummary | null =>
    common.length === 0
      ? null
      : aggregateSeeds(
          common.map((seed) => seeds.get(seed)!.get(group)![metric] - base.get(seed)!.get(group)![metric]),
        );
  return {
    arm,
    group,
    accuracy: summary('accuracy'),
    lengthTokens: summary('lengthTokens'),
    accuracyDifference: difference('accuracy'),
    lengthDifference: difference('lengthTokens'),
  };
}

/** The study as a table: mean ± standard deviation, differences with 95 % t-intervals over seeds. */
export function studyTable(study: Study): Table {
  const labelOf = new Map(study.arms.map(({ arm, label }) => [arm, label]));
  const reference = labelOf.get(study.reference)!;
  return {
    title: `Accuracy and mean response length over training seeds, ${countOf(study.problems, 'problem')}`,
    columns: [
      { key: 'seeds', header: 'seeds', quantity: 'count', priority: 2 },
      { key: 'accuracy', header: 'accuracy', quantity: 'share', priority: 0 },
      { key: 'length', header: 'length (tokens)', quantity: 'tokens', priority: 1 },
      { key: 'accuracy_difference', header: 'Δ accuracy', quantity: 'shareDifference', priority: 3 },
      { key: 'length_difference', header: 'Δ length', quantity: 'tokenDifference', priority: 4 },
    ],
    groups: study.groups.map((group) => ({
      key: group,
      label: group,
      rows: study.cells
        .filter((cell) => cell.group === group)
        .map((cell) => ({
          label: labelOf.get(cell.arm)!,
          cells: {
            seeds: { value: cell.accuracy.seeds },
            accuracy: { value: cell.accuracy.mean, deviation: cell.accuracy.deviation },
            length: { value: cell.lengthTokens.mean, deviation: cell.lengthTokens.deviation },
            accuracy_difference: differenceCell(cell.accuracyDifference),
            length_difference: differenceCell(cell.lengthDifference),
          },
        })),
    })),
    notes: [
      'Mean ± standard deviation over training seeds.',
      `Δ is the difference from ${reference} with the same seed, mean over seeds, with its 95 % t-interval; ` +
        'with few seeds that interval is wide because little is known.',
    ],
  };
}

function differenceCell(summary: SeedSummary | null): Cell {
  return summary === null ? null : { value: summary.mean, low: summary.low, high: summary.high };
}

/** Accuracy and length per bucket as bars; error bars are one standard deviation over seeds. */
export function studyBars(study: Study): Drawing {
  const bars = (metric: 'accuracy' | 'lengthTokens'): BarGroup[] =>
    study.groups.map((group) => ({
      label: group,
      bars: study.arms.map(({ arm, label }) => {
        const { mean, deviation } = study.cells.find((cell) => cell.arm === arm && cell.group === group)![metric];
        const colour = colourOf(study, arm);
        return { label, colour, value: mean, low: mean - deviation, high: mean + deviation };
      }),
    }));
  const note = 'One group of bars per difficulty bucket; error bars are one standard deviation over seeds.';
  const panels = [
    barChart(bars('accuracy'), {
      title: 'Accuracy by difficulty',
      description: note,
      heading: 'Accuracy',
      yLabel: 'share right',
      quantity: 'share',
    }),
    barChart(bars('lengthTokens'), {
      title: 'Mean response length by difficulty',
      description: note,
      heading: 'Response length',
      yLabel: 'tokens',
      quantity: 'tokens',
    }),
  ];
  return arrange(panels, 1, { title: 'Accuracy and response length by difficulty', description: note });
}

/** Smoothing of the curves: stronger than in a report, because whole trainings are compared. */
const SMOOTHING = 0.8;

/**
 * Accuracy and response length over steps, raw faint and smoothed bold, one line per arm (Fig. 6).
 * Series `accuracy/mean` and `length/mean` are used.
 */
export function studyCurves(study: Study, curves: readonly TrainingCurve[]): Drawing {
  const seeds = [...new Set(curves.map((curve) => curve.seed))];
  const description =
    `Faint: mean over seeds as logged. Bold: smoothed with weight ${SMOOTHING}. Band: range over seeds ` +
    `(${listOf(seeds.map(String))}).`;
  const panel = (name: string, heading: string, yLabel: string, most: number): Drawing =>
    lineChart(
      study.arms.flatMap(({ arm, label }) => {
        const runs = curves.filter((curve) => curve.arm === arm).flatMap((curve) => curve.series[name] ?? []);
        return runs.length === 0 ? [] : [curveLine(runs, label, colourOf(study, arm), SMOOTHING)];
      }),
      {
        title: `${heading} over training`,
        description,
        heading,
        xLabel: 'step',
        yLabel,
        widthPx: 440,
        heightPx: 290,
        yWithin: [0, most],
      },
    );
  return arrange(
    [panel('accuracy/mean', 'Accuracy', 'share right', 1), panel('length/mean', 'Response length', 'tokens', Infinity)],
    2,
    {
      title: 'Accuracy and response length over training steps',
      description,
    },
  );
}

function colourOf(study: Study, arm: string): Colour {
  const index = study.arms.filter((each) => each.arm !== study.reference).findIndex((each) => each.arm === arm);
  return index === -1 ? 'neutral' : hueOf(index);
}
