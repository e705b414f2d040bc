/**
 * Schema with models that answer on servers, and what servers tell of entropies.
 *
 * A served model has an address in the place of a folder and no hash: nobody knows its weights. Its tokens have
 * texts but no ids of a known vocabulary, and entropies that are lower bounds from so many log-probs; they stand
 * apart from the tokens of rollouts, whose entropies are exact. Means are kept with responses and labels: over
 * tokens, and exact where there is no topK.
 */
import type { Connection } from '#core/store/connection.ts';

export function served(db: Connection): void {
  db.exec(`
    ALTER TABLE models ADD COLUMN servedUrl TEXT;
    ALTER TABLE models ADD COLUMN servedModel TEXT CHECK ((servedModel IS NULL) = (servedUrl IS NULL));

    ALTER TABLE rollouts ADD COLUMN meanEntropyNats REAL;
    ALTER TABLE rollouts ADD COLUMN entropyTopK INTEGER;
    ALTER TABLE labels ADD COLUMN meanEntropyNats REAL;
    ALTER TABLE labels ADD COLUMN entropyTopK INTEGER;

    -- Numbers little-endian float32, one per token.
    CREATE TABLE servedTokens (
      rolloutId INTEGER PRIMARY KEY REFERENCES rollouts ON DELETE CASCADE,
      pieces TEXT NOT NULL CHECK (json_valid(pieces)),
      logprobs BLOB NOT NULL,
      entropiesNats BLOB NOT NULL,
      CHECK (length(logprobs) % 4 = 0 AND length(entropiesNats) = length(logprobs))
    ) STRICT;
  `);
}
