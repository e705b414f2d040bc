/**
 * Labels by hand: which bucket a person puts a problem into.
 *
 * They are only added, as the model's are. The newest one counts; a bucket of null withdraws it.
 */
import type { Bucket } from '#core/ares/options.ts';
import { AresError } from '#core/util/errors.ts';
import type { Connection } from './connection.ts';
import { inTransaction } from './transactions.ts';

export interface HumanLabel {
  problemId: number;
  /** Null when there is none, or it was withdrawn. */
  bucket: Bucket | null;
}

export interface HumanLabelReads {
  /** Every label of a problem, oldest first. */
  history(problemId: number): { bucket: Bucket | null; createdMs: number }[];
  /** Problems of a dataset that have a label now, in order of import. */
  current(datasetId: number): HumanLabel[];
}

export interface HumanLabelWrites {
  /**
   * Adds a label for every problem whose bucket changes; all or nothing.
   * @returns what they were before, in the order given
   * @throws AresError 'not-found' for a problem that is not there
   */
  set(labels: readonly HumanLabel[], createdMs: number): HumanLabel[];
}

/** The newest label by hand of `problems.problemId`, as the condition of a join. */
export const newestHumanLabel = `humanLabels.humanLabelId =
  (SELECT max(humanLabelId) FROM humanLabels AS any WHERE any.problemId = problems.problemId)`;

export function humanLabelQueries(db: Connection): HumanLabelReads & HumanLabelWrites {
  const history = db.prepare<[number], { bucket: Bucket | null; createdMs: number }>(
    'SELECT bucket, createdMs FROM humanLabels WHERE problemId = ? ORDER BY humanLabelId',
  );
  // Starts from the labels: they are few where the problems are many.
  const current = db.prepare<[number], HumanLabel>(`
    SELECT problemId, bucket FROM
      (SELECT problemId, bucket, max(humanLabelId) FROM humanLabels GROUP BY problemId) JOIN problems USING (problemId)
    WHERE datasetId = ? AND bucket IS NOT NULL ORDER BY problemId`);
  const one = db.prepare<[number], HumanLabel>(`
    SELECT problems.problemId, bucket FROM problems LEFT JOIN humanLabels ON ${newestHumanLabel}
    WHERE problems.problemId = ?`);
  const insert = db.prepare<[number, Bucket | null, number]>(
    'INSERT INTO humanLabels (problemId, bucket, createdMs) VALUES (?, ?, ?)',
  );
  return {
    history: (problemId) => history.all(problemId),
    current: (datasetId) => current.all(datasetId),
    set: (labels, createdMs) =>
      inTransaction(db, () =>
        labels.map(({ problemId, bucket }) => {
          const before = one.get(problemId);
          if (before === undefined) {
            throw new AresError('not-found', `There is no problem ${problemId} in this project.`, {
              hint: 'Its dataset was removed. Reload the list.',
            });
          }
          if (before.bucket !== bucket) insert.run(problemId, bucket, createdMs);
          return before;
        }),
      ),
  };
}
