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
  createdMs: number;
}

export interface Label extends NewLabel {
  labelId: number;
}

export interface LabelReads {
  /** The newest label by this model of every labelled problem of a dataset, in order of import. */
  newest(datasetId: number, modelId: number): Label[];
  /** Every label of a problem by any model, oldest first. */
  history(problemId: number): Label[];
}

export interface LabelWrites {
  /** All or nothing. */
  add(labels: readonly NewLabel[]): void;
}

export function labelQueries(db: Connection): LabelReads & LabelWrites {
  const newest = db.prepare<[number, number], Label>(`
    SELECT labels.* FROM problems JOIN labels ON labelId =
      (SELECT max(labelId) FROM labels WHERE labels.problemId = problems.problemId AND modelId = ?)
    WHERE datasetId = ? ORDER BY problems.problemId`);
  const history = db.prepare<[number], Label>('SELECT * FROM labels WHERE problemId = ? ORDER BY labelId');
  const insert = db.prepare<[NewLabel]>(`
    INSERT INTO labels (problemId, modelId, runId, grader, samples, correct, temperature, maxNewTokens,
      intervalLow, intervalHigh, meanLengthTokens, createdMs)
    VALUES (:problemId, :modelId, :runId, :grader, :samples, :correct, :temperature, :maxNewTokens,
      :intervalLow, :intervalHigh, :meanLengthTokens, :createdMs)`);
  return {
    newest: (datasetId, modelId) => newest.all(modelId, datasetId),
    history: (problemId) => history.all(problemId),
    add: (labels) =>
      inTransaction(db, () => {
        for (const label of labels) insert.run(label);
      }),
  };
}
