/**
 * Datasets and their problems.
 *
 * Owns: storing and changing problems, and paging through them. Importing, mapping and finding duplicates
 * happen in data/ before; what a table shows is problemTable.ts. A dataset that is still being imported
 * (imports.ts) is not listed.
 */
import { AresError } from '#core/util/errors.ts';
import type { Connection } from './connection.ts';
import { durably, inTransaction } from './transactions.ts';

export interface NewDataset {
  name: string;
  /** Where it was imported from; null when it was made in the project. */
  file: string | null;
  /** Which column became which field, as JSON. */
  mapping: unknown;
  createdMs: number;
}

export interface Dataset extends NewDataset {
  datasetId: number;
  problems: number;
}

export interface NewProblem {
  /** The name a person knows it by; unique within the dataset. */
  id: string;
  /** Unsigned 32-bit identity of its content: the coordinate of its random numbers. */
  key: number;
  /** Text, or a list of chat messages. */
  prompt: unknown;
  answer: string;
  /** Where within the dataset it comes from; AdaCS fits lengths per source. */
  source: string;
  split: string;
  /** Paths or hashes of its images, in the order the prompt refers to them. */
  images: readonly string[];
  meta: unknown;
}

export interface Problem extends NewProblem {
  problemId: number;
  datasetId: number;
}

export interface ProblemPage {
  datasetId: number;
  split: string;
  /** Problems after this one; 0 for the first page. */
  afterProblemId: number;
  limit: number;
}

/** Columns of the data that may hold a group: problems of one value never stand on both sides of a split. */
export const groupColumns = ['source', 'level', 'group'] as const;
export type GroupColumn = (typeof groupColumns)[number];

export interface ProblemReads {
  datasets(): Dataset[];
  /** Cheaper than `datasets` where there are millions of problems to count. */
  datasetName(datasetId: number): string | undefined;
  get(problemId: number): Problem | undefined;
  /** In order of import. */
  page(page: ProblemPage): Problem[];
  /** As page, whatever the split. */
  pageOfAll(page: Omit<ProblemPage, 'split'>): Problem[];
  /** A value per problem by which problems may be grouped, in order of import; null where it has none. */
  groupValues(datasetId: number, by: GroupColumn): (string | null)[];
  /** Problems with ids from `first` to `last`, in order, at most `limit`. */
  between(first: number, last: number, limit: number): Problem[];
  /** Number of problems per split. */
  splits(datasetId: number): { split: string; problems: number }[];
  /** All ids, in order of import. */
  ids(datasetId: number): Int32Array<ArrayBuffer>;
  /** Which of these names are taken in a dataset. */
  takenIds(datasetId: number, ids: readonly string[]): Set<string>;
  /** Prompts, as JSON, of the problems of a dataset with one of these keys. */
  withKeys(datasetId: number, keys: readonly number[]): { key: number; prompt: string }[];
  /** Whether a run has a response to the problem, or a label of it. */
  isUsed(problemId: number): boolean;
  /** Whether a run has a response to, or a label of, any problem of the dataset. */
  isDatasetUsed(datasetId: number): boolean;
}

/** What can be changed about a problem that no run has used. */
export type ProblemChange = Pick<NewProblem, 'key' | 'prompt' | 'answer' | 'source' | 'split'>;

export interface ProblemWrites {
  /**
   * Adds a dataset with its problems, all or nothing.
   * @returns its id
   * @throws AresError 'usage' when there is a dataset of that name
   */
  addDataset(dataset: NewDataset, problems: readonly NewProblem[]): number;
  /** Adds problems to a dataset, all or nothing. */
  append(datasetId: number, problems: readonly NewProblem[]): void;
  update(problemId: number, change: ProblemChange): void;
  /** @throws AresError 'usage' when there is another dataset of that name */
  rename(datasetId: number, name: string): void;
  /** With its problems, and everything that hangs on them. Durable. */
  remove(datasetId: number): void;
}

type Row = Omit<Problem, 'prompt' | 'images' | 'meta'> & { prompt: string; images: string; meta: string };

