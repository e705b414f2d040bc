/**
 * Difficulty labels: how often a model solved a problem, and under which circumstances.
 *
 * Labels are only added. A newer one supersedes the older for reading, but nothing is forgotten.
 */
import type { Connection } from './connection.ts';
import { inTransaction } from './transactions.ts';

export interface NewLabel {
  problemId: number;
  modelId: number;
  /** The run that measured it; null when it came with the data. */
  runId: number | null;
  grader: string;
  samples: number;
  /** Right answers by the grader alone, never by a shaped reward. */
  correct: number;
  temperature: number;
  maxNewTokens: number;
  /** 95 % interval of the pass rate. */
  intervalLow: number;
  intervalHigh: number;
  meanLengthTokens: number;
  /** Over the tokens of its samples; null where no log-probs are known. */
  meanEntropyNats?: number | null;
  /** Log-probs behind the entropy, which then is a lower bound; null where it is exact. */
  entropyTopK?: number | null;
  createdMs: number;
}

export interface Label extends NewLabel {
  labelId: number;
  meanEntropyNats: number | null;
  entropyTopK: number | null;
}

/** One entry per labelled problem, in order of import. */
export interface LabelColumns {
  problemId: Int32Array;
  samples: Int32Array;
  correct: Int32Array;
  intervalLow: Float32Array;
  intervalHigh: Float32Array;
  meanLengthTokens: Float32Array;
}

export interface LabelReads {
  /** The newest label by this model of every labelled problem of a dataset, in order of import. */
  newest(datasetId: number, modelId: number): Label[];
  /** The newest labels by this model of the problems with ids from `first` to `last`. */
  columns(modelId: number, first: number, last: number): LabelColumns;
  /** Every label of a problem by any model, oldest first. */
  history(problemId: number): Label[];
  /** Problems that a run has labelled. */
  labelledBy(runId: number): Set<number>;
  /** Per dataset and model that has labels there, the number of problems with one. */
  counts(): { datasetId: number; modelId: number; problems: number }[];
}

export interface LabelWrites {
  /** All or nothing. */
  add(labels: readonly NewLabel[]): void;
}

/** The newest label of `problems.problemId` by a model, as the condition of a join. @param modelId a parameter of the query */
export function newestLabel(modelId: string): string {
  return `labels.labelId = (SELECT max(labelId) FROM labels AS any
    WHERE any.problemId = problems.problemId AND any.modelId = ${modelId})`;
}

type ColumnRow = [number, number, number, number, number, number];

export function labelQueries(db: Connection): LabelReads & LabelWrites {
  const newest = db.prepare<[{ datasetId: number; modelId: number }], Label>(`
    SELECT labels.* FROM problems JOIN labels ON ${newestLabel(':modelId')}
    WHERE datasetId = :datasetId ORDER BY problems.problemId`);
  // In the order of the index; SQLite takes the other columns from the row of the maximum.
  const columns = db
    .prepare<[number, number, number], ColumnRow>(
      `SELECT problemId, samples, correct, intervalLow, intervalHigh, meanLengthTokens, max(labelId)
       FROM labels WHERE modelId = ? AND problemId BETWEEN ? AND ? GROUP BY problemId`,
    )
    .raw();
  const history = db.prepare<[number], Label>('SELECT * FROM labels WHERE problemId = ? ORDER BY labelId');
  const labelledBy = db.prepare<[number], number>('SELECT DISTINCT problemId FROM labels WHERE runId = ?').pluck();
  const counts = db.prepare<[], { datasetId: number; modelId: number; problems: number }>(`
    SELECT datasetId, modelId, count(*) AS problems FROM (SELECT DISTINCT modelId, problemId FROM labels)
    JOIN problems USING (problemId) GROUP BY datasetId, modelId ORDER BY datasetId, modelId`);
  const insert = db.prepare<[NewLabel]>(`
    INSERT INTO labels (problemId, modelId, runId, grader, samples, correct, temperature, maxNewTokens,
      intervalLow, intervalHigh, meanLengthTokens, meanEntropyNats, entropyTopK, createdMs)
    VALUES (:problemId, :modelId, :runId, :grader, :samples, :correct, :temperature, :maxNewTokens,
      :intervalLow, :intervalHigh, :meanLengthTokens, :meanEntropyNats, :entropyTopK, :createdMs)`);
  return {
    newest: (datasetId, modelId) => newest.all({ datasetId, modelId }),
    columns: (modelId, first, last) => {
      const rows = columns.all(modelId, first, last);
      return {
        problemId: Int32Array.from(rows, (row) => row[0]),
        samples: Int32Array.from(rows, (row) => row[1]),
        correct: Int32Array.from(rows, (row) => row[2]),
        intervalLow: Float32Array.from(rows, (row) => row[3]),
        intervalHigh: Float32Array.from(rows, (row) => row[4]),
        meanLengthTokens: Float32Array.from(rows, (row) => row[5]),
      };
    },
    labelledBy: (runId) => new Set(labelledBy.all(runId)),
    counts: () => counts.all(),
    history: (problemId) => history.all(problemId),
    add: (labels) =>
      inTransaction(db, () => {
        for (const label of labels) insert.run({ meanEntropyNats: null, entropyTopK: null, ...label });
      }),
  };
}
