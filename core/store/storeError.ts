/**
 * What SQLite's failures mean to a person.
 *
 * Owns: the mapping from SQLite result codes to AresError and the one place where it is applied to
 * every query. It does not retry and does not repair.
 */
import Database from 'better-sqlite3';
import { AresError } from '#core/util/errors.ts';

/** The advice for a damaged file. It is never moved or deleted by the program itself. */
export function damaged(file: string, finding: string, cause?: unknown): AresError {
  return new AresError('store', `The project database is damaged: ${finding}.`, {
    where: file,
    hint:
      'Close every window of the workbench, move this file and its -wal and -shm neighbours to a safe place, and ' +
      'rename the newest .backup file beside it to this name; the folders of runs and checkpoints are not affected.',
    cause,
  });
}

/**
 * Translates whatever a query threw; anything that does not come from SQLite passes through.
 * @param operation what was being done, for a bug report
 */
export function storeError(thrown: unknown, file: string, operation: string): unknown {
  if (!(thrown instanceof Database.SqliteError)) return thrown;
  const failure = (code: 'disk' | 'store', sentence: string, hint: string) =>
    new AresError(code, sentence, { where: file, hint, cause: thrown });
  // Extended codes such as SQLITE_IOERR_WRITE or SQLITE_READONLY_DIRECTORY begin with the primary one.
  const primary = thrown.code.split('_').slice(0, 2).join('_');
  switch (primary) {
    case 'SQLITE_FULL':
      return failure('disk', 'The disk is full.', 'Free some space and try again; nothing already saved was lost.');
    case 'SQLITE_READONLY':
    case 'SQLITE_PERM':
      return failure('disk', 'The project database cannot be written to.', 'Make the file and its folder writable.');
    case 'SQLITE_CANTOPEN':
      return failure('disk', 'The project database cannot be opened.', 'Check that its folder exists and is writable.');
    case 'SQLITE_IOERR':
      return failure(
        'disk',
        `Reading or writing the project database failed (${thrown.code}).`,
        'Check the disk and its connection, then try again.',
      );
    case 'SQLITE_CORRUPT':
    case 'SQLITE_NOTADB':
      return damaged(file, thrown.message, thrown);
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return failure(
        'store',
        'Another program has kept the project database locked.',
        'Close other programs that use this project and try again.',
      );
    default:
      return failure(
        'store',
        `The project database refused "${operation}": ${thrown.message}.`,
        'This looks like a bug in the workbench. Please report it with the command you ran.',
      );
  }
}

/** Runs `body` with its errors translated. */
export function attempt<T>(file: string, operation: string, body: () => T): T {
  try {
    return body();
  } catch (thrown) {
    throw storeError(thrown, file, operation);
  }
}

/** The same queries, with every error translated. Functions only: a query object carries no data. */
export function guarded<T extends object>(file: string, subject: string, queries: T): T {
  const entries = Object.entries(queries) as [string, (...inputs: readonly unknown[]) => unknown][];
  const wrapped = entries.map(([name, query]) => [
    name,
    (...inputs: readonly unknown[]) => attempt(file, `${subject}.${name}`, () => query(...inputs)),
  ]);
  // Sound: every member of T is a function, and each wrapper passes its arguments and result through.
  return Object.fromEntries(wrapped) as T;
}
