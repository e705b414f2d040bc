/**
 * Schema with streamed imports: every row that is left out is kept with its line and reason, as it comes, and a
 * hidden dataset names the process that fills it, so that no other takes it for dead.
 */
import type { Connection } from '#core/store/connection.ts';

export function streamedImports(db: Connection): void {
  db.exec(`
    ALTER TABLE datasets ADD COLUMN importOwner TEXT CHECK (json_valid(importOwner));

    CREATE TABLE skippedRows (
      skippedId INTEGER PRIMARY KEY,
      importId INTEGER NOT NULL REFERENCES imports ON DELETE CASCADE,
      line INTEGER NOT NULL,
      reason TEXT NOT NULL
    ) STRICT;
    CREATE INDEX skippedRowsByImport ON skippedRows (importId);
    INSERT INTO skippedRows (importId, line, reason)
      SELECT importId, value ->> 'line', value ->> 'reason' FROM imports, json_each(imports.bad);
    ALTER TABLE imports DROP COLUMN bad;
  `);
}
