/**
 * The problems of a dataset as a table a person filters, sorts, searches and scrolls.
 *
 * Owns: the index (ids alone, a million of them from indexes), the search through texts in slices, and the
 * rows of a window. A search is never part of the index: it reads every text, and whoever asks for it must
 * be able to do something else between two slices.
 */
import type { Bucket, BucketOptions } from '#core/ares/options.ts';
import type { Connection } from './connection.ts';
import { newestHumanLabel } from './humanLabels.ts';
import { newestLabel } from './labels.ts';

export const problemOrders = ['imported', 'id', 'length', 'passRate', 'source'] as const;
export type ProblemOrder = (typeof problemOrders)[number];

/** Null does not restrict. */
export interface ProblemFilter {
  datasetId: number;
  /** Whose labels are meant; without it every problem counts as unlabelled. */
  modelId: number | null;
  split: string | null;
  source: string | null;
  bucket: Bucket | null;
  /** 'differs': labelled by hand and by the model, differently. */
  human: Bucket | 'none' | 'differs' | null;
  /** Measured pass rate, both ends included. */
  passRate: { low: number; high: number } | null;
  poolId: number | null;
  sort: ProblemOrder;
  descending: boolean;
}

/** Consecutive problems, in order of import. */
export interface Slice {
  datasetId: number;
  /** 0 for the first. */
  afterProblemId: number;
  problems: number;
}

export interface FoundSlice {
  problemIds: number[];
  /** Where the next slice begins; null when this was the last. */
  next: number | null;
}

export interface TableRow {
  problemId: number;
  id: string;
  /** Its beginning, as plain text; of a conversation what the user says. */
  prompt: string;
  answer: string;
  source: string;
  split: string;
  images: number;
  /** Null where the model has not labelled it. */
  samples: number | null;
  correct: number | null;
  intervalLow: number | null;
  intervalHigh: number | null;
  meanLengthTokens: number | null;
  human: Bucket | null;
}

export interface ProblemTableReads {
  /** Ids in the order asked for; what has no label comes last when sorted by pass rate. */
  index(filter: ProblemFilter, buckets: BucketOptions): Int32Array<ArrayBuffer>;
  /** Problems of a slice in which every word occurs, in prompt, answer or id; letters of ASCII in any case. */
  search(slice: Slice, words: readonly string[]): FoundSlice;
  /** In the order of the ids; those that are gone are left out. */
  rows(problemIds: readonly number[], modelId: number | null, promptCharacters: number): TableRow[];
  /** Most problems first. */
  sources(datasetId: number): { source: string; problems: number }[];
}

/** The text of a prompt: itself, or the turns of the user in a conversation. Not the JSON, whose names would be found. */
const promptText = `CASE WHEN substr(prompt, 1, 1) = '"' THEN prompt ->> '$' ELSE
  (SELECT group_concat(value ->> 'content', char(10)) FROM json_each(prompt) WHERE value ->> 'role' = 'user') END`;

/** The newest label of every problem by a model; SQLite takes the other columns from the row of the maximum. */
const rated = `(SELECT problemId, samples, correct, max(labelId) FROM labels WHERE modelId = :modelId GROUP BY problemId)`;
const judged = '(SELECT problemId, bucket, max(humanLabelId) FROM humanLabels GROUP BY problemId)';

/** As bucketOf in ares/difficulty.ts: counts are compared, not rounded rates. */
const ratedBucket = `CASE WHEN correct * :of >= :easyAtLeast * samples THEN 'easy'
  WHEN correct * :of >= :mediumAtLeast * samples THEN 'medium' ELSE 'hard' END`;

/** Tolerates the rounding of a slider's ends, not a whole answer of any number of samples. */
const EPSILON = 1e-9;

