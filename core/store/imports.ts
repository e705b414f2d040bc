/**
 * Imports: problems on their way into a dataset, and what each import left out.
 *
 * Owns: the hidden dataset that an import fills batch by batch, the record of each file with the rows that were
 * left out of it, making all of it visible (or part of another dataset) in one transaction, and taking it away again.
 */
import { AresError } from '#core/util/errors.ts';
import type { Connection } from './connection.ts';
import { type NewDataset, nameTaken } from './problems.ts';
import type { RunOwner } from './runs.ts';
import { durably, inTransaction } from './transactions.ts';

export interface SkippedRow {
  /** Line of the file, from 1. */
  line: number;
  reason: string;
}

export interface ImportRecord {
  importId: number;
  file: string;
  imported: number;
  skipped: number;
  /** What was left out or decided, one sentence each. */
  notes: readonly string[];
  /** The first rows that were left out. */
  bad: readonly SkippedRow[];
  createdMs: number;
}

/** Problems in columns of equal length, the texts as they are stored. */
export interface ProblemColumns {
  /** The names to take, the first that is free: at least one of them is unique. */
  ids: readonly (readonly string[])[];
  key: readonly number[];
  /** JSON. */
  prompt: readonly string[];
  answer: readonly string[];
  source: readonly string[];
  split: string;
  /** JSON of a list of names. */
  images: readonly string[];
  /** JSON. */
  meta: readonly string[];
}

/** The problems of an import that are held out: those with keys below it. */
export interface HoldOut {
  below: number;
}

export interface ImportReads {
  /** Newest first. */
  list(datasetId: number): ImportRecord[];
  /** Rows left out of a file, in the order in which they were found, after so many. */
  skipped(importId: number, after: number, limit: number): SkippedRow[];
  /** Hidden datasets: imports at work, and what dead ones left behind. */
  unfinished(): { importingId: number; owner: RunOwner | null }[];
}

export interface ImportWrites {
  /** Makes a hidden dataset to fill; returns its id. */
  begin(createdMs: number, owner: RunOwner | null): number;
  /** Begins the record of a file that goes into a hidden dataset; returns its id. */
  open(importingId: number, file: string, createdMs: number): number;
  /**
   * Adds a batch, all or nothing.
   * @throws AresError 'store' when a problem has no name that is free
   */
  add(importingId: number, importId: number, problems: ProblemColumns, skipped: readonly SkippedRow[]): void;
  /** Ends the record of a file. */
  close(importId: number, end: Pick<ImportRecord, 'imported' | 'skipped' | 'notes'>): void;
  /**
   * Shows a filled dataset under its name, or moves its problems into another one. Durable, all or nothing.
   * @param holdOut null leaves the splits as they are
   * @returns the id of the dataset in which the problems now are
   * @throws AresError 'usage' when the name is taken, 'not-found' when there is nothing to append to
   */
  publish(importingId: number, as: NewDataset | { appendTo: number }, holdOut: HoldOut | null): number;
  /**
   * Takes at most so many problems, and as many rows left out, out of a hidden dataset, and the dataset itself once
   * it is empty.
   * @returns whether it is gone
   */
  discard(importingId: number, atMost: number): boolean;
}

/** Rows left out that come with the record. */
const LISTED_ROWS = 1000;

type Row = Omit<ImportRecord, 'notes' | 'bad'> & { notes: string };

