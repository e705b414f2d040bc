/**
 * Traces that no run wrote: read from a column of the data, or by a teacher on a server.
 *
 * Owns: keeping them as they were written, with the verdict of the grader, and their lengths in the tokens of a
 * model. The responses of runs are rollouts.ts; the shape that training wants is ares/traceShape.ts.
 */
import type { SourcedTrace, TraceOrigin } from '#core/ares/traces.ts';
import type { Connection } from './connection.ts';
import { inTransaction } from './transactions.ts';

/** An origin whose traces are kept here. */
export type StoredTraceOrigin = Exclude<TraceOrigin, 'rollouts'>;

export interface NewTrace extends SourcedTrace {
  origin: StoredTraceOrigin;
  createdMs: number;
}

export interface StoredTrace extends NewTrace {
  traceId: number;
}

/** A trace without its text. */
export interface TraceEntry {
  traceId: number;
  problemId: number;
  origin: StoredTraceOrigin;
  source: string;
  correct: boolean;
  /** Of the trace in the shape that training wants; null where this model's tokenizer has not counted it. */
  lengthTokens: number | null;
}

export interface TraceCounts {
  origin: StoredTraceOrigin;
  source: string;
  traces: number;
  correct: number;
  problems: number;
}

export interface TraceReads {
  /** Per origin and who wrote them. */
  counts(datasetId: number): TraceCounts[];
  /** Traces of a dataset, in the order in which they were added, at most `limit`. */
  page(datasetId: number, afterTraceId: number, limit: number): StoredTrace[];
  get(traceId: number): StoredTrace | undefined;
  /** In the order in which they were added. */
  ofProblem(problemId: number): StoredTrace[];
  /** All traces of a dataset with their lengths by a model. */
  entries(datasetId: number, modelId: number): TraceEntry[];
}

export interface TraceWrites {
  /** All or nothing. */
  add(traces: readonly NewTrace[]): void;
  /** Takes the traces of one origin and writer out of a dataset. */
  remove(datasetId: number, origin: StoredTraceOrigin, source: string): void;
  setLengths(modelId: number, lengths: readonly { traceId: number; lengthTokens: number }[]): void;
}

type Row<T> = Omit<T, 'correct'> & { correct: number };

export function traceQueries(db: Connection): TraceReads & TraceWrites {
  const counts = db.prepare<[number], TraceCounts>(`
    SELECT origin, traces.source, count(*) AS traces, sum(correct) AS correct,
      count(DISTINCT problemId) AS problems
    FROM problems JOIN traces USING (problemId) WHERE datasetId = ?
    GROUP BY origin, traces.source ORDER BY origin, traces.source`);
  const columns = 'traceId, problemId, origin, traces.source, text, correct, traces.createdMs';
  const page = db.prepare<[number, number, number], Row<StoredTrace>>(`
    SELECT ${columns} FROM traces JOIN problems USING (problemId)
    WHERE datasetId = ? AND traceId > ? ORDER BY traceId LIMIT ?`);
  const get = db.prepare<[number], Row<StoredTrace>>(`SELECT ${columns} FROM traces WHERE traceId = ?`);
  const ofProblem = db.prepare<[number], Row<StoredTrace>>(
    `SELECT ${columns} FROM traces WHERE problemId = ? ORDER BY traceId`,
  );
  const entries = db.prepare<
    [{ datasetId: number; modelId: number }],
    Omit<TraceEntry, 'correct'> & { correct: number }
  >(`
    SELECT traces.traceId, problemId, origin, traces.source, correct, lengthTokens
    FROM problems JOIN traces USING (problemId)
    LEFT JOIN traceLengths ON traceLengths.traceId = traces.traceId AND modelId = :modelId
    WHERE datasetId = :datasetId ORDER BY traces.traceId`);
  const insert = db.prepare<[Row<NewTrace>]>(`
    INSERT INTO traces (problemId, origin, source, text, correct, createdMs)
    VALUES (:problemId, :origin, :source, :text, :correct, :createdMs)`);
  const remove = db.prepare<[string, string, number]>(`
    DELETE FROM traces WHERE origin = ? AND source = ?
      AND problemId IN (SELECT problemId FROM problems WHERE datasetId = ?)`);
  const setLength = db.prepare<[number, number, number]>(
    'INSERT OR REPLACE INTO traceLengths (traceId, modelId, lengthTokens) VALUES (?, ?, ?)',
  );
  const parse = (row: Row<StoredTrace>): StoredTrace => ({ ...row, correct: row.correct === 1 });
  return {
    counts: (datasetId) => counts.all(datasetId),
    page: (datasetId, afterTraceId, limit) => page.all(datasetId, afterTraceId, limit).map(parse),
    get: (traceId) => {
      const row = get.get(traceId);
      return row && parse(row);
    },
    ofProblem: (problemId) => ofProblem.all(problemId).map(parse),
    entries: (datasetId, modelId) =>
      entries.all({ datasetId, modelId }).map((row) => ({ ...row, correct: row.correct === 1 })),
    add: (traces) =>
      inTransaction(db, () => {
        for (const { problemId, origin, source, text, correct, createdMs } of traces)
          insert.run({ problemId, origin, source, text, correct: Number(correct), createdMs });
      }),
    remove: (datasetId, origin, source) => inTransaction(db, () => void remove.run(origin, source, datasetId)),
    setLengths: (modelId, lengths) =>
      inTransaction(db, () => {
        for (const { traceId, lengthTokens } of lengths) setLength.run(traceId, modelId, lengthTokens);
      }),
  };
}
