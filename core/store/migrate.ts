/**
 * Bringing a database file to the current schema.
 *
 * Owns: the order of the numbered migrations, one transaction per step, and a backup of an existing
 * file before the first of them. A migration that was released is never edited: a later one follows.
 */
import { renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { flush } from '#core/util/atomicFiles.ts';
import type { Connection } from './connection.ts';
import { initial } from './migrations/0001-initial.ts';
import { rollouts } from './migrations/0002-rollouts.ts';
import { comparisons } from './migrations/0003-comparisons.ts';
import { curation } from './migrations/0004-curation.ts';
import { care } from './migrations/0006-care.ts';
import { relativePaths } from './migrations/0009-relative-paths.ts';
import { served } from './migrations/0010-served.ts';
import { streamedImports } from './migrations/0011-streamed-imports.ts';
import { inTransaction } from './transactions.ts';

/** Marks a SQLite file as ours: "ARES" in ASCII. */
export const APPLICATION_ID = 0x41524553;

/** Entry n brings schema n to n + 1. */
export const migrations: readonly ((db: Connection) => void)[] = [
  initial,
  rollouts,
  comparisons,
  curation,
  care,
  relativePaths,
  served,
  streamedImports,
];

export const schemaVersion = migrations.length;

/**
 * Migrates to `schemaVersion`. An existing file is copied to `<file>.v<old>.backup` first.
 * Safe when two processes do it at once: each step reads the version again under the write lock.
 */
export function migrate(db: Connection, file: string): void {
  const version = () => Number(db.pragma('user_version', { simple: true }));
  if (version() > 0 && version() < schemaVersion) backUp(db, `${file}.v${version()}.backup`);
  while (version() < schemaVersion) {
    inTransaction(db, () => {
      const from = version();
      if (from >= schemaVersion) return;
      migrations[from]!(db);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${from + 1}`);
    });
  }
}

/** A consistent copy, complete or absent. VACUUM INTO is the one way that also sees the unmerged log. */
function backUp(db: Connection, target: string): void {
  const temporary = `${target}.tmp`;
  rmSync(temporary, { force: true });
  db.prepare('VACUUM INTO ?').run(temporary);
  flush(temporary);
  renameSync(temporary, target);
  flush(dirname(target));
}
