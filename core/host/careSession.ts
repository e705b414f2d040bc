/**
 * A dataset to be cared for from the command line: one of a project, or a file.
 *
 * Owns: naming datasets of a project by number or name, bringing files into a project that lasts as long as the
 * command, and writing pools as files. A file goes the very way it goes in the window, so that both find the same.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { toJsonLines } from '#core/data/export.ts';
import type { ProblemMeta } from '#core/data/problems.ts';
import { createDataReader } from '#core/data/reader.ts';
import type { CheckedAgainst } from '#core/store/checks.ts';
import type { Dataset } from '#core/store/problems.ts';
import type { Store } from '#core/store/store.ts';
import { writeFlushed, writeFolderAtomic } from '#core/util/atomicFiles.ts';
import { AresError } from '#core/util/errors.ts';
import { importFiles } from './dataImport.ts';
import type { JobControl } from './hostContext.ts';
import { createProject, openProject } from './project.ts';
import { imagePath } from './projectImages.ts';

export interface CareSession {
  store: Store;
  projectFolder: string;
  datasetId: number;
  name: string;
  against: CheckedAgainst[];
  /** What the import of a file left out, one sentence each; empty for a dataset of a project. */
  notes: string[];
}

export interface CareSource {
  /** A file or folder; with a project, the number or name of a dataset. */
  data: string;
  project: string | undefined;
  /** Files, or datasets of the project: `name`, or `name:split`. */
  against: readonly string[];
  /** A file's column that is a group. */
  groupColumn?: string;
}

/**
 * Works with a dataset and leaves nothing behind where it was a file.
 * @throws AresError 'not-found' when there is no such dataset or file, else as an import does
 */
export async function withCareSession<T>(
  { data, project, against, groupColumn }: CareSource,
  control: JobControl,
  work: (session: CareSession) => Promise<T>,
): Promise<T> {
  if (project !== undefined) {
    const store = openProject(project);
    try {
      const { datasetId, name } = findDataset(store, data);
      const parts = against.map((text) => partOf(store, text));
      return await work({ store, projectFolder: project, datasetId, name, against: parts, notes: [] });
    } finally {
      store.close();
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'ares-care-'));
  try {
    const store = createProject(folder);
    try {
      const own = await bringIn(store, folder, data, control, groupColumn);
      const parts: CheckedAgainst[] = [];
      for (const path of against) {
        const { datasetId, name } = await bringIn(store, folder, path, control);
        parts.push({ datasetId, split: null, name });
      }
      const notes = store.imports.list(own.datasetId).flatMap((record) => record.notes);
      return await work({ store, projectFolder: folder, ...own, against: parts, notes });
    } finally {
      store.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bringIn(
  store: Store,
  folder: string,
  path: string,
  control: JobControl,
  groupColumn?: string,
): Promise<{ datasetId: number; name: string }> {
  const mapping = { guessExcept: groupColumn === undefined ? {} : { group: groupColumn } };
  const taken = new Set(store.problems.datasets().map(({ name }) => name));
  const base = basename(path);
  let name = base;
  for (let number = 2; taken.has(name); number++) name = `${base} (${number})`;
  const request = { files: [{ path, mapping }], name, split: 'train' as const, appendTo: null };
  const reader = createDataReader();
  try {
    const { datasetId } = await importFiles({ store, projectFolder: folder, reader }, request, control);
    return { datasetId, name };
  } finally {
    reader.close();
  }
}

/** @throws AresError 'not-found' */
function findDataset(store: Pick<Store, 'problems'>, text: string): Dataset {
  const datasets = store.problems.datasets();
  const found =
    datasets.find(({ name }) => name === text) ?? datasets.find(({ datasetId }) => String(datasetId) === text);
  if (found !== undefined) return found;
  const names = datasets.map(({ datasetId, name }) => `${datasetId} (${name})`).join(', ');
  throw new AresError('not-found', `There is no dataset "${text}" in this project.`, {
    hint: names === '' ? 'Import one first.' : `There are: ${names}.`,
  });
}

/** A dataset, or one of its splits after the last colon. */
function partOf(store: Pick<Store, 'problems'>, text: string): CheckedAgainst {
  const whole = store.problems.datasets().find(({ name, datasetId }) => name === text || String(datasetId) === text);
  if (whole !== undefined) return { datasetId: whole.datasetId, split: null, name: whole.name };
  const colon = text.lastIndexOf(':');
  const { datasetId, name } = findDataset(store, colon < 0 ? text : text.slice(0, colon));
  const split = text.slice(colon + 1);
  if (store.problems.splits(datasetId).some((each) => each.split === split)) {
    return { datasetId, split, name: `${name} · ${split}` };
  }
  throw new AresError('not-found', `The dataset "${name}" has no split "${split}".`, {
    hint: `It has: ${store.problems
      .splits(datasetId)
      .map((each) => each.split)
      .join(', ')}.`,
  });
}

/** Writes pools as JSON lines and other texts, all of it or nothing. @param target must not exist */
export function writePools(
  { store, projectFolder }: Pick<CareSession, 'store' | 'projectFolder'>,
  pools: readonly { poolId: number; fileName: string }[],
  texts: Readonly<Record<string, string>>,
  target: string,
): void {
  writeFolderAtomic(target, (temporary) => {
    for (const { poolId, fileName } of pools)
      writeFlushed(join(temporary, fileName), [...poolLines(store, projectFolder, poolId)]);
    for (const [fileName, text] of Object.entries(texts)) writeFlushed(join(temporary, fileName), [text]);
  });
}

function* poolLines(store: Store, projectFolder: string, poolId: number): Generator<string> {
  for (const problemId of store.pools.problemIds(poolId)) {
    const { id, prompt, answer, source, images, meta } = store.problems.get(problemId)!;
    // Sound: the importer stored what it read.
    const { response, level, passRate, group } = meta as ProblemMeta;
    const bytes = images.map((name) => new Uint8Array(readFileSync(imagePath(projectFolder, name))));
    yield toJsonLines([
      {
        id,
        problem: prompt,
        answer,
        source,
        ...(bytes.length > 0 ? { images: bytes } : {}),
        ...(response === undefined ? {} : { solution: response }),
        ...(level === undefined ? {} : { level }),
        ...(group === undefined ? {} : { group }),
        ...(passRate === undefined ? {} : { pass_rate: passRate }),
      },
    ]);
  }
}
