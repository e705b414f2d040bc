/**
 * Rollouts: responses with verdict, reward and advantage, their tokens, and the tree of forks.
 *
 * Owns: their storage and the ways of reading them: the columns of a step or a stage (for statistics),
 * the samples of one problem (for the tree), one response and its tokens (for the trace).
 */
import type { Bucket } from '#core/ares/options.ts';
import { type Verdict, verdictCode } from '#core/grading/verdict.ts';
import { toBlob, toFloat32, toInt32 } from './columns.ts';
import type { Connection } from './connection.ts';
import { mean } from '#core/util/statistics.ts';
import { inTransaction } from './transactions.ts';

/** Per token of a response; all of the same length. */
export interface TokenColumns {
  ids: Int32Array;
  logprobs: Float32Array;
  entropiesNats: Float32Array;
}

/** Per token of a response that a server sent, as far as it tells; all of the same length. */
export interface ServedTokenColumns {
  pieces: readonly string[];
  logprobs: Float32Array;
  /** Lower bounds, from `topK` log-probs at least. */
  entropiesNats: Float32Array;
  topK: number;
}

/** Mean entropy of some responses over their tokens. */
export interface MeanEntropy {
  nats: number;
  /** It is a lower bound from so many log-probs; null where it is exact. */
  topK: number | null;
}

export interface RolloutDetails {
  problemId: number;
  /** Number of the response within its group. */
  sample: number;
  /** The sample whose first `forkPosition` tokens it shares; null for a fresh response. */
  parentSample: number | null;
  forkPosition: number | null;
  verdict: Verdict;
  extractedAnswer: string | null;
  response: string;
  lengthTokens: number;
  /** The token limit ended it. */
  truncated: boolean;
  /** N_HE; null where it was not counted. */
  highEntropyCount: number | null;
  bucket: Bucket | null;
  /** What the reward is made of, by name. */
  rewardParts: Readonly<Record<string, number>>;
  /** Null where nothing was trained on it. */
  advantage: number | null;
}

export interface NewRollout extends RolloutDetails {
  /** Null for a response that came without token data. */
  tokens: TokenColumns | ServedTokenColumns | null;
}

export interface Rollout extends RolloutDetails {
  rolloutId: number;
  /** Whether token columns are stored with it. */
  hasTokens: boolean;
  /** Null where nothing is known of it. */
  meanEntropyNats: number | null;
  entropyTopK: number | null;
}

export interface StepKey {
  runId: number;
  stage: number;
  step: number;
}

/** One entry per rollout of a step, by problem and sample. */
export interface RolloutColumns {
  rolloutId: Int32Array;
  problemId: Int32Array;
  sample: Int32Array;
  /** verdictCode of grading/verdict.ts. */
  verdict: Uint8Array;
  lengthTokens: Int32Array;
  truncated: Uint8Array;
  /** −1 where it was not counted. */
  highEntropyCount: Int32Array;
}

/** One entry per response of a stage, by step, problem and sample. */
export interface StageResponses {
  rolloutId: Int32Array;
  step: Int32Array;
  problemId: Int32Array;
  sample: Int32Array;
  /** verdictCode of grading/verdict.ts. */
  verdict: Uint8Array;
  lengthTokens: Int32Array;
  /** −1 where it was not counted. */
  highEntropyCount: Int32Array;
  bucket: (Bucket | null)[];
}

export interface RolloutReads {
  get(rolloutId: number): (Rollout & StepKey) | undefined;
  /** Of all steps of a stage, or of one. */
  responses(runId: number, stage: number, step: number | null): StageResponses;
  /** Steps of a stage that have rollouts, ascending. */
  steps(runId: number, stage: number): number[];
  columns(key: StepKey): RolloutColumns;
  /** By sample. */
  ofProblem(key: StepKey, problemId: number): Rollout[];
  tokens(rolloutId: number): TokenColumns | undefined;
  servedTokens(rolloutId: number): ServedTokenColumns | undefined;
  /** Of the first `samples` samples of a problem in a stage; null where nothing is known of it. */
  meanEntropy(runId: number, stage: number, problemId: number, samples: number): MeanEntropy | null;
}

