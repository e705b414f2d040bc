/**
 * Which charts a stage has, from the names of the metrics it logged.
 *
 * Owns: the grouping of metrics into charts, their titles, units and colours. A metric that no chart
 * claims gets one of its own, so nothing that was logged is hidden. Pure: names in, plan out.
 */

export interface PlannedLine {
  /** Name of the metric. */
  metric: string;
  label: string;
  /** A CSS colour. */
  colour: string;
}

export type ChartUnit = 'share' | 'tokens' | 'count' | 'bytes' | 'seconds' | 'number';

export interface PlannedChart {
  /** Stable, for keys and for what a person has folded away. */
  key: string;
  title: string;
  unit: ChartUnit;
  lines: PlannedLine[];
  /** Whether an axis by powers of ten says more than one by sums. */
  isPositive: boolean;
}

const buckets = ['easy', 'medium', 'hard'] as const;
export type Bucket = (typeof buckets)[number];

const ALL = 'var(--series-neutral)';
const bucketColours: Record<Bucket, string> = {
  easy: 'var(--bucket-easy)',
  medium: 'var(--bucket-medium)',
  hard: 'var(--bucket-hard)',
};

interface Group {
  key: string;
  title: string;
  unit: ChartUnit;
  isPositive?: boolean;
  /** Label, metric and colour, in order of the legend. */
  lines: readonly (readonly [label: string, metric: string, colour: string])[];
}

/** A metric over all responses and in each bucket. */
function perBucket(key: string, title: string, unit: ChartUnit, metric: (scope: string) => string): Group {
  return {
    key,
    title,
    unit,
    lines: [
      ['all', metric(''), ALL],
      ...buckets.map((bucket) => [bucket, metric(`${bucket}/`), bucketColours[bucket]] as const),
    ],
  };
}
/** A controller that each bucket has its own of. */
function controller(key: string, title: string, subject: string): Group {
  return {
    key,
    title,
    unit: 'number',
    lines: buckets.map((bucket) => [bucket, `${subject}/${bucket}`, bucketColours[bucket]] as const),
  };
}
const series = (index: number) => `var(--series-${index})`;

const groups: readonly Group[] = [
  perBucket('accuracy', 'Accuracy', 'share', (scope) => `accuracy/${scope}mean`),
  perBucket('length', 'Length, tokens', 'tokens', (scope) => `length/${scope}mean`),
  perBucket('entropy', 'Entropy, nats', 'number', (scope) => `entropy/${scope}mean`),
  perBucket('count', 'High-entropy tokens, N_HE', 'count', (scope) => `count/${scope}mean`),
  {
    key: 'reward',
    title: 'Reward by part',
    unit: 'number',
    lines: [
      ['total', 'reward/mean', ALL],
      ['accuracy', 'accuracy/mean', series(3)],
      ['shaping', 'reward/shaping', series(1)],
      ['overlong', 'reward/overlong', series(2)],
    ],
  },
  perBucket('shaping', 'Entropy shaping', 'number', (scope) => `reward/${scope}shaping`),
  {
    key: 'kl',
    title: 'KL to the reference, nats per token',
    unit: 'number',
    isPositive: true,
    lines: [
      ['inside windows', 'kl/inside', series(2)],
      ['outside', 'kl/outside', series(1)],
      ['mean', 'kl/mean', ALL],
    ],
  },
  controller('alpha', 'Shaping strength α', 'alpha'),
  controller('beta', 'KL coefficient β', 'beta'),
  controller('kappa', 'KL controller κ', 'kappa'),
  controller('lambda', 'Penalty λ', 'lambda'),
  {
    key: 'threshold',
    title: 'Entropy threshold θ, nats',
    unit: 'number',
    lines: [
      ['used', 'threshold/nats', 'var(--threshold)'],
      ['this batch', 'threshold/measuredNats', ALL],
    ],
  },
  controller('target', 'Target of N_HE', 'target'),
  {
    key: 'loss',
    title: 'Loss',
    unit: 'number',
    lines: [
      ['loss', 'loss', series(1)],
      ['KL part', 'klLoss', series(2)],
    ],
  },
  {
    key: 'gradient',
    title: 'Gradient norm',
    unit: 'number',
    isPositive: true,
    lines: [['norm', 'gradientNorm', series(1)]],
  },
  {
    key: 'rate',
    title: 'Learning rate',
    unit: 'number',
    isPositive: true,
    lines: [['rate', 'learningRate', series(1)]],
  },
  {
    key: 'groups',
    title: 'Groups of a step',
    unit: 'count',
    lines: [
      ['sampled', 'groups/total', ALL],
      ['trained on', 'groups/kept', series(1)],
      ['all right', 'groups/allRight', series(3)],
      ['all wrong', 'groups/allWrong', series(2)],
    ],
  },
  perBucket('truncated', 'Cut off at the limit', 'share', (scope) => `length/${scope}truncatedShare`),
  {
    key: 'triggers',
    title: 'Trigger words per response',
    unit: 'count',
    lines: [
      ['in high entropy', 'triggers/valid', series(1)],
      ['in low entropy', 'triggers/invalid', ALL],
    ],
  },
  {
    key: 'pace',
    title: 'Tokens per second',
    unit: 'count',
    lines: [['tokens/s', 'machine/tokensPerSecond', series(1)]],
  },
  { key: 'step', title: 'Seconds per step', unit: 'seconds', lines: [['seconds', 'machine/stepSeconds', series(1)]] },
  {
    key: 'memory',
    title: 'Memory',
    unit: 'bytes',
    lines: [
      ['engine', 'machine/engineBytes', series(1)],
      ['workbench', 'machine/hostBytes', ALL],
    ],
  },
];

/** Charts of one stage: those of the groups first, then one per metric that none of them shows. */
export function planCharts(metrics: readonly string[]): PlannedChart[] {
  const logged = new Set(metrics);
  const claimed = new Set<string>();
  const planned = groups.flatMap(({ key, title, unit, isPositive = false, lines }): PlannedChart[] => {
    const own = lines.filter(([, metric]) => logged.has(metric));
    for (const [, metric] of own) claimed.add(metric);
    // The accuracy alone is another chart's.
    if (own.length === 0 || (key === 'reward' && own.every(([, metric]) => metric === 'accuracy/mean'))) return [];
    return [{ key, title, unit, isPositive, lines: own.map(([label, metric, colour]) => ({ metric, label, colour })) }];
  });
  const rest = metrics.filter((metric) => !claimed.has(metric)).toSorted();
  return [
    ...planned,
    ...rest.map((metric): PlannedChart => {
      const line = { metric, label: metric.split('/').at(-1)!, colour: series(1) };
      return { key: metric, title: metric, unit: 'number', isPositive: false, lines: [line] };
    }),
  ];
}

/** Whether a chart is one of the named ones; the others are shown on demand. */
export function isMain({ key }: Pick<PlannedChart, 'key'>): boolean {
  return groups.some((group) => group.key === key);
}

/** The line of a chart that stands for a bucket, or for all; the only one where the chart has one. */
export function lineOf({ lines }: PlannedChart, bucket: Bucket | 'all'): PlannedLine | undefined {
  const wanted = lines.find(({ label }) => label === bucket);
  if (wanted !== undefined) return wanted;
  const isSplit = lines.some(({ label }) => (buckets as readonly string[]).includes(label));
  return isSplit ? undefined : lines[0];
}
