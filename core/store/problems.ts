/**
 * Datasets and their problems.
 *
 * Owns: storing imported problems and paging through them. Importing, mapping and finding duplicates
 * happen in data/ before.
 */
import { AresError } from '#core/util/errors.ts';
import type { Connection } from './connection.ts';
import { inTransaction } from './transactions.ts';

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

export interface ProblemReads {
  datasets(): Dataset[];
  get(problemId: number): Problem | undefined;
  /** In order of import. */
  page(page: ProblemPage): Problem[];
  /** Number of problems per split. */
  splits(datasetId: number): { split: string; problems: number }[];
}

export interface ProblemWrites {
  /**
   * Adds a dataset with its problems, all or nothing.
   * @returns its id
   * @throws AresError 'usage' when there is a dataset of that name
   */
  addDataset(dataset: NewDataset, problems: readonly NewProblem[]): number;
  /** Adds problems to a dataset, all or nothing. */
  append(datasetId: number, problems: readonly NewProblem[]): void;
}

type Row = Omit<Problem, 'prompt' | 'images' | 'meta'> & { prompt: string; images: string; meta: string };

export function problemQueries(db: Connection): ProblemReads & ProblemWrites {
  const allDatasets = db.prepare<[], Omit<Dataset, 'mapping'> & { mapping: string }>(`
    SELECT *, (SELECT count(*) FROM problems WHERE problems.datasetId = datasets.datasetId) AS problems
    FROM datasets ORDER BY datasetId`);
  const byId = db.prepare<[number], Row>('SELECT * FROM problems WHERE problemId = ?');
  const page = db.prepare<[ProblemPage], Row>(`
    SELECT * FROM problems WHERE datasetId = :datasetId AND split = :split AND problemId > :afterProblemId
    ORDER BY problemId LIMIT :limit`);
  const splits = db.prepare<[number], { split: string; problems: number }>(
    'SELECT split, count(*) AS problems FROM problems WHERE datasetId = ? GROUP BY split ORDER BY split',
  );
  const findDataset = db.prepare<[string]>('SELECT 1 FROM datasets WHERE name = ?');
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
    get: (problemId) => {
      const row = byId.get(problemId);
      return row && parse(row);
    },
    page: (request) => page.all(request).map(parse),
    splits: (datasetId) => splits.all(datasetId),
    append,
    addDataset: ({ name, file, mapping, createdMs }, problems) =>
      inTransaction(db, () => {
        if (findDataset.get(name) !== undefined) {
          throw new AresError('usage', `There already is a dataset named "${name}".`, {
            where: name,
            hint: 'Choose another name, or add the problems to that dataset.',
          });
        }
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
