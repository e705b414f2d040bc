/**
 * Training curves: what a run logged, metric by metric.
 *
 * Owns: which of the logged metrics are drawn, in which order and under which name, and which lines
 * share a panel. The names they are logged by are those of ares/metrics.ts; bins, triggers and other
 * detail stay in the run.
 */
import { buckets } from '#core/ares/options.ts';
import { bucketColours } from '#core/compare/charts/difficultyCharts.ts';
import { type Drawing, arrange } from '#core/compare/charts/drawing.ts';
import { type LineSeries, extremes, lineChart } from '#core/compare/charts/lineChart.ts';
import { type Colour, type ColourOf, hueOf } from '#core/compare/charts/theme.ts';
import { listOf } from '#core/compare/format.ts';
import { curveLine } from '#core/compare/seedCurves.ts';
import type { TrainingCurve } from '#core/compare/types.ts';
import { figure, paragraph, section } from './page.ts';

interface Metric {
  title: string;
  unit: string;
  /** Series over all training problems. */
  whole?: string;
  /** Label of a part to its series. */
  parts?: Readonly<Record<string, string>>;
  /** Controllers and schedules are exact; smoothing them would invent values. */
  exact?: boolean;
  /** Bounds of the quantity. */
  within?: readonly [number, number];
}

function perBucket(name: (bucket: string) => string): Record<string, string> {
  return Object.fromEntries(buckets.map((bucket) => [bucket, name(bucket)]));
}

const NON_NEGATIVE = [0, Infinity] as const;

/** In the order in which they are shown. */
const metrics: readonly Metric[] = [
  responseMetric('Accuracy', 'share right', 'accuracy', [0, 1]),
  responseMetric('Response length', 'tokens', 'length', NON_NEGATIVE),
  responseMetric('Entropy', 'nats per token', 'entropy', NON_NEGATIVE),
  responseMetric('High-entropy tokens', 'N_HE per response', 'count', NON_NEGATIVE),
  responseMetric('Reward', 'mean', 'reward'),
  {
    title: 'KL to reference',
    unit: 'nats per token',
    whole: 'kl/mean',
    parts: { 'in windows': 'kl/inside', outside: 'kl/outside' },
    within: NON_NEGATIVE,
  },
  { title: 'Entropy threshold θ', unit: 'nats', whole: 'threshold/nats', exact: true },
  { title: 'Groups kept', unit: 'groups', whole: 'groups/kept', within: NON_NEGATIVE },
  { title: 'Loss', unit: '', whole: 'loss' },
  { title: 'Gradient norm', unit: '', whole: 'gradientNorm', within: NON_NEGATIVE },
  { title: 'Target N_HE', unit: 'tokens', parts: perBucket((bucket) => `target/${bucket}`), exact: true },
  { title: 'KL weight κ', unit: 'weight', parts: perBucket((bucket) => `kappa/${bucket}`), exact: true },
  { title: 'KL weight β', unit: 'weight', parts: perBucket((bucket) => `beta/${bucket}`), exact: true },
  { title: 'Shaping weight α', unit: 'weight', parts: perBucket((bucket) => `alpha/${bucket}`), exact: true },
  { title: 'Penalty weight λ', unit: 'weight', parts: perBucket((bucket) => `lambda/${bucket}`), exact: true },
];

/** A metric of responses, logged over all of them and per bucket. */
function responseMetric(title: string, unit: string, name: string, within?: readonly [number, number]): Metric {
  const parts = perBucket((bucket) => `${name}/${bucket}/mean`);
  return { title, unit, whole: `${name}/mean`, parts, ...(within === undefined ? {} : { within }) };
}

/** As strong as TensorBoard's default. */
const SMOOTHING = 0.6;

