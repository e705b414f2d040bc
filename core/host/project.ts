/**
 * A project folder: `ares.db` and, under `runs/`, a folder per run.
 *
 * Owns: these names, opening a project, and making the folder of a new run. What a run's folder holds
 * is runFile.ts (`run.json`, `recipe.yaml`), runs/ (`checkpoints/`, `models/`) and runReport.ts.
 */
import { accessSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Store, openStore } from '#core/store/store.ts';
import { AresError, toAresError } from '#core/util/errors.ts';

const DATABASE_FILE = 'ares.db';
const RUNS_FOLDER = 'runs';

/**
 * Refuses a place where no project can be made, before any work. What exists of the path is asked, because
 * making folders in a read-only file system fails with a misleading error.
 * @throws AresError 'disk', or 'usage' when a part of the path is a file
 */
export function requireWritableProject(folder: string): void {
  let existing = resolve(folder);
  while (!existsSync(existing)) existing = dirname(existing);
  try {
    readdirSync(existing);
    accessSync(existing, constants.W_OK | constants.X_OK);
  } catch (thrown) {
    throw toAresError(thrown);
  }
}

export function isProjectFolder(folder: string): boolean {
  return existsSync(join(folder, DATABASE_FILE));
}

/** Opens or creates the project in a folder. @throws AresError 'disk' or 'store' */
export function createProject(folder: string): Store {
  return openStore(join(resolve(folder), DATABASE_FILE));
}

/** Opens the project in a folder. @throws AresError 'not-found' when there is none, else as createProject */
export function openProject(folder: string): Store {
  const file = join(resolve(folder), DATABASE_FILE);
  if (existsSync(file)) return openStore(file);
  throw new AresError('not-found', `There is no project in this folder: it has no ${DATABASE_FILE}.`, {
    where: folder,
    hint: 'Name the folder that was given as --out when the run was started.',
  });
}

/** Where the next run will be, unless another program adds one before. */
export function nextRunFolder(projectFolder: string, store: Pick<Store, 'runs'>): string {
  return join(resolve(projectFolder), RUNS_FOLDER, String((store.runs.list()[0]?.runId ?? 0) + 1));
}

/**
 * Makes the folder of the next run, named by the number the run will have unless another program adds
 * one at this moment; the store keeps the path.
 * @returns its absolute path
 * @throws AresError 'disk'
 */
export function makeRunFolder(projectFolder: string, store: Pick<Store, 'runs'>): string {
  const parent = join(resolve(projectFolder), RUNS_FOLDER);
  const newest = store.runs.list()[0]?.runId ?? 0;
  try {
    mkdirSync(parent, { recursive: true });
    for (let number = newest + 1; ; number++) {
      const folder = join(parent, String(number));
      if (existsSync(folder)) continue;
      mkdirSync(folder);
      return folder;
    }
  } catch (thrown) {
    throw toAresError(thrown);
  }
}