export function problemQueries(db: Connection): ProblemReads & ProblemWrites {
  const allDatasets = db.prepare<[], Omit<Dataset, 'mapping'> & { mapping: string }>(`
    SELECT datasetId, name, file, mapping, createdMs, (SELECT count(*) FROM problems WHERE problems.datasetId = datasets.datasetId) AS problems
    FROM datasets WHERE isImporting = 0 ORDER BY datasetId`);
  const nameOfDataset = db.prepare<[number], string>('SELECT name FROM datasets WHERE datasetId = ?').pluck();
  const byId = db.prepare<[number], Row>('SELECT * FROM problems WHERE problemId = ?');
  const page = db.prepare<[ProblemPage], Row>(`
    SELECT * FROM problems WHERE datasetId = :datasetId AND split = :split AND problemId > :afterProblemId
    ORDER BY problemId LIMIT :limit`);
  const pageOfAll = db.prepare<[Omit<ProblemPage, 'split'>], Row>(`
    SELECT * FROM problems WHERE datasetId = :datasetId AND problemId > :afterProblemId
    ORDER BY problemId LIMIT :limit`);
  const groupValue = { source: 'source', level: "meta ->> '$.level'", group: "meta ->> '$.group'" };
  const between = db.prepare<[number, number, number], Row>(
    'SELECT * FROM problems WHERE problemId BETWEEN ? AND ? ORDER BY problemId LIMIT ?',
  );
  const splits = db.prepare<[number], { split: string; problems: number }>(
    'SELECT split, count(*) AS problems FROM problems WHERE datasetId = ? GROUP BY split ORDER BY split',
  );
  const ids = db
    .prepare<[number], number>('SELECT problemId FROM problems WHERE datasetId = ? ORDER BY problemId')
    .pluck();
  const takenIds = db
    .prepare<[number, string], string>(
      'SELECT id FROM problems WHERE datasetId = ? AND id IN (SELECT value FROM json_each(?))',
    )
    .pluck();
  const withKeys = db.prepare<[string, number], { key: number; prompt: string }>(
    // The plus keeps the planner on the index of keys: a dataset may have a million problems.
    'SELECT key, prompt FROM problems WHERE key IN (SELECT value FROM json_each(?)) AND +datasetId = ?',
  );
  const isUsed = db
    .prepare<[number, number], number>(
      `SELECT EXISTS (SELECT 1 FROM rollouts WHERE problemId = ?)
         OR EXISTS (SELECT 1 FROM labels WHERE problemId = ? AND runId IS NOT NULL)`,
    )
    .pluck();
  const isDatasetUsed = db
    .prepare<[number, number], number>(
      `SELECT EXISTS (SELECT 1 FROM rollouts JOIN problems USING (problemId) WHERE datasetId = ?)
         OR EXISTS (SELECT 1 FROM labels JOIN problems USING (problemId) WHERE datasetId = ? AND runId IS NOT NULL)`,
    )
    .pluck();
  const update = db.prepare<[Omit<ProblemChange, 'prompt'> & { prompt: string; problemId: number }]>(`
    UPDATE problems SET key = :key, prompt = :prompt, answer = :answer, source = :source, split = :split
    WHERE problemId = :problemId`);
  const rename = db.prepare<[string, number]>('UPDATE datasets SET name = ? WHERE datasetId = ?');
  const remove = db.prepare<[number]>('DELETE FROM datasets WHERE datasetId = ?');
  const findDataset = db.prepare<[string], number>('SELECT datasetId FROM datasets WHERE name = ?').pluck();
  const insertDataset = db.prepare('INSERT INTO datasets (name, file, mapping, createdMs) VALUES (?, ?, ?, ?)');
  const insertProblem = db.prepare(`
    INSERT INTO problems (datasetId, id, key, prompt, answer, source, split, images, meta)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);

  const append = (datasetId: number, problems: readonly NewProblem[]) =>
    inTransaction(db, () => {
      for (const { id, key, prompt, answer, source, split, images, meta } of problems) {
        const json = [prompt, images, meta].map((value) => JSON.stringify(value)) as [string, string, string];
        insertProblem.run(datasetId, id, key, json[0], answer, source, split, json[1], json[2]);
      }
    });

  return {
    datasets: () => allDatasets.all().map((row) => ({ ...row, mapping: JSON.parse(row.mapping) as unknown })),
    datasetName: (datasetId) => nameOfDataset.get(datasetId),
    get: (problemId) => {
      const row = byId.get(problemId);
      return row && parse(row);
    },
    page: (request) => page.all(request).map(parse),
    pageOfAll: (request) => pageOfAll.all(request).map(parse),
    groupValues: (datasetId, by) =>
      db
        .prepare<[number], string | null>(
          `SELECT ${groupValue[by]} FROM problems WHERE datasetId = ? ORDER BY problemId`,
        )
        .pluck()
        .all(datasetId),
    between: (first, last, limit) => between.all(first, last, limit).map(parse),
    splits: (datasetId) => splits.all(datasetId),
    ids: (datasetId) => Int32Array.from(ids.all(datasetId)),
    takenIds: (datasetId, names) => new Set(takenIds.all(datasetId, JSON.stringify(names))),
    withKeys: (datasetId, keys) => withKeys.all(JSON.stringify(keys), datasetId),
    isUsed: (problemId) => isUsed.get(problemId, problemId) === 1,
    isDatasetUsed: (datasetId) => isDatasetUsed.get(datasetId, datasetId) === 1,
    append,
    update: (problemId, { prompt, ...rest }) =>
      inTransaction(db, () => void update.run({ problemId, prompt: JSON.stringify(prompt), ...rest })),
    rename: (datasetId, name) =>
      inTransaction(db, () => {
        if ((findDataset.get(name) ?? datasetId) !== datasetId) throw nameTaken(name);
        rename.run(name, datasetId);
      }),
    remove: (datasetId) => durably(db, () => void remove.run(datasetId)),
    addDataset: ({ name, file, mapping, createdMs }, problems) =>
      inTransaction(db, () => {
        if (findDataset.get(name) !== undefined) throw nameTaken(name);
        const datasetId = Number(insertDataset.run(name, file, JSON.stringify(mapping), createdMs).lastInsertRowid);
        append(datasetId, problems);
        return datasetId;
      }),
  };
}

function parse(row: Row): Problem {
  return {
    ...row,
    prompt: JSON.parse(row.prompt) as unknown,
    images: JSON.parse(row.images) as string[],
    meta: JSON.parse(row.meta) as unknown,
  };
}

/** The refusal of a second dataset of the same name. */
export function nameTaken(name: string): AresError {
  return new AresError('usage', `There already is a dataset named "${name}".`, {
    where: name,
    hint: 'Choose another name, or add the problems to that dataset.',
  });
}
