/**
 * Training curves: one panel per metric, or per part of a metric when several arms are drawn.
 *
 * Owns: the names and the order of metrics, which lines share a panel, and smoothing. What is logged
 * under which name is types.ts (`TrainingCurve`).
 */
import { buckets } from '#core/ares/options.ts';
import { aggregateSeries, smooth } from '#core/compare/aggregateSeeds.ts';
import { bucketColours } from '#core/compare/charts/difficultyCharts.ts';
import { type Drawing, arrange } from '#core/compare/charts/drawing.ts';
import { type LineSeries, lineChart } from '#core/compare/charts/lineChart.ts';
import { type Colour, hueOf } from '#core/compare/charts/theme.ts';
import { listOf } from '#core/compare/format.ts';
import type { Series, TrainingCurve } from '#core/compare/types.ts';
import { figure, section } from './page.ts';
import type { ColourOf } from './resultSections.ts';

interface Metric {
  title: string;
  unit: string;
  /** Controllers and schedules are exact; smoothing them would invent values. */
  exact?: boolean;
}

/** Known metrics in the order they are shown; others follow under their own names. */
const metrics: Readonly<Record<string, Metric>> = {
  accuracy: { title: 'Accuracy', unit: 'share right' },
  lengthTokens: { title: 'Response length', unit: 'tokens' },
  entropyNats: { title: 'Entropy', unit: 'nats per token' },
  highEntropyCount: { title: 'High-entropy tokens', unit: 'N_HE per response' },
  reward: { title: 'Reward', unit: 'mean' },
  klNats: { title: 'KL to the reference', unit: 'nats per token' },
  kappa: { title: 'KL weight κ', unit: 'weight', exact: true },
  alpha: { title: 'Shaping weight α', unit: 'weight', exact: true },
  target: { title: 'Target N_HE', unit: 'tokens', exact: true },
  thresholdNats: { title: 'Entropy threshold θ', unit: 'nats', exact: true },
  loss: { title: 'Loss', unit: '' },
  gradientNorm: { title: 'Gradient norm', unit: '' },
  clippedShare: { title: 'Clipped tokens', unit: 'share' },
  keptGroups: { title: 'Groups with a signal', unit: 'groups' },
  learningRate: { title: 'Learning rate', unit: '', exact: true },
};

/** As strong as TensorBoard's default. */
const SMOOTHING = 0.6;

export function trainingSection(curves: readonly TrainingCurve[], colourOf: ColourOf): string {
  const names = [...new Set(curves.flatMap((curve) => Object.keys(curve.series)))];
  if (names.length === 0) return '';
  const known = Object.keys(metrics);
  const present = [...new Set(names.map(metricOf))].sort((a, b) => rank(known, a) - rank(known, b));
  const figures = present.map((metric) => {
    const panels = panelsOf(metric, names, curves, colourOf);
    const { title } = describeMetric(metric);
    return figure(
      arrange(panels, 3, { title, description: `${title} over training steps.` }),
      captionOf(metric, curves),
    );
  });
  return section('Training', ...figures);
}

/** The curve panels of one metric, sharing their y axis. */
export function panelsOf(
  metric: string,
  names: readonly string[],
  curves: readonly TrainingCurve[],
  colourOf: ColourOf,
): Drawing[] {
  const own = names.filter((name) => metricOf(name) === metric);
  const arms = [...new Map(curves.map((curve) => [curve.arm, curve.label]))];
  const lineOf = (name: string, arm: string, label: string, colour: Colour): LineSeries | null => {
    const runs = curves.filter((curve) => curve.arm === arm).flatMap((curve) => curve.series[name] ?? []);
    return runs.length === 0 ? null : curveLine(runs, label, colour, describeMetric(metric).exact ?? false);
  };
  const { title } = describeMetric(metric);
  const panels: { heading: string; lines: LineSeries[] }[] =
    arms.length === 1
      ? [
          {
            heading: title,
            lines: own.flatMap((name, index) => {
              const part = partOf(name);
              return lineOf(name, arms[0]![0], part === '' ? 'all' : part, partColour(part, index)) ?? [];
            }),
          },
        ]
      : own.map((name) => ({
          heading: partOf(name) === '' ? title : `${title}, ${partOf(name)}`,
          lines: arms.flatMap(([arm, label]) => lineOf(name, arm, label, colourOf(arm)) ?? []),
        }));
  const yAlso = panels.flatMap(({ lines }) =>
    lines.flatMap((line) => [...extremes(line.y), ...extremes(line.raw ?? [])]),
  );
  return panels.map(({ heading, lines }) =>
    lineChart(lines, {
      title: heading,
      description: `${heading} over training steps.`,
      heading,
      xLabel: 'step',
      yLabel: describeMetric(metric).unit,
      widthPx: arms.length === 1 ? 460 : 300,
      heightPx: 210,
      yAlso,
    }),
  );
}

/** One line from one or several seeds: smoothed bold, raw faint, range over seeds as a band. */
export function curveLine(runs: readonly Series[], label: string, colour: Colour, exact: boolean): LineSeries {
  const weight = exact ? 0 : SMOOTHING;
  const { step, mean, low, high, seeds } = aggregateSeries(runs);
  const line = { label, colour, x: step, y: smooth(mean, weight) };
  return {
    ...line,
    ...(exact ? {} : { raw: mean }),
    ...(seeds > 1 ? { low: smooth(low, weight), high: smooth(high, weight) } : {}),
  };
}

function extremes(values: ArrayLike<number>): number[] {
  const finite = Array.from(values).filter(Number.isFinite);
  return finite.length === 0 ? [] : [finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))];
}

function metricOf(name: string): string {
  return name.split('/')[0]!;
}

function partOf(name: string): string {
  return name.split('/').slice(1).join('/');
}

function describeMetric(metric: string): Metric {
  return Object.hasOwn(metrics, metric) ? metrics[metric]! : { title: metric, unit: '' };
}

function rank(known: readonly string[], metric: string): number {
  const index = known.indexOf(metric);
  return index === -1 ? known.length : index;
}

function partColour(part: string, index: number): Colour {
  if (part === '') return 'neutral';
  const bucket = buckets.find((name) => name === part);
  return bucket === undefined ? hueOf(index) : bucketColours[bucket];
}

function captionOf(metric: string, curves: readonly TrainingCurve[]): string {
  const seeds = [...new Set(curves.map((curve) => curve.seed))];
  const several = curves.length > new Set(curves.map((curve) => curve.arm)).size;
  const smoothing =
    describeMetric(metric).exact === true
      ? 'As logged.'
      : `Faint: as logged on training batches. Bold: smoothed (exponential moving average, weight ${SMOOTHING}).`;
  return several
    ? `${smoothing} Mean over seeds ${listOf(seeds.map(String))}; the band is their range.`
    : `${smoothing} Seed ${listOf(seeds.map(String))}.`;
}
