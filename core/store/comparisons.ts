/**
 * Comparisons of models, kept with what was asked and what came out.
 */
import type { Connection } from './connection.ts';
import { inTransaction } from './transactions.ts';

export interface NewComparison {
  name: string;
  /** Which arms on which problems. */
  request: unknown;
  report: unknown;
  createdMs: number;
}

export interface Comparison extends NewComparison {
  comparisonId: number;
}

export interface ComparisonReads {
  get(comparisonId: number): Comparison | undefined;
  /** Newest first, without their contents. */
  list(): { comparisonId: number; name: string; createdMs: number }[];
}

export interface ComparisonWrites {
  add(comparison: NewComparison): number;
  /** Replaces what came out of one; what was asked stays. False when there is no such comparison. */
  update(comparisonId: number, report: unknown): boolean;
}

export function comparisonQueries(db: Connection): ComparisonReads & ComparisonWrites {
  const byId = db.prepare<[number], Omit<Comparison, 'request' | 'report'> & { request: string; report: string }>(
    'SELECT * FROM comparisons WHERE comparisonId = ?',
  );
  const list = db.prepare<[], { comparisonId: number; name: string; createdMs: number }>(
    'SELECT comparisonId, name, createdMs FROM comparisons ORDER BY comparisonId DESC',
  );
  const insert = db.prepare('INSERT INTO comparisons (name, request, report, createdMs) VALUES (?, ?, ?, ?)');
  const update = db.prepare('UPDATE comparisons SET report = ? WHERE comparisonId = ?');
  return {
    get: (comparisonId) => {
      const row = byId.get(comparisonId);
      if (row === undefined) return undefined;
      return { ...row, request: JSON.parse(row.request) as unknown, report: JSON.parse(row.report) as unknown };
    },
    list: () => list.all(),
    add: ({ name, request, report, createdMs }) =>
      inTransaction(db, () =>
        Number(insert.run(name, JSON.stringify(request), JSON.stringify(report), createdMs).lastInsertRowid),
      ),
    update: (comparisonId, report) =>
      inTransaction(db, () => update.run(JSON.stringify(report), comparisonId).changes === 1),
  };
}