export function problemTableQueries(db: Connection): ProblemTableReads {
  const ends = db
    .prepare<[Slice], number>(
      `SELECT max(problemId) FROM (SELECT problemId FROM problems
       WHERE datasetId = :datasetId AND problemId > :afterProblemId ORDER BY problemId LIMIT :problems)`,
    )
    .pluck();
  const rows = db.prepare<[{ ids: string; modelId: number | null; characters: number }], TableRow>(`
    SELECT problems.problemId, problems.id, substr(${promptText}, 1, :characters) AS prompt, answer, source, split,
      json_array_length(images) AS images, samples, correct, intervalLow, intervalHigh, meanLengthTokens,
      humanLabels.bucket AS human
    FROM json_each(:ids) AS wanted JOIN problems ON problems.problemId = wanted.value
    LEFT JOIN labels ON ${newestLabel(':modelId')} LEFT JOIN humanLabels ON ${newestHumanLabel}
    ORDER BY wanted.key`);
  const sources = db.prepare<[number], { source: string; problems: number }>(`
    SELECT source, count(*) AS problems FROM problems WHERE datasetId = ?
    GROUP BY source ORDER BY problems DESC, source`);

  return {
    index: (filter, buckets) => {
      const { passRate, ...rest } = filter;
      const parameters = { ...rest, ...buckets, low: passRate?.low ?? 0, high: passRate?.high ?? 1 };
      return Int32Array.from(db.prepare<[object], number>(indexQuery(filter)).pluck().all(parameters));
    },
    search: (slice, words) => {
      const end = ends.get(slice) ?? null;
      if (end === null) return { problemIds: [], next: null };
      const conditions = words.map(
        (_, i) =>
          `(${promptText} LIKE @w${i} ESCAPE '\\' OR answer LIKE @w${i} ESCAPE '\\' OR id LIKE @w${i} ESCAPE '\\')`,
      );
      const query = db
        .prepare<[object], number>(
          `SELECT problemId FROM problems WHERE datasetId = @datasetId AND problemId > @afterProblemId
           AND problemId <= @end AND ${conditions.join(' AND ')} ORDER BY problemId`,
        )
        .pluck();
      const patterns = words.map((word, i) => [`w${i}`, `%${word.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`]);
      return { problemIds: query.all({ ...slice, end, ...Object.fromEntries(patterns) }), next: end };
    },
    rows: (problemIds, modelId, characters) => rows.all({ ids: JSON.stringify(problemIds), modelId, characters }),
    sources: (datasetId) => sources.all(datasetId),
  };
}

function indexQuery({ split, source, bucket, human, passRate, poolId, sort, descending }: ProblemFilter): string {
  const needsLabel = bucket !== null || passRate !== null || human === 'differs';
  const joins: string[] = [];
  const conditions = ['datasetId = :datasetId'];
  if (poolId !== null) joins.push('JOIN poolProblems USING (problemId)');
  if (poolId !== null) conditions.push('poolId = :poolId');
  if (needsLabel || sort === 'passRate')
    joins.push(`${needsLabel ? '' : 'LEFT '}JOIN ${rated} AS rated USING (problemId)`);
  if (human !== null) joins.push(`LEFT JOIN ${judged} AS judged USING (problemId)`);
  if (split !== null) conditions.push('split = :split');
  if (source !== null) conditions.push('source = :source');
  if (bucket !== null) conditions.push(`${ratedBucket} = :bucket`);
  if (passRate !== null)
    conditions.push(`correct >= :low * samples - ${EPSILON} AND correct <= :high * samples + ${EPSILON}`);
  if (human === 'none') conditions.push('judged.bucket IS NULL');
  else if (human === 'differs') conditions.push(`judged.bucket <> ${ratedBucket}`);
  else if (human !== null) conditions.push('judged.bucket = :human');
  // The same direction for both terms, so that an index serves either.
  const direction = descending ? 'DESC' : 'ASC';
  const order = {
    imported: '',
    id: `id ${direction},`,
    length: `length(prompt ->> '$') ${direction},`,
    passRate: `rated.samples IS NULL, correct * 1.0 / samples ${direction},`,
    source: `source ${direction},`,
  }[sort];
  return `SELECT problems.problemId FROM problems ${joins.join(' ')} WHERE ${conditions.join(' AND ')}
    ORDER BY ${order} problems.problemId ${direction}`;
}
