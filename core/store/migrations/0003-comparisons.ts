/**
 * Schema 3: comparisons of models, kept as they were computed.
 */
import type { Connection } from '#core/store/connection.ts';

export function comparisons(db: Connection): void {
  db.exec(`
    CREATE TABLE comparisons (
      comparisonId INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      request TEXT NOT NULL CHECK (json_valid(request)),
      report TEXT NOT NULL CHECK (json_valid(report)),
      createdMs INTEGER NOT NULL
    ) STRICT;
  `);
}
