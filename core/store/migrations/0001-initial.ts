/**
 * Schema 1: models, datasets, labels, runs with their metrics, checkpoints and events.
 *
 * Columns are named as the fields they become, units included. Times are milliseconds since 1970.
 */
import type { Connection } from '#core/store/connection.ts';

export function initial(db: Connection): void {
  db.exec(`
    CREATE TABLE models (
      modelId INTEGER PRIMARY KEY,
      folder TEXT NOT NULL,
      weightsHash TEXT NOT NULL,
      parentId INTEGER REFERENCES models ON DELETE SET NULL,
      createdMs INTEGER NOT NULL,
      UNIQUE (folder, weightsHash)
    ) STRICT;
    CREATE INDEX modelsByParent ON models (parentId);

    CREATE TABLE datasets (
      datasetId INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      file TEXT,
      mapping TEXT NOT NULL CHECK (json_valid(mapping)),
      createdMs INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE problems (
      problemId INTEGER PRIMARY KEY,
      datasetId INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE,
      id TEXT NOT NULL,
      key INTEGER NOT NULL,
      prompt TEXT NOT NULL CHECK (json_valid(prompt)),
      answer TEXT NOT NULL,
      source TEXT NOT NULL,
      split TEXT NOT NULL,
      images TEXT NOT NULL CHECK (json_valid(images)),
      meta TEXT NOT NULL CHECK (json_valid(meta)),
      UNIQUE (datasetId, id)
    ) STRICT;
    CREATE INDEX problemsBySplit ON problems (datasetId, split);
    CREATE INDEX problemsByKey ON problems (key);

    CREATE TABLE runs (
      runId INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      kind TEXT NOT NULL,
      state TEXT NOT NULL CHECK (
        state IN ('queued', 'running', 'paused', 'finished', 'failed', 'stopped', 'interrupted')
      ),
      recipe TEXT NOT NULL CHECK (json_valid(recipe)),
      recipeHash TEXT NOT NULL,
      seed INTEGER NOT NULL,
      folder TEXT NOT NULL,
      parentId INTEGER REFERENCES runs ON DELETE SET NULL,
      createdMs INTEGER NOT NULL,
      startedMs INTEGER,
      endedMs INTEGER,
      owner TEXT CHECK (json_valid(owner)),
      error TEXT CHECK (json_valid(error))
    ) STRICT;
    CREATE INDEX runsByState ON runs (state);
    CREATE INDEX runsByParent ON runs (parentId);
    CREATE TRIGGER recipeIsImmutable BEFORE UPDATE OF recipe, recipeHash, seed ON runs
    BEGIN
      SELECT RAISE(ABORT, 'the recipe of a run cannot be changed');
    END;

    CREATE TABLE stages (
      runId INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      stage INTEGER NOT NULL,
      name TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'finished')),
      plannedUnits INTEGER NOT NULL,
      doneUnits INTEGER NOT NULL,
      startedMs INTEGER,
      endedMs INTEGER,
      PRIMARY KEY (runId, stage)
    ) STRICT, WITHOUT ROWID;

    -- A value is NULL where the metric was not a number.
    CREATE TABLE metricNames (nameId INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE metrics (
      runId INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      stage INTEGER NOT NULL,
      nameId INTEGER NOT NULL REFERENCES metricNames,
      step INTEGER NOT NULL,
      value REAL,
      PRIMARY KEY (runId, stage, nameId, step)
    ) STRICT, WITHOUT ROWID;

    -- Labels are only ever added: a difficulty without its circumstances means nothing.
    CREATE TABLE labels (
      labelId INTEGER PRIMARY KEY,
      problemId INTEGER NOT NULL REFERENCES problems ON DELETE CASCADE,
      modelId INTEGER NOT NULL REFERENCES models,
      runId INTEGER REFERENCES runs ON DELETE SET NULL,
      grader TEXT NOT NULL,
      samples INTEGER NOT NULL CHECK (samples >= 1),
      correct INTEGER NOT NULL CHECK (correct BETWEEN 0 AND samples),
      temperature REAL NOT NULL,
      maxNewTokens INTEGER NOT NULL,
      intervalLow REAL NOT NULL,
      intervalHigh REAL NOT NULL,
      meanLengthTokens REAL NOT NULL,
      createdMs INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX labelsByProblem ON labels (problemId, modelId);
    CREATE INDEX labelsByModel ON labels (modelId);
    CREATE INDEX labelsByRun ON labels (runId);

    CREATE TABLE checkpoints (
      checkpointId INTEGER PRIMARY KEY,
      runId INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      stage INTEGER NOT NULL,
      step INTEGER NOT NULL,
      folder TEXT NOT NULL,
      manifestHash TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('ready', 'damaged', 'pruned')),
      createdMs INTEGER NOT NULL,
      UNIQUE (runId, stage, step)
    ) STRICT;

    CREATE TABLE events (
      eventId INTEGER PRIMARY KEY,
      runId INTEGER REFERENCES runs ON DELETE CASCADE,
      timeMs INTEGER NOT NULL,
      level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
      message TEXT NOT NULL,
      details TEXT NOT NULL CHECK (json_valid(details))
    ) STRICT;
    CREATE INDEX eventsByRun ON events (runId);
  `);
}
