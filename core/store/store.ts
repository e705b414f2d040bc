/**
 * The project database as one object.
 *
 * Owns: putting the queries of all subjects on one connection, with errors a person can read. Only
 * the host holds a Store; everything that merely looks takes a StoreReader.
 */
import { dirname, resolve } from 'node:path';
import { type CheckpointReads, type CheckpointWrites, checkpointQueries } from './checkpoints.ts';
import { type CheckReads, type CheckWrites, checkQueries } from './checks.ts';
import { type ComparisonReads, type ComparisonWrites, comparisonQueries } from './comparisons.ts';
import type { Connection } from './connection.ts';
import { openDatabase } from './database.ts';
import { type EventReads, type EventWrites, eventQueries } from './events.ts';
import { type HumanLabelReads, type HumanLabelWrites, humanLabelQueries } from './humanLabels.ts';
import { type ImportReads, type ImportWrites, importQueries } from './imports.ts';
import { type LabelReads, type LabelWrites, labelQueries } from './labels.ts';
import { type MetricReads, type MetricWrites, metricQueries } from './metrics.ts';
import { type ModelReads, type ModelWrites, modelQueries } from './models.ts';
import { type PoolReads, type PoolWrites, poolQueries } from './pools.ts';
import { type ProblemReads, type ProblemWrites, problemQueries } from './problems.ts';
import { projectPaths } from './projectPaths.ts';
import { type ProblemTableReads, problemTableQueries } from './problemTable.ts';
import { type RolloutReads, type RolloutWrites, rolloutQueries } from './rollouts.ts';
import { type RunReads, type RunWrites, runQueries } from './runs.ts';
import { attempt, guarded } from './storeError.ts';
import { type TraceReads, type TraceWrites, traceQueries } from './traces.ts';
import { durably } from './transactions.ts';

export interface StoreReader {
  readonly models: ModelReads;
  readonly problems: ProblemReads;
  readonly problemTable: ProblemTableReads;
  readonly imports: ImportReads;
  readonly pools: PoolReads;
  readonly checks: CheckReads;
  readonly labels: LabelReads;
  readonly humanLabels: HumanLabelReads;
  readonly traces: TraceReads;
  readonly runs: RunReads;
  readonly metrics: MetricReads;
  readonly rollouts: RolloutReads;
  readonly checkpoints: CheckpointReads;
  readonly events: EventReads;
  readonly comparisons: ComparisonReads;
}

export interface StoreWriter {
  readonly models: ModelWrites;
  readonly problems: ProblemWrites;
  readonly imports: ImportWrites;
  readonly pools: PoolWrites;
  readonly checks: CheckWrites;
  readonly labels: LabelWrites;
  readonly humanLabels: HumanLabelWrites;
  readonly traces: TraceWrites;
  readonly runs: RunWrites;
  readonly metrics: MetricWrites;
  readonly rollouts: RolloutWrites;
  readonly checkpoints: CheckpointWrites;
  readonly events: EventWrites;
  readonly comparisons: ComparisonWrites;
  /** Several writes as one, all or nothing, on disk when it returns. */
  durably<T>(body: () => T): T;
}

export interface Store extends StoreReader, StoreWriter {
  readonly models: ModelReads & ModelWrites;
  readonly problems: ProblemReads & ProblemWrites;
  readonly imports: ImportReads & ImportWrites;
  readonly pools: PoolReads & PoolWrites;
  readonly checks: CheckReads & CheckWrites;
  readonly labels: LabelReads & LabelWrites;
  readonly humanLabels: HumanLabelReads & HumanLabelWrites;
  readonly traces: TraceReads & TraceWrites;
  readonly runs: RunReads & RunWrites;
  readonly metrics: MetricReads & MetricWrites;
  readonly rollouts: RolloutReads & RolloutWrites;
  readonly checkpoints: CheckpointReads & CheckpointWrites;
  readonly events: EventReads & EventWrites;
  readonly comparisons: ComparisonReads & ComparisonWrites;
  close(): void;
}

/**
 * Opens or creates the project database.
 * @throws AresError 'store' when it is damaged, newer than this program or foreign; 'disk' when it
 * cannot be written. Every query throws the same kinds.
 */
export function openStore(file: string): Store {
  return storeOn(openDatabase(file), file);
}

/** The queries on a connection that is already open and migrated. */
export function storeOn(db: Connection, file: string): Store {
  const paths = projectPaths(dirname(resolve(file)));
  return {
    models: guarded(file, 'models', modelQueries(db, paths)),
    problems: guarded(file, 'problems', problemQueries(db)),
    problemTable: guarded(file, 'problemTable', problemTableQueries(db)),
    imports: guarded(file, 'imports', importQueries(db)),
    pools: guarded(file, 'pools', poolQueries(db)),
    checks: guarded(file, 'checks', checkQueries(db)),
    labels: guarded(file, 'labels', labelQueries(db)),
    humanLabels: guarded(file, 'humanLabels', humanLabelQueries(db)),
    traces: guarded(file, 'traces', traceQueries(db)),
    runs: guarded(file, 'runs', runQueries(db, paths)),
    metrics: guarded(file, 'metrics', metricQueries(db)),
    rollouts: guarded(file, 'rollouts', rolloutQueries(db)),
    checkpoints: guarded(file, 'checkpoints', checkpointQueries(db, paths)),
    events: guarded(file, 'events', eventQueries(db)),
    comparisons: guarded(file, 'comparisons', comparisonQueries(db)),
    durably: (body) => attempt(file, 'commit', () => durably(db, body)),
    close: () => void db.close(),
  };
}
