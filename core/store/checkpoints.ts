/**
 * Which checkpoints a run has, and which one it would resume from.
 *
 * Owns: the pointers only. The folders are written and verified in runs/checkpoint.ts, and a pointer
 * is set after its folder is complete.
 */
import type { Connection } from './connection.ts';
import type { ProjectPaths } from './projectPaths.ts';
import { durably } from './transactions.ts';

export type CheckpointState = 'ready' | 'damaged' | 'pruned';

export interface NewCheckpoint {
  runId: number;
  stage: number;
  step: number;
  /** Absolute path. */
  folder: string;
  /** SHA-256 of what the manifest says. */
  manifestHash: string;
  createdMs: number;
}

export interface Checkpoint extends NewCheckpoint {
  checkpointId: number;
  state: CheckpointState;
}

export interface CheckpointReads {
  /** By stage and step. */
  list(runId: number): Checkpoint[];
  /** The furthest one that is ready. */
  newest(runId: number): Checkpoint | undefined;
}

export interface CheckpointWrites {
  /** Points to a checkpoint; one of the same step is replaced. Durable. */
  record(checkpoint: NewCheckpoint): void;
  /** Durable. */
  mark(runId: number, folder: string, state: CheckpointState): void;
}

export function checkpointQueries(db: Connection, paths: ProjectPaths): CheckpointReads & CheckpointWrites {
  const list = db.prepare<[number], Checkpoint>('SELECT * FROM checkpoints WHERE runId = ? ORDER BY stage, step');
  const newest = db.prepare<[number], Checkpoint>(
    `SELECT * FROM checkpoints WHERE runId = ? AND state = 'ready' ORDER BY stage DESC, step DESC LIMIT 1`,
  );
  const record = db.prepare<[NewCheckpoint]>(`
    INSERT INTO checkpoints (runId, stage, step, folder, manifestHash, state, createdMs)
    VALUES (:runId, :stage, :step, :folder, :manifestHash, 'ready', :createdMs)
    ON CONFLICT (runId, stage, step) DO UPDATE SET folder = excluded.folder,
      manifestHash = excluded.manifestHash, state = 'ready', createdMs = excluded.createdMs`);
  const mark = db.prepare<[CheckpointState, number, string]>(
    'UPDATE checkpoints SET state = ? WHERE runId = ? AND folder = ?',
  );
  const parse = (row: Checkpoint): Checkpoint => ({ ...row, folder: paths.toAbsolute(row.folder) });
  return {
    list: (runId) => list.all(runId).map(parse),
    newest: (runId) => {
      const row = newest.get(runId);
      return row && parse(row);
    },
    record: (checkpoint) =>
      durably(db, () => void record.run({ ...checkpoint, folder: paths.toStored(checkpoint.folder) })),
    mark: (runId, folder, state) => durably(db, () => void mark.run(state, runId, paths.toStored(folder))),
  };
}
