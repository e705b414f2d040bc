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

interface BucketRow {
  firstStep: number;
  lastStep: number;
  points: number;
  min: number | null;
  max: number | null;
  mean: number | null;
}

export function metricQueries(db: Connection): MetricReads & MetricWrites {
  const whichSeries = `runId = :runId AND stage = :stage
      AND nameId = (SELECT nameId FROM metricNames WHERE name = :name)`;
  const all = db.prepare<[SeriesKey], [number, number | null]>(
    `SELECT step, value FROM metrics WHERE ${whichSeries} ORDER BY step`,
  );
  const summaries = db.prepare<[number], Omit<SeriesSummary, 'lastValue'> & { lastValue: number | null }>(`
    SELECT stage, name, count(*) AS points, max(step) AS lastStep, value AS lastValue
    FROM metrics JOIN metricNames USING (nameId) WHERE runId = ? GROUP BY stage, nameId ORDER BY stage, name`);
  // Bound numbers may arrive as REAL; the casts keep the division an integer one.
  const decimated = db.prepare<[SeriesKey & { buckets: number }], BucketRow>(`
    WITH extent AS (SELECT min(step) AS low, max(step) - min(step) + 1 AS width FROM metrics WHERE ${whichSeries})
    SELECT min(step) AS firstStep, max(step) AS lastStep, count(*) AS points,
      min(value) AS min, max(value) AS max, avg(value) AS mean
    FROM metrics, extent WHERE ${whichSeries}
    GROUP BY (step - low) * CAST(:buckets AS INTEGER) / width ORDER BY firstStep`);
  const addName = db.prepare<[string]>('INSERT INTO metricNames (name) VALUES (?) ON CONFLICT DO NOTHING');
  const nameId = db.prepare<[string], number>('SELECT nameId FROM metricNames WHERE name = ?').pluck();
  const insert = db.prepare<[number, number, number, number, number]>(
    'INSERT OR REPLACE INTO metrics (runId, stage, nameId, step, value) VALUES (?, ?, ?, ?, ?)',
  );
  const removeAfter = db.prepare<[number, number, number]>(
    'DELETE FROM metrics WHERE runId = ? AND (stage, step) > (?, ?)',
  );

  return {
    summaries: (runId) => summaries.all(runId).map((row) => ({ ...row, lastValue: row.lastValue ?? NaN })),
    read: (key) => {
      const rows = all.raw().all(key);
      return {
        step: Int32Array.from(rows, ([step]) => step),
        value: Float64Array.from(rows, ([, value]) => value ?? NaN),
      };
    },
    readDecimated: (key, buckets) => {
      const rows = decimated.all({ ...key, buckets });
      return {
        firstStep: Int32Array.from(rows, (row) => row.firstStep),
        lastStep: Int32Array.from(rows, (row) => row.lastStep),
        points: Int32Array.from(rows, (row) => row.points),
        min: Float64Array.from(rows, (row) => row.min ?? NaN),
        max: Float64Array.from(rows, (row) => row.max ?? NaN),
        mean: Float64Array.from(rows, (row) => row.mean ?? NaN),
      };
    },
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
