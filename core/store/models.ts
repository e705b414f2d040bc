/**
 * Models the project knows: a folder with certain weights, and the model it was trained from.
 */
import type { Connection } from './connection.ts';
import type { ProjectPaths } from './projectPaths.ts';
import { inTransaction } from './transactions.ts';

export interface NewModel {
  /** Absolute path. */
  folder: string;
  /** SHA-256 of the weights: the same folder with other weights is another model. */
  weightsHash: string;
  /** The model it was trained from; null for one that was brought in. */
  parentId: number | null;
  createdMs: number;
}

export interface Model extends NewModel {
  modelId: number;
}

export interface ModelReads {
  get(modelId: number): Model | undefined;
  /** Oldest first. */
  list(): Model[];
}

export interface ModelWrites {
  /** Adds a model and returns its id; one with the same folder and weights keeps the id it has. */
  add(model: NewModel): number;
}

export function modelQueries(db: Connection, paths: ProjectPaths): ModelReads & ModelWrites {
  const byId = db.prepare<[number], Model>('SELECT * FROM models WHERE modelId = ?');
  const all = db.prepare<[], Model>('SELECT * FROM models ORDER BY modelId');
  const find = db
    .prepare<[string, string], number>('SELECT modelId FROM models WHERE folder = ? AND weightsHash = ?')
    .pluck();
  const insert = db.prepare<[NewModel]>(`
    INSERT INTO models (folder, weightsHash, parentId, createdMs)
    VALUES (:folder, :weightsHash, :parentId, :createdMs)`);
  const parse = (row: Model): Model => ({ ...row, folder: paths.toAbsolute(row.folder) });
  return {
    get: (modelId) => {
      const row = byId.get(modelId);
      return row && parse(row);
    },
    list: () => all.all().map(parse),
    add: (model) => {
      const row = { ...model, folder: paths.toStored(model.folder) };
      return inTransaction(db, () => find.get(row.folder, row.weightsHash) ?? Number(insert.run(row).lastInsertRowid));
    },
  };
}
