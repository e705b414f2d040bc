/**
 * Pools: named sets of problems of a dataset.
 *
 * A pool is written once: what was trained or measured on it stays what it was. Another choice is another
 * pool.
 */
import { AresError } from '#core/util/errors.ts';
import type { Connection } from './connection.ts';
import { durably, inTransaction } from './transactions.ts';

export interface Pool {
  poolId: number;
  datasetId: number;
  name: string;
  problems: number;
  createdMs: number;
}

export interface PoolReads {
  /** By name. */
  list(datasetId: number): Pool[];
  get(poolId: number): Pool | undefined;
  /** Ids of its problems, in order of import. */
  problemIds(poolId: number): Int32Array;
}

export interface PoolWrites {
  /**
   * All or nothing, durable.
   * @param problemIds of problems of the dataset; repeated ones count once
   * @throws AresError 'usage' when the name is taken or a problem is of another dataset
   */
  add(pool: Pick<Pool, 'datasetId' | 'name' | 'createdMs'>, problemIds: Int32Array): number;
  remove(poolId: number): void;
}

const columns = `poolId, datasetId, name, createdMs,
  (SELECT count(*) FROM poolProblems WHERE poolProblems.poolId = pools.poolId) AS problems`;

export function poolQueries(db: Connection): PoolReads & PoolWrites {
  const list = db.prepare<[number], Pool>(`SELECT ${columns} FROM pools WHERE datasetId = ? ORDER BY name`);
  const get = db.prepare<[number], Pool>(`SELECT ${columns} FROM pools WHERE poolId = ?`);
  const problemIds = db
    .prepare<[number], number>('SELECT problemId FROM poolProblems WHERE poolId = ? ORDER BY problemId')
    .pluck();
  const isTaken = db.prepare<[number, string]>('SELECT 1 FROM pools WHERE datasetId = ? AND name = ?');
  const insert = db.prepare<[number, string, number]>(
    'INSERT INTO pools (datasetId, name, createdMs) VALUES (?, ?, ?)',
  );
  const insertProblem = db.prepare<[number, number, number]>(
    `INSERT OR IGNORE INTO poolProblems (poolId, problemId)
     SELECT ?, problemId FROM problems WHERE problemId = ? AND datasetId = ?`,
  );
  const remove = db.prepare<[number]>('DELETE FROM pools WHERE poolId = ?');
  return {
    list: (datasetId) => list.all(datasetId),
    get: (poolId) => get.get(poolId),
    problemIds: (poolId) => Int32Array.from(problemIds.all(poolId)),
    add: ({ datasetId, name, createdMs }, ids) =>
      durably(db, () => {
        if (isTaken.get(datasetId, name) !== undefined) {
          throw new AresError('usage', `There already is a pool named "${name}".`, {
            where: name,
            hint: 'Choose another name; a pool that was saved does not change any more.',
          });
        }
        const poolId = Number(insert.run(datasetId, name, createdMs).lastInsertRowid);
        const distinct = new Set(ids);
        for (const problemId of distinct) {
          if (insertProblem.run(poolId, problemId, datasetId).changes === 1) continue;
          throw new AresError('usage', `Problem ${problemId} is not in this dataset.`, {
            hint: 'Choose the problems again; the dataset may have been removed or imported anew.',
          });
        }
        return poolId;
      }),
    remove: (poolId) => inTransaction(db, () => void remove.run(poolId)),
  };
}