export function trainingSection(heading: string, curves: readonly TrainingCurve[], colourOf: ColourOf): string {
  const logged = new Set(curves.flatMap((curve) => Object.keys(curve.series)));
  const arms = [...new Map(curves.map((curve) => [curve.arm, curve.label]))];
  const overview = metrics.flatMap((metric) =>
    metric.whole !== undefined && logged.has(metric.whole) ? wholePanel(metric, metric.whole, curves, colourOf) : [],
  );
  const byPart = metrics.flatMap((metric) => {
    const parts = Object.entries(metric.parts ?? {}).filter(([, name]) => logged.has(name));
    if (parts.length === 0) return [];
    const title = `${metric.title}: ${listOf(parts.map(([part]) => part))}`;
    return { title, panels: partPanels(metric, parts, curves, colourOf) };
  });
  // One arm needs one panel per metric, which share a figure; several arms fill a row per metric.
  const rows =
    arms.length === 1
      ? [{ title: 'By difficulty bucket and part', panels: byPart.flatMap(({ panels }) => panels) }]
      : byPart;
  const figures = [{ title: 'All training problems', panels: overview }, ...rows].filter(
    (row) => row.panels.length > 0,
  );
  if (figures.length === 0) return '';
  return section(heading, paragraph(captionOf(curves), 'quiet'), ...figures.map(panelFigure));
}

function panelFigure({ title, panels }: { title: string; panels: readonly Drawing[] }): string {
  return figure(arrange(panels, 3, { title, description: `${title}, over training steps.` }), `${title}.`);
}

function wholePanel(metric: Metric, name: string, curves: readonly TrainingCurve[], colourOf: ColourOf): Drawing {
  return panel(metric, metric.title, armLines(metric, name, curves, colourOf), []);
}

/** Of one arm a panel with a line per part; of several a panel per part with a line per arm, on one y scale. */
function partPanels(
  metric: Metric,
  parts: readonly (readonly [string, string])[],
  curves: readonly TrainingCurve[],
  colourOf: ColourOf,
): Drawing[] {
  if (new Set(curves.map((curve) => curve.arm)).size === 1) {
    const lines = parts.flatMap(([part, name], index) =>
      armLines(metric, name, curves, () => partColour(part, index)).map((line) => ({ ...line, label: part })),
    );
    return [panel(metric, metric.title, lines, [])];
  }
  const lines = parts.map(([, name]) => armLines(metric, name, curves, colourOf));
  const yAlso = lines.flat().flatMap((line) => [...extremes(line.y), ...extremes(line.raw ?? [])]);
  return parts.map(([part], index) => panel(metric, `${metric.title}, ${part}`, lines[index]!, yAlso));
}

/** One line per arm that logged the series, over all its seeds. */
function armLines(
  { exact = false }: Metric,
  name: string,
  curves: readonly TrainingCurve[],
  colourOf: ColourOf,
): LineSeries[] {
  const arms = new Map(curves.map((curve) => [curve.arm, curve.label]));
  return [...arms].flatMap(([arm, label]) => {
    const runs = curves.filter((curve) => curve.arm === arm).flatMap((curve) => curve.series[name] ?? []);
    return runs.length === 0 ? [] : [curveLine(runs, label, colourOf(arm), exact ? 0 : SMOOTHING)];
  });
}

function panel(
  { unit, within }: Metric,
  heading: string,
  lines: readonly LineSeries[],
  yAlso: readonly number[],
): Drawing {
  return lineChart(lines, {
    title: heading,
    description: `${heading} over training steps.`,
    heading,
    xLabel: 'step',
    yLabel: unit,
    widthPx: 300,
    heightPx: 210,
    yAlso,
    ...(within === undefined ? {} : { yWithin: within }),
  });
}

function partColour(part: string, index: number): Colour {
  const bucket = buckets.find((name) => name === part);
  return bucket === undefined ? hueOf(index) : bucketColours[bucket];
}

function captionOf(curves: readonly TrainingCurve[]): string {
  const seeds = [...new Set(curves.map((curve) => curve.seed))];
  const several = curves.length > new Set(curves.map((curve) => curve.arm)).size;
  const seedText = several
    ? `Mean over seeds ${listOf(seeds.map(String))}, with their range as a band.`
    : `${seeds.length === 1 ? 'Seed' : 'Seeds'} ${listOf(seeds.map(String))}.`;
  return (
    `Measured on training batches. Faint: as logged; bold: smoothed (exponential moving average, weight ${SMOOTHING}). ` +
    `Weights, targets and thresholds are drawn as logged. ${seedText}`
  );
}
