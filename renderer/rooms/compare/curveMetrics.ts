/**
 * Which of the logged metrics are shown, and in which order.
 */

/** Shown first, where they were logged; the others by name. */
export const usualMetrics = [
  'accuracy/mean',
  'length/mean',
  'entropy/mean',
  'count/mean',
  'reward/mean',
  'kl/mean',
  'loss',
] as const;
const BUCKET = /^(accuracy|length|entropy|count|reward|kl)\/(easy|medium|hard)\/mean$/;

export const metricSets = [
  { value: 'usual', label: 'Overall' },
  { value: 'buckets', label: 'Per bucket' },
  { value: 'all', label: 'Everything' },
] as const;
export type MetricSet = (typeof metricSets)[number]['value'];

/** The metrics of a set among those that were logged, the usual ones first. */
export function metricsIn(set: MetricSet, logged: readonly string[]): string[] {
  const usual = usualMetrics.filter((name) => logged.includes(name));
  switch (set) {
    case 'usual':
      return usual;
    case 'buckets':
      return logged.filter((name) => BUCKET.test(name)).toSorted();
    case 'all':
      return [...usual, ...logged.filter((name) => !(usual as string[]).includes(name)).toSorted()];
  }
}
