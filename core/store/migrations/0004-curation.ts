/**
 * Schema 4: what people do with problems: imports with what they left out, labels by hand, pools.
 *
 * A dataset that is being imported is hidden until it is whole, so an import that fails, is cancelled or
 * dies leaves nothing to see. Labels by hand are only ever added; the newest counts, and one without a
 * bucket withdraws those before it.
 *
 * The indexes are for a million problems: each order of the table and each filter that is not a search
 * is answered from an index, without reading the texts.
 */
import type { Connection } from '#core/store/connection.ts';

export function curation(db: Connection): void {
  db.exec(`
    ALTER TABLE datasets ADD COLUMN isImporting INTEGER NOT NULL DEFAULT 0 CHECK (isImporting IN (0, 1));

    CREATE INDEX problemsByDataset ON problems (datasetId);
    CREATE INDEX problemsBySource ON problems (datasetId, source);
    CREATE INDEX problemsByLength ON problems (datasetId, length(prompt ->> '$'));
    DROP INDEX labelsByModel;
    CREATE INDEX labelsByModel ON labels (modelId, problemId);

    CREATE TABLE imports (
      importId INTEGER PRIMARY KEY,
      datasetId INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE,
      file TEXT NOT NULL,
      imported INTEGER NOT NULL,
      skipped INTEGER NOT NULL,
      notes TEXT NOT NULL CHECK (json_valid(notes)),
      bad TEXT NOT NULL CHECK (json_valid(bad)),
      createdMs INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX importsByDataset ON imports (datasetId);

    CREATE TABLE humanLabels (
      humanLabelId INTEGER PRIMARY KEY,
      problemId INTEGER NOT NULL REFERENCES problems ON DELETE CASCADE,
      bucket TEXT CHECK (bucket IN ('easy', 'medium', 'hard')),
      createdMs INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX humanLabelsByProblem ON humanLabels (problemId);

    CREATE TABLE pools (
      poolId INTEGER PRIMARY KEY,
      datasetId INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE,
      name TEXT NOT NULL,
      createdMs INTEGER NOT NULL,
      UNIQUE (datasetId, name)
    ) STRICT;
    CREATE TABLE poolProblems (
      poolId INTEGER NOT NULL REFERENCES pools ON DELETE CASCADE,
      problemId INTEGER NOT NULL REFERENCES problems ON DELETE CASCADE,
      PRIMARY KEY (poolId, problemId)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX poolProblemsByProblem ON poolProblems (problemId);
  `);
}