export interface RolloutWrites {
  /** All or nothing; a parent must be in this batch or stored before. */
  write(key: StepKey, rollouts: readonly NewRollout[]): void;
  /** Forgets the rollouts after a step, later stages included: a resumed run draws them again. */
  removeAfter(runId: number, stage: number, step: number): void;
}

type Row = Omit<Rollout, 'truncated' | 'rewardParts' | 'hasTokens'> & { truncated: number; rewardParts: string };
type ReadRow = Row & { hasTokens: number };
type ResponseRow = [number, number, number, number, Verdict, number, number | null, Bucket | null];
type ColumnRow = [number, number, number, Verdict, number, number, number | null];
interface TokenRow {
  ids: Buffer;
  logprobs: Buffer;
  entropiesNats: Buffer;
}

const details = `problemId, sample, parentSample, forkPosition, verdict, extractedAnswer, response, lengthTokens,
  truncated, highEntropyCount, bucket, rewardParts, advantage, meanEntropyNats, entropyTopK`;
const read = `rolloutId, ${details},
  EXISTS (SELECT 1 FROM rolloutTokens WHERE rolloutTokens.rolloutId = rollouts.rolloutId) AS hasTokens`;

export function rolloutQueries(db: Connection): RolloutReads & RolloutWrites {
  const steps = db
    .prepare<[number, number], number>('SELECT DISTINCT step FROM rollouts WHERE runId = ? AND stage = ? ORDER BY step')
    .pluck();
  const columns = db
    .prepare<[StepKey], ColumnRow>(
      `SELECT rolloutId, problemId, sample, verdict, lengthTokens, truncated, highEntropyCount FROM rollouts
       WHERE runId = :runId AND stage = :stage AND step = :step ORDER BY problemId, sample`,
    )
    .raw();
  const byId = db.prepare<[number], ReadRow & StepKey>(
    `SELECT runId, stage, step, ${read} FROM rollouts WHERE rolloutId = ?`,
  );
  const responses = db
    .prepare<[number, number, number | null, number | null], ResponseRow>(
      `SELECT rolloutId, step, problemId, sample, verdict, lengthTokens, highEntropyCount, bucket FROM rollouts
       WHERE runId = ? AND stage = ? AND (? IS NULL OR step = ?) ORDER BY step, problemId, sample`,
    )
    .raw();
  const ofProblem = db.prepare<[StepKey & { problemId: number }], ReadRow>(
    `SELECT ${read} FROM rollouts
     WHERE runId = :runId AND stage = :stage AND step = :step AND problemId = :problemId ORDER BY sample`,
  );
  const tokens = db.prepare<[number], TokenRow>('SELECT * FROM rolloutTokens WHERE rolloutId = ?');
  const insert = db.prepare<[StepKey & Omit<Row, 'rolloutId'>]>(`
    INSERT INTO rollouts (runId, stage, step, ${details})
    VALUES (:runId, :stage, :step, :problemId, :sample, :parentSample, :forkPosition, :verdict, :extractedAnswer,
      :response, :lengthTokens, :truncated, :highEntropyCount, :bucket, :rewardParts, :advantage, :meanEntropyNats,
      :entropyTopK)`);
  const insertTokens = db.prepare(
    'INSERT INTO rolloutTokens (rolloutId, ids, logprobs, entropiesNats) VALUES (?, ?, ?, ?)',
  );
  const insertServed = db.prepare(
    'INSERT INTO servedTokens (rolloutId, pieces, logprobs, entropiesNats) VALUES (?, ?, ?, ?)',
  );
  const served = db.prepare<[number], Omit<TokenRow, 'ids'> & { pieces: string; topK: number }>(
    `SELECT pieces, logprobs, entropiesNats, entropyTopK AS topK FROM servedTokens JOIN rollouts USING (rolloutId)
     WHERE rolloutId = ?`,
  );
  const meanEntropy = db.prepare<[number, number, number, number], { nats: number | null; topK: number | null }>(
    `SELECT sum(meanEntropyNats * lengthTokens) / sum(lengthTokens) AS nats, min(entropyTopK) AS topK FROM rollouts
     WHERE problemId = ? AND runId = ? AND stage = ? AND sample < ? AND meanEntropyNats IS NOT NULL`,
  );
  const removeAfter = db.prepare<[number, number, number]>(
    'DELETE FROM rollouts WHERE runId = ? AND (stage, step) > (?, ?)',
  );

  return {
    steps: (runId, stage) => steps.all(runId, stage),
    columns: (key) => {
      const rows = columns.all(key);
      return {
        rolloutId: Int32Array.from(rows, (row) => row[0]),
        problemId: Int32Array.from(rows, (row) => row[1]),
        sample: Int32Array.from(rows, (row) => row[2]),
        verdict: Uint8Array.from(rows, (row) => verdictCode(row[3])),
        lengthTokens: Int32Array.from(rows, (row) => row[4]),
        truncated: Uint8Array.from(rows, (row) => row[5]),
        highEntropyCount: Int32Array.from(rows, (row) => row[6] ?? -1),
      };
    },
    get: (rolloutId) => {
      const row = byId.get(rolloutId);
      return row && parse(row);
    },
    responses: (runId, stage, step) => {
      const rows = responses.all(runId, stage, step, step);
      return {
        rolloutId: Int32Array.from(rows, (row) => row[0]),
        step: Int32Array.from(rows, (row) => row[1]),
        problemId: Int32Array.from(rows, (row) => row[2]),
        sample: Int32Array.from(rows, (row) => row[3]),
        verdict: Uint8Array.from(rows, (row) => verdictCode(row[4])),
        lengthTokens: Int32Array.from(rows, (row) => row[5]),
        highEntropyCount: Int32Array.from(rows, (row) => row[6] ?? -1),
        bucket: rows.map((row) => row[7]),
      };
    },
    ofProblem: (key, problemId) => ofProblem.all({ ...key, problemId }).map(parse),
    tokens: (rolloutId) => {
      const row = tokens.get(rolloutId);
      if (row === undefined) return undefined;
      const length = row.ids.byteLength / Int32Array.BYTES_PER_ELEMENT;
      return {
        ids: toInt32(row.ids, length),
        logprobs: toFloat32(row.logprobs, length),
        entropiesNats: toFloat32(row.entropiesNats, length),
      };
    },
    servedTokens: (rolloutId) => {
      const row = served.get(rolloutId);
      if (row === undefined) return undefined;
      const pieces = JSON.parse(row.pieces) as string[];
      return {
        pieces,
        logprobs: toFloat32(row.logprobs, pieces.length),
        entropiesNats: toFloat32(row.entropiesNats, pieces.length),
        topK: row.topK,
      };
    },
    meanEntropy: (runId, stage, problemId, samples) => {
      const { nats, topK } = meanEntropy.get(problemId, runId, stage, samples)!;
      return nats === null ? null : { nats, topK };
    },
    write: (key, rollouts) =>
      inTransaction(db, () => {
        for (const { tokens, truncated, rewardParts, ...rest } of rollouts) {
          const hasEntropy = tokens !== null && tokens.entropiesNats.length > 0;
          const { lastInsertRowid } = insert.run({
            ...key,
            ...rest,
            truncated: Number(truncated),
            rewardParts: JSON.stringify(rewardParts),
            meanEntropyNats: hasEntropy ? mean(tokens.entropiesNats) : null,
            entropyTopK: tokens !== null && 'topK' in tokens ? tokens.topK : null,
          });
          if (tokens === null) continue;
          const [logprobs, entropiesNats] = [toBlob(tokens.logprobs), toBlob(tokens.entropiesNats)];
          if ('ids' in tokens) insertTokens.run(lastInsertRowid, toBlob(tokens.ids), logprobs, entropiesNats);
          else insertServed.run(lastInsertRowid, JSON.stringify(tokens.pieces), logprobs, entropiesNats);
        }
      }),
    removeAfter: (runId, stage, step) => inTransaction(db, () => void removeAfter.run(runId, stage, step)),
  };
}

function parse<R extends ReadRow>(row: R) {
  return {
    ...row,
    truncated: row.truncated === 1,
    rewardParts: JSON.parse(row.rewardParts) as Record<string, number>,
    hasTokens: row.hasTokens === 1,
  };
}
