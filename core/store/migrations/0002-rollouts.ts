/**
 * Schema 2: what the model wrote, token by token, with verdict, reward and the tree of forks.
 *
 * A rollout is identified by where it was drawn (run, stage, step, problem, sample), so a fork names
 * its parent by sample, and the parent may follow in the same batch (the key is checked at commit).
 * Token columns stand apart: listing rollouts does not page through them.
 */
import type { Connection } from '#core/store/connection.ts';

export function rollouts(db: Connection): void {
  db.exec(`
    CREATE TABLE rollouts (
      rolloutId INTEGER PRIMARY KEY,
      runId INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      stage INTEGER NOT NULL,
      step INTEGER NOT NULL,
      problemId INTEGER NOT NULL REFERENCES problems ON DELETE CASCADE,
      sample INTEGER NOT NULL,
      parentSample INTEGER,
      forkPosition INTEGER,
      verdict TEXT NOT NULL CHECK (verdict IN ('correct', 'wrong', 'no_answer', 'ungradable')),
      extractedAnswer TEXT,
      response TEXT NOT NULL,
      lengthTokens INTEGER NOT NULL,
      truncated INTEGER NOT NULL CHECK (truncated IN (0, 1)),
      highEntropyCount INTEGER,
      bucket TEXT CHECK (bucket IN ('easy', 'medium', 'hard')),
      rewardParts TEXT NOT NULL CHECK (json_valid(rewardParts)),
      advantage REAL,
      UNIQUE (runId, stage, step, problemId, sample),
      CHECK ((parentSample IS NULL) = (forkPosition IS NULL)),
      FOREIGN KEY (runId, stage, step, problemId, parentSample)
        REFERENCES rollouts (runId, stage, step, problemId, sample) DEFERRABLE INITIALLY DEFERRED
    ) STRICT;
    CREATE INDEX rolloutsByProblem ON rollouts (problemId);
    CREATE INDEX rolloutsByParent ON rollouts (runId, stage, step, problemId, parentSample)
      WHERE parentSample IS NOT NULL;

    -- Little-endian int32 and float32, one number per token of the response.
    CREATE TABLE rolloutTokens (
      rolloutId INTEGER PRIMARY KEY REFERENCES rollouts ON DELETE CASCADE,
      ids BLOB NOT NULL,
      logprobs BLOB NOT NULL,
      entropiesNats BLOB NOT NULL,
      CHECK (length(ids) % 4 = 0 AND length(logprobs) = length(ids) AND length(entropiesNats) = length(ids))
    ) STRICT;
  `);
}
