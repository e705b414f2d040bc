/**
 * Metrics of runs over steps.
 *
 * Owns: compact storage (the name once, then numbers), writing in batches, and reading a series
 * whole or reduced to as many buckets as a chart has pixels. The whole run is always covered: a
 * chart that shows only the last points hides what went wrong.
 */
import type { Connection } from './connection.ts';
import { inTransaction } from './transactions.ts';

/** What one step logged. A value that is not a number is kept as such: it is a finding. */
export interface MetricStep {
  step: number;
  values: Readonly<Record<string, number>>;
}

export interface SeriesKey {
  runId: number;
  stage: number;
  name: string;
}

export interface SeriesSummary {
  stage: number;
  name: string;
  points: number;
  lastStep: number;
  lastValue: number;
}

/** Every point of a series, by step. */
export interface Series {
  step: Int32Array;
  /** NaN where the metric was not a number. */
  value: Float64Array;
}

/** A series in at most as many buckets of equal width in steps as asked for; empty buckets are left out. */
export interface DecimatedSeries {
  firstStep: Int32Array;
  lastStep: Int32Array;
  /** Number of points in the bucket, those without a number included. */
  points: Int32Array;
  /** Over the points that are numbers; NaN where there are none. */
  min: Float64Array;
  max: Float64Array;
  mean: Float64Array;
}

export interface MetricReads {
  /** The series of a run, by stage and name, with their last points. */
  summaries(runId: number): SeriesSummary[];
  read(key: SeriesKey): Series;
  /** @param buckets at least 1 */
  readDecimated(key: SeriesKey, buckets: number): DecimatedSeries;
}

export interface MetricWrites {
  /** One transaction for the whole batch; a step written before is overwritten value by value. */
  write(runId: number, stage: number, steps: readonly MetricStep[]): void;
  /** Forgets what was logged after a step, later stages included: a resumed run logs it again. */
  removeAfter(runId: number, stage: number, step: number): void;
}

export function metricQueries(db: Connection): MetricReads & MetricWrites {
  const whichSeries = `runId = :runId AND stage = :stage
      AND nameId = (SELECT nameId FROM metricNames WHERE name = :name)`;
  // As two texts: a call per row into JavaScript costs more than reading JSON does.
  const points = db.prepare<[SeriesKey], { steps: string; values: string }>(`
    SELECT json_group_array(step) AS steps, json_group_array(value) AS "values"
    FROM (SELECT step, value FROM metrics WHERE ${whichSeries} ORDER BY step)`);
  // Grouped before names are looked up: once per series and not per point.
  const summaries = db.prepare<[number], Omit<SeriesSummary, 'lastValue'> & { lastValue: number | null }>(`
    SELECT stage, name, points, lastStep, lastValue FROM metricNames JOIN (
      SELECT stage, nameId, count(*) AS points, max(step) AS lastStep, value AS lastValue
      FROM metrics WHERE runId = ? GROUP BY stage, nameId) USING (nameId) ORDER BY stage, name`);
  const addName = db.prepare<[string]>('INSERT INTO metricNames (name) VALUES (?) ON CONFLICT DO NOTHING');
  const nameId = db.prepare<[string], number>('SELECT nameId FROM metricNames WHERE name = ?').pluck();
  const insert = db.prepare<[number, number, number, number, number]>(
    'INSERT OR REPLACE INTO metrics (runId, stage, nameId, step, value) VALUES (?, ?, ?, ?, ?)',
  );
  const removeAfter = db.prepare<[number, number, number]>(
    'DELETE FROM metrics WHERE runId = ? AND (stage, step) > (?, ?)',
  );

  const read = (key: SeriesKey): Series => {
    const { steps, values } = points.get(key)!;
    const value = new Float64Array(JSON.parse(values) as number[]);
    // SQLite has no NaN: it comes back as null, which a typed array would take for 0.
    if (values.includes('null')) (JSON.parse(values) as (number | null)[]).forEach((one, i) => (value[i] = one ?? NaN));
    return { step: new Int32Array(JSON.parse(steps) as number[]), value };
  };
  return {
    summaries: (runId) => summaries.all(runId).map((row) => ({ ...row, lastValue: row.lastValue ?? NaN })),
    read,
    readDecimated: (key, buckets) => decimate(read(key), buckets),
    write: (runId, stage, steps) =>
      inTransaction(db, () => {
        const ids = new Map<string, number>();
        for (const { step, values } of steps) {
          for (const [name, value] of Object.entries(values)) {
            let id = ids.get(name);
            if (id === undefined) {
              addName.run(name);
              id = nameId.get(name)!;
              ids.set(name, id);
            }
            // SQLite has no NaN and stores it as NULL.
            insert.run(runId, stage, id, step, value);
          }
        }
      }),
    removeAfter: (runId, stage, step) => inTransaction(db, () => void removeAfter.run(runId, stage, step)),
  };
}

function decimate({ step, value }: Series, buckets: number): DecimatedSeries {
  const first = step[0] ?? 0;
  const width = (step.at(-1) ?? 0) - first + 1;
  const bucketOf = (i: number) => Math.floor(((step[i]! - first) * buckets) / width);
  const starts: number[] = [];
  for (let i = 0; i < step.length; i++) if (i === 0 || bucketOf(i) !== bucketOf(i - 1)) starts.push(i);
  const count = starts.length;
  const reduced: DecimatedSeries = {
    firstStep: new Int32Array(count),
    lastStep: new Int32Array(count),
    points: new Int32Array(count),
    min: new Float64Array(count).fill(NaN),
    max: new Float64Array(count).fill(NaN),
    mean: new Float64Array(count).fill(NaN),
  };
  for (const [b, start] of starts.entries()) {
    const end = starts[b + 1] ?? step.length;
    reduced.firstStep[b] = step[start]!;
    reduced.lastStep[b] = step[end - 1]!;
    reduced.points[b] = end - start;
    let numbers = 0;
    let low = Infinity;
    let high = -Infinity;
    let sum = 0;
    for (let i = start; i < end; i++) {
      const one = value[i]!;
      if (Number.isNaN(one)) continue;
      numbers++;
      sum += one;
      low = Math.min(low, one);
      high = Math.max(high, one);
    }
    if (numbers === 0) continue;
    reduced.min[b] = low;
    reduced.max[b] = high;
    reduced.mean[b] = sum / numbers;
  }
  return reduced;
}
