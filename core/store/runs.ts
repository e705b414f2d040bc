/**
 * Runs and their stages, as the database keeps them.
 *
 * Owns: the stored form of a run and the compare-and-set by which its state changes. Which changes
 * are allowed is decided in runs/lifecycle.ts; that a recipe never changes is a trigger (schema 1).
 */
import type { Connection } from './connection.ts';
import type { ProjectPaths } from './projectPaths.ts';
import { durably, inTransaction } from './transactions.ts';

export const runStates = ['queued', 'running', 'paused', 'finished', 'failed', 'stopped', 'interrupted'] as const;
export type RunState = (typeof runStates)[number];

/** The process that works on a run, precisely enough to tell it from a later one with its number. */
export interface RunOwner {
  pid: number;
  host: string;
  /** When the operating system started it, in whatever unit it says; null where it does not say. */
  processStart: string | null;
  claimedMs: number;
}

/** The failure a person is shown; fields as in AresError. */
export interface RunError {
  code: string;
  message: string;
  where: string | null;
  hint: string | null;
}

export interface NewRun {
  name: string;
  kind: string;
  /** Canonical JSON. */
  recipe: string;
  recipeHash: string;
  seed: number;
  /** Absolute path of where it writes checkpoints and reports. */
  folder: string;
  /** The run it continues from or was copied from. */
  parentId: number | null;
  createdMs: number;
}

export interface Run extends NewRun {
  runId: number;
  state: RunState;
  /** First start, and end of the last attempt. */
  startedMs: number | null;
  endedMs: number | null;
  owner: RunOwner | null;
  error: RunError | null;
}

export interface StateChange {
  runId: number;
  from: RunState;
  to: RunState;
  nowMs: number;
  owner: RunOwner | null;
  error: RunError | null;
}

export interface StagePlan {
  name: string;
  /** Units of work (problems to label, steps to take) it is expected to have. */
  plannedUnits: number;
}

export interface Stage extends StagePlan {
  runId: number;
  /** Position in the run, from 0. */
  stage: number;
  state: 'pending' | 'running' | 'finished';
  doneUnits: number;
  startedMs: number | null;
  endedMs: number | null;
}

export interface RunReads {
  get(runId: number): Run | undefined;
  /** Newest first; with `states`, only runs in one of them. */
  list(states?: readonly RunState[]): Run[];
  /** Those that are queued, in the order in which they were put into the queue, as their logs tell. */
  waiting(): Run[];
  /** In order. */
  stages(runId: number): Stage[];
}

export interface RunWrites {
  /** Adds a queued run with its stages and returns its id. Durable. */
  create(run: NewRun, stages: readonly StagePlan[]): number;
  /**
   * Changes the state if it still is `from`; false when somebody else was faster. Durable.
   * `startedMs` is set by the first start, `endedMs` whenever the run leaves 'running'.
   */
  changeState(change: StateChange): boolean;
  /** Records how far a stage is. */
  updateStage(stage: Omit<Stage, 'name'>): void;
}

type Row = Omit<Run, 'owner' | 'error'> & { owner: string | null; error: string | null };

export function runQueries(db: Connection, paths: ProjectPaths): RunReads & RunWrites {
  const byId = db.prepare<[number], Row>('SELECT * FROM runs WHERE runId = ?');
  const inStates = db.prepare<[string], Row>(
    'SELECT * FROM runs WHERE state IN (SELECT value FROM json_each(?)) ORDER BY runId DESC',
  );
  const waiting = db.prepare<[], Row>(`
    SELECT * FROM runs WHERE state = 'queued' ORDER BY coalesce(
      (SELECT max(eventId) FROM events WHERE events.runId = runs.runId AND details ->> '$.to' = 'queued'), 0), runId`);
  const stagesOf = db.prepare<[number], Stage>('SELECT * FROM stages WHERE runId = ? ORDER BY stage');
  const insert = db.prepare<[NewRun]>(`
    INSERT INTO runs (name, kind, state, recipe, recipeHash, seed, folder, parentId, createdMs)
    VALUES (:name, :kind, 'queued', :recipe, :recipeHash, :seed, :folder, :parentId, :createdMs)`);
  const insertStage = db.prepare(
    `INSERT INTO stages (runId, stage, name, state, plannedUnits, doneUnits) VALUES (?, ?, ?, 'pending', ?, 0)`,
  );
  const change = db.prepare<[Omit<StateChange, 'owner' | 'error'> & { owner: string | null; error: string | null }]>(`
    UPDATE runs SET state = :to, owner = :owner, error = :error,
      startedMs = CASE WHEN :to = 'running' THEN coalesce(startedMs, :nowMs) ELSE startedMs END,
      endedMs = CASE WHEN :to IN ('queued', 'running') THEN NULL ELSE :nowMs END
    WHERE runId = :runId AND state = :from`);
  const updateStage = db.prepare<[Omit<Stage, 'name'>]>(`
    UPDATE stages SET state = :state, plannedUnits = :plannedUnits, doneUnits = :doneUnits,
      startedMs = :startedMs, endedMs = :endedMs
    WHERE runId = :runId AND stage = :stage`);

  const parse = (row: Row): Run => ({
    ...row,
    folder: paths.toAbsolute(row.folder),
    owner: row.owner === null ? null : (JSON.parse(row.owner) as RunOwner),
    error: row.error === null ? null : (JSON.parse(row.error) as RunError),
  });
  return {
    get: (runId) => {
      const row = byId.get(runId);
      return row && parse(row);
    },
    list: (states = runStates) => inStates.all(JSON.stringify(states)).map(parse),
    waiting: () => waiting.all().map(parse),
    stages: (runId) => stagesOf.all(runId),
    create: (run, stages) =>
      durably(db, () => {
        const runId = Number(insert.run({ ...run, folder: paths.toStored(run.folder) }).lastInsertRowid);
        for (const [index, { name, plannedUnits }] of stages.entries()) {
          insertStage.run(runId, index, name, plannedUnits);
        }
        return runId;
      }),
    changeState: ({ owner, error, ...rest }) =>
      durably(db, () => change.run({ ...rest, owner: toJson(owner), error: toJson(error) }).changes === 1),
    updateStage: (stage) => inTransaction(db, () => void updateStage.run(stage)),
  };
}

function toJson(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
