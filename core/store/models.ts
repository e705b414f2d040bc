/**
 * Models the project knows: a folder with certain weights, and the model it was trained from; or the address
 * at which a server answers as a model.
 */
import type { Connection } from './connection.ts';
import type { ProjectPaths } from './projectPaths.ts';
import { inTransaction } from './transactions.ts';

/** A model on a server. */
export interface ServedIdentity {
  url: string;
  model: string;
}

export interface NewModel {
  /** Absolute path; of a served model its address in words. */
  folder: string;
  /** SHA-256 of the weights: the same folder with other weights is another model. Empty for a served one. */
  weightsHash: string;
  /** Where it answers, when it is no folder. */
  served?: ServedIdentity | null;
  /** The model it was trained from; null for one that was brought in. */
  parentId: number | null;
  createdMs: number;
}

export interface Model extends NewModel {
  modelId: number;
  served: ServedIdentity | null;
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

type Row = Omit<NewModel, 'served'> & { servedUrl: string | null; servedModel: string | null };

export function modelQueries(db: Connection, paths: ProjectPaths): ModelReads & ModelWrites {
  const byId = db.prepare<[number], Row & { modelId: number }>('SELECT * FROM models WHERE modelId = ?');
  const all = db.prepare<[], Row & { modelId: number }>('SELECT * FROM models ORDER BY modelId');
  const find = db
    .prepare<[string, string, string], number>(
      'SELECT modelId FROM models WHERE folder IN (?, ?) AND weightsHash = ? ORDER BY modelId LIMIT 1',
    )
    .pluck();
  const insert = db.prepare<[Row]>(`
    INSERT INTO models (folder, weightsHash, parentId, createdMs, servedUrl, servedModel)
    VALUES (:folder, :weightsHash, :parentId, :createdMs, :servedUrl, :servedModel)`);
  const parse = ({ servedUrl, servedModel, ...row }: Row & { modelId: number }): Model =>
    servedUrl === null
      ? { ...row, folder: paths.toAbsolute(row.folder), served: null }
      : { ...row, served: { url: servedUrl, model: servedModel! } };
  return {
    get: (modelId) => {
      const row = byId.get(modelId);
      return row && parse(row);
    },
    list: () => all.all().map(parse),
    add: ({ served = null, ...model }) => {
      const folder = served === null ? paths.toStored(model.folder) : model.folder;
      const row = { ...model, folder, servedUrl: served?.url ?? null, servedModel: served?.model ?? null };
      // In either spelling: the folder may have come to lie in the project since it was added.
      return inTransaction(
        db,
        () => find.get(folder, model.folder, model.weightsHash) ?? Number(insert.run(row).lastInsertRowid),
      );
    },
  };
}
