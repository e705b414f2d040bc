/**
 * Schema with paths relative to the project folder (projectPaths.ts); no table changes.
 *
 * A project that was moved before holds paths of where it was. Its own runs tell where that is: their folders
 * are always `runs/NUMBER` in the project folder.
 */
import { dirname } from 'node:path';
import type { Connection } from '#core/store/connection.ts';
import { projectPaths } from '#core/store/projectPaths.ts';

const RUN_FOLDER = /^(.+)[\\/]runs[\\/](\d+)$/;

export function relativePaths(db: Connection): void {
  const { toStored } = projectPaths(dirname(db.name));
  const runs = db.prepare<[], string>('SELECT folder FROM runs').pluck().all();
  const formerRoots = new Set(runs.flatMap((folder) => RUN_FOLDER.exec(folder)?.[1] ?? []));
  const toRelative = (path: string): string => {
    for (const root of formerRoots) {
      const rest = path.slice(root.length);
      if (path.startsWith(root) && /^[\\/]/.test(rest)) return rest.slice(1).replaceAll('\\', '/');
    }
    return toStored(path);
  };
  for (const [table, id] of [
    ['runs', 'runId'],
    ['checkpoints', 'checkpointId'],
    ['models', 'modelId'],
  ] as const) {
    const rows = db.prepare<[], { id: number; folder: string }>(`SELECT ${id} AS id, folder FROM ${table}`).all();
    // Ignored is one thing only: a model of a moved project that was added again where it is now.
    const update = db.prepare(`UPDATE OR IGNORE ${table} SET folder = ? WHERE ${id} = ?`);
    for (const row of rows) update.run(toRelative(row.folder), row.id);
  }
}