export function importQueries(db: Connection): ImportReads & ImportWrites {
  const list = db.prepare<[number], Row>(
    `SELECT importId, file, imported, skipped, notes, createdMs FROM imports WHERE datasetId = ? ORDER BY importId DESC`,
  );
  const skippedRows = db.prepare<[number, number, number], SkippedRow>(
    'SELECT line, reason FROM skippedRows WHERE importId = ? ORDER BY skippedId LIMIT ? OFFSET ?',
  );
  const unfinished = db.prepare<[], { importingId: number; importOwner: string | null }>(
    'SELECT datasetId AS importingId, importOwner FROM datasets WHERE isImporting = 1',
  );
  const begin = db.prepare<[number, string | null]>(
    `INSERT INTO datasets (name, file, mapping, createdMs, isImporting, importOwner)
     VALUES ('import ' || hex(randomblob(16)), NULL, '{}', ?, 1, ?)`,
  );
  const isVisible = db.prepare<[number]>('SELECT 1 FROM datasets WHERE datasetId = ? AND isImporting = 0');
  const isTaken = db.prepare<[string]>('SELECT 1 FROM datasets WHERE name = ?');
  const show = db.prepare<[string, string | null, string, number, number]>(
    'UPDATE datasets SET name = ?, file = ?, mapping = ?, createdMs = ?, isImporting = 0, importOwner = NULL WHERE datasetId = ?',
  );
  const move = db.prepare<[number, number]>('UPDATE problems SET datasetId = ? WHERE datasetId = ?');
  const remove = db.prepare<[number]>('DELETE FROM datasets WHERE datasetId = ? AND isImporting = 1');
  const moveRecords = db.prepare<[number, number]>('UPDATE imports SET datasetId = ? WHERE datasetId = ?');
  const holdOutBelow = db.prepare<[number, number]>(
    // The plus keeps the planner on the index of keys: these are a few hundred of perhaps a million.
    "UPDATE problems SET split = 'heldout' WHERE key < ? AND +datasetId = ?",
  );
  const open = db.prepare<[number, string, number]>(
    `INSERT INTO imports (datasetId, file, imported, skipped, notes, createdMs) VALUES (?, ?, 0, 0, '[]', ?)`,
  );
  const close = db.prepare<[number, number, string, number]>(
    'UPDATE imports SET imported = ?, skipped = ?, notes = ? WHERE importId = ?',
  );
  const insertProblem = db.prepare(`
    INSERT INTO problems (datasetId, id, key, prompt, answer, source, split, images, meta)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (datasetId, id) DO NOTHING`);
  const insertSkipped = db.prepare('INSERT INTO skippedRows (importId, line, reason) VALUES (?, ?, ?)');
  const trim = db.prepare<[number, number]>(
    'DELETE FROM problems WHERE problemId IN (SELECT problemId FROM problems WHERE datasetId = ? LIMIT ?)',
  );
  const trimSkipped = db.prepare<[number, number]>(
    `DELETE FROM skippedRows WHERE skippedId IN
       (SELECT skippedId FROM imports JOIN skippedRows USING (importId) WHERE datasetId = ? LIMIT ?)`,
  );

  const addProblem = (importingId: number, columns: ProblemColumns, i: number) => {
    const { ids, key, prompt, answer, source, split, images, meta } = columns;
    for (const id of ids[i]!) {
      const values = [importingId, id, key[i], prompt[i], answer[i], source[i], split, images[i], meta[i]];
      if (insertProblem.run(...values).changes === 1) return;
    }
    throw new AresError('store', `A problem cannot be added: there are others named ${ids[i]!.join(', ')}.`, {
      hint: 'This looks like a bug in the workbench. Please report it with the command you ran.',
    });
  };

  const place = (importingId: number, as: NewDataset | { appendTo: number }): number => {
    if ('appendTo' in as) {
      if (isVisible.get(as.appendTo) === undefined) {
        throw new AresError('not-found', `There is no dataset ${as.appendTo} to append to.`, {
          hint: 'Import the file as a new dataset.',
        });
      }
      move.run(as.appendTo, importingId);
      moveRecords.run(as.appendTo, importingId);
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
        bad: skippedRows.all(row.importId, LISTED_ROWS, 0),
      })),
    skipped: (importId, after, limit) => skippedRows.all(importId, limit, after),
    unfinished: () =>
      unfinished.all().map(({ importingId, importOwner }) => ({
        importingId,
        owner: importOwner === null ? null : (JSON.parse(importOwner) as RunOwner),
      })),
    begin: (createdMs, owner) =>
      inTransaction(db, () => {
        const ownerJson = owner === null ? null : JSON.stringify(owner);
        return Number(begin.run(createdMs, ownerJson).lastInsertRowid);
      }),
    open: (importingId, file, createdMs) =>
      inTransaction(db, () => Number(open.run(importingId, file, createdMs).lastInsertRowid)),
    add: (importingId, importId, problems, skipped) =>
      inTransaction(db, () => {
        for (let i = 0; i < problems.ids.length; i++) addProblem(importingId, problems, i);
        for (const { line, reason } of skipped) insertSkipped.run(importId, line, reason);
      }),
    close: (importId, { imported, skipped, notes }) =>
      inTransaction(db, () => void close.run(imported, skipped, JSON.stringify(notes), importId)),
    publish: (importingId, as, holdOut) =>
      durably(db, () => {
        if (holdOut !== null) holdOutBelow.run(holdOut.below, importingId);
        return place(importingId, as);
      }),
    discard: (importingId, atMost) =>
      inTransaction(db, () => {
        if (trimSkipped.run(importingId, atMost).changes + trim.run(importingId, atMost).changes >= atMost)
          return false;
        remove.run(importingId);
        return true;
      }),
  };
}
