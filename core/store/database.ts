/**
 * Opening the database file.
 *
 * Owns: the connection's settings, and the decision whether a file may be used at all. A file is
 * looked at read-only first: one that is damaged, newer than this program or somebody else's is
 * refused without a byte of it changed. It knows no table; migrate.ts does.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { AresError, toAresError } from '#core/util/errors.ts';
import type { Connection } from './connection.ts';
import { APPLICATION_ID, migrate, schemaVersion } from './migrate.ts';
import { damaged, storeError } from './storeError.ts';

const BUSY_TIMEOUT_MS = 5000;
/** The write-ahead log shrinks back to this after it was checkpointed, however long a reader held it. */
const MAX_LOG_BYTES = 64 * 1024 * 1024;
/** The indexes of a million problems: with the default of 2 MB an import reads and writes their pages again and again. */
const CACHE_KIB = 64 * 1024;
/** Pages of the log that are gathered before they are written into the database, a quarter of what it may hold. */
const CHECKPOINT_PAGES = 4000;

/**
 * Opens or creates the database and brings it to this program's schema.
 * @throws AresError 'store' for a damaged, newer or foreign file, 'disk' when it cannot be written
 */
export function openDatabase(file: string): Connection {
  let db: Connection | undefined;
  try {
    if (hasBytes(file)) inspect(file);
    else mkdirSync(dirname(file), { recursive: true });
    db = new Database(file, { timeout: BUSY_TIMEOUT_MS });
    configure(db, file);
    migrate(db, file);
    return db;
  } catch (thrown) {
    db?.close();
    throw toAresError(storeError(thrown, file, 'open'));
  }
}

function hasBytes(path: string): boolean {
  return existsSync(path) && statSync(path).size > 0;
}

function configure(db: Connection, file: string): void {
  db.pragma('trusted_schema = OFF');
  db.pragma('cell_size_check = ON');
  db.pragma('foreign_keys = ON');
  if (db.pragma('journal_mode = WAL', { simple: true }) !== 'wal') {
    throw new AresError('store', 'The file system of this folder cannot hold the project database.', {
      where: file,
      hint: 'Keep the project on a local disk.',
    });
  }
  db.pragma('synchronous = NORMAL');
  db.pragma(`cache_size = -${CACHE_KIB}`);
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  db.pragma(`journal_size_limit = ${MAX_LOG_BYTES}`);
}

/** Refuses a file that must not be opened for writing. */
function inspect(file: string): void {
  // SQLite removes its log when the last connection closes, so one with content means that it was not
  // closed (or is open elsewhere, where the check only costs time).
  const uncleanExit = hasBytes(`${file}-wal`);
  const db = new Database(file, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
      throw new AresError('store', 'This database was not made by the ARES Workbench.', {
        where: file,
        hint: 'Choose another project folder.',
      });
    }
    const version = Number(db.pragma('user_version', { simple: true }));
    if (version > schemaVersion) {
      throw new AresError(
        'store',
        `The project was last opened by a newer ARES Workbench (schema ${version}; this one knows up to ${schemaVersion}).`,
        { where: file, hint: 'Update the workbench. The project was not changed.' },
      );
    }
    if (uncleanExit) {
      const findings = db.pragma('quick_check(3)') as { quick_check: string }[];
      const text = findings.map((row) => row.quick_check).join('; ');
      if (text !== 'ok') throw damaged(file, text);
    }
  } finally {
    db.close();
  }
}
