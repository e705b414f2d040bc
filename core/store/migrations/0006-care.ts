/**
 * Schema of care: what a check of a dataset found, which care a pool was made with, and traces that no run wrote.
 *
 * A dataset has at most one check, the newest. Members of a cluster of duplicates and contaminated problems go
 * with the problems they speak of. A trace's length depends on whose tokenizer counts it, so it stands apart.
 */
import type { Connection } from '#core/store/connection.ts';

export function care(db: Connection): void {
  db.exec(`
    CREATE TABLE checks (
      checkId INTEGER PRIMARY KEY,
      datasetId INTEGER NOT NULL UNIQUE REFERENCES datasets ON DELETE CASCADE,
      settings TEXT NOT NULL CHECK (json_valid(settings)),
      summary TEXT NOT NULL CHECK (json_valid(summary)),
      createdMs INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE checkClusters (
      checkId INTEGER NOT NULL REFERENCES checks ON DELETE CASCADE,
      problemId INTEGER NOT NULL REFERENCES problems ON DELETE CASCADE,
      cluster INTEGER NOT NULL,
      similarity REAL NOT NULL CHECK (similarity BETWEEN 0 AND 1),
      PRIMARY KEY (checkId, problemId)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX checkClustersByProblem ON checkClusters (problemId);
    -- Places are UTF-16 positions in the plain text of the two prompts.
    CREATE TABLE checkContamination (
      checkId INTEGER NOT NULL REFERENCES checks ON DELETE CASCADE,
      problemId INTEGER NOT NULL REFERENCES problems ON DELETE CASCADE,
      againstId INTEGER NOT NULL REFERENCES problems ON DELETE CASCADE,
      matchedWords INTEGER NOT NULL,
      coverage REAL NOT NULL,
      start INTEGER NOT NULL,
      end INTEGER NOT NULL,
      againstStart INTEGER NOT NULL,
      againstEnd INTEGER NOT NULL,
      PRIMARY KEY (checkId, problemId)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX checkContaminationByProblem ON checkContamination (problemId);
    CREATE INDEX checkContaminationByAgainst ON checkContamination (againstId);

    CREATE TABLE poolCare (
      poolId INTEGER PRIMARY KEY REFERENCES pools ON DELETE CASCADE,
      care TEXT NOT NULL CHECK (json_valid(care))
    ) STRICT;

    CREATE TABLE traces (
      traceId INTEGER PRIMARY KEY,
      problemId INTEGER NOT NULL REFERENCES problems ON DELETE CASCADE,
      origin TEXT NOT NULL CHECK (origin IN ('dataset', 'teacher')),
      source TEXT NOT NULL,
      text TEXT NOT NULL,
      correct INTEGER NOT NULL CHECK (correct IN (0, 1)),
      createdMs INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX tracesByProblem ON traces (problemId);
    CREATE TABLE traceLengths (
      traceId INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE,
      modelId INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
      lengthTokens INTEGER NOT NULL,
      PRIMARY KEY (traceId, modelId)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX traceLengthsByModel ON traceLengths (modelId);
  `);
}
