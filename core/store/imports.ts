/**
 * Imports: problems on their way into a dataset, and what each import left out.
 *
 * Owns: the hidden dataset that an import fills batch by batch, making it visible (or part of another) in
 * one transaction with its record, and taking it away again. Filling it is problems.append.
 */
import { AresError } from '#core/util/errors.ts';
import type { Connection } from './connection.ts';
import { type NewDataset, nameTaken } from './problems.ts';
import { durably, inTransaction } from './transactions.ts';

export interface SkippedRow {
  /** Line of the file, from 1. */
  line: number;
  reason: string;
}

export interface ImportRecord {
  file: string;
  imported: number;
  skipped: number;
  /** What was left out or decided, one sentence each. */
  notes: readonly string[];
  /** The first rows that were left out. */
  bad: readonly SkippedRow[];
  createdMs: number;
}

export interface ImportReads {
  /** Newest first. */
  list(datasetId: number): ImportRecord[];
  /** Hidden datasets: imports at work, and what dead ones left behind. */
  unfinished(): number[];
}

export interface ImportWrites {
  /** Makes a hidden dataset to fill; returns its id. */
  begin(createdMs: number): number;
  /**
   * Shows a filled dataset under its name, or moves its problems into another one, with the record of it.
   * Durable, all or nothing.
   * @returns the id of the dataset in which the problems now are
   * @throws AresError 'usage' when the name is taken, 'not-found' when there is nothing to append to
   */
  publish(importingId: number, as: NewDataset | { appendTo: number }, record: ImportRecord): number;
  /**
   * Takes at most so many problems out of a hidden dataset, and the dataset itself once it is empty.
   * @returns whether it is gone
   */
  discard(importingId: number, atMost: number): boolean;
}

type Row = Omit<ImportRecord, 'notes' | 'bad'> & { notes: string; bad: string };

export function importQueries(db: Connection): ImportReads & ImportWrites {
  const list = db.prepare<[number], Row>(
    `SELECT file, imported, skipped, notes, bad, createdMs FROM imports WHERE datasetId = ? ORDER BY importId DESC`,
  );
  const unfinished = db.prepare<[], number>('SELECT datasetId FROM datasets WHERE isImporting = 1').pluck();
  const begin = db.prepare<[number]>(
    `INSERT INTO datasets (name, file, mapping, createdMs, isImporting)
     VALUES ('import ' || hex(randomblob(16)), NULL, '{}', ?, 1)`,
  );
  const isVisible = db.prepare<[number]>('SELECT 1 FROM datasets WHERE datasetId = ? AND isImporting = 0');
  const isTaken = db.prepare<[string]>('SELECT 1 FROM datasets WHERE name = ?');
  const show = db.prepare<[string, string | null, string, number, number]>(
    'UPDATE datasets SET name = ?, file = ?, mapping = ?, createdMs = ?, isImporting = 0 WHERE datasetId = ?',
  );
  const move = db.prepare<[number, number]>('UPDATE problems SET datasetId = ? WHERE datasetId = ?');
  const remove = db.prepare<[number]>('DELETE FROM datasets WHERE datasetId = ? AND isImporting = 1');
  const record = db.prepare<[Row & { datasetId: number }]>(
    `INSERT INTO imports (datasetId, file, imported, skipped, notes, bad, createdMs)
     VALUES (:datasetId, :file, :imported, :skipped, :notes, :bad, :createdMs)`,
  );
  const trim = db.prepare<[number, number]>(
    'DELETE FROM problems WHERE problemId IN (SELECT problemId FROM problems WHERE datasetId = ? LIMIT ?)',
  );

  const place = (importingId: number, as: NewDataset | { appendTo: number }): number => {
    if ('appendTo' in as) {
      if (isVisible.get(as.appendTo) === undefined) {
        throw new AresError('not-found', `There is no dataset ${as.appendTo} to append to.`, {
          hint: 'Import the file as a new dataset.',
        });
      }
      move.run(as.appendTo, importingId);
      remove.run(importingId);
      return as.appendTo;
    }
    if (isTaken.get(as.name) !== undefined) throw nameTaken(as.name);
    show.run(as.name, as.file, JSON.stringify(as.mapping), as.createdMs, importingId);
    return importingId;
  };

  return {
    list: (datasetId) =>
      list.all(datasetId).map((row) => ({
        ...row,
        notes: JSON.parse(row.notes) as string[],
        bad: JSON.parse(row.bad) as SkippedRow[],
      })),
    unfinished: () => unfinished.all(),
    begin: (createdMs) => inTransaction(db, () => Number(begin.run(createdMs).lastInsertRowid)),
    publish: (importingId, as, { notes, bad, ...rest }) =>
      durably(db, () => {
        const datasetId = place(importingId, as);
        record.run({ datasetId, ...rest, notes: JSON.stringify(notes), bad: JSON.stringify(bad) });
        return datasetId;
      }),
    discard: (importingId, atMost) =>
      inTransaction(db, () => {
        if (trim.run(importingId, atMost).changes === atMost) return false;
        remove.run(importingId);
        return true;
      }),
  };
}
