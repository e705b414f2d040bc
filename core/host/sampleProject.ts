/**
 * The project a first start shows.
 *
 * Owns: making it once from what comes with the program: the sample's problems as one dataset with a
 * training and a held-out split, and its base model. What the sample is, is sample/project.ts.
 */
import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DataReader } from '#core/data/reader.ts';
import { hashOfWeights } from '#core/runs/modelHash.ts';
import { sampleProject } from '#core/sample/project.ts';
import { resourcesFolder } from '#core/util/programFolder.ts';
import { type DataImport, importFiles } from './dataImport.ts';
import { createProject, isProjectFolder } from './project.ts';

const MODELS = 'models';

/**
 * Makes the project in a folder, unless it is there. It appears complete or not at all.
 * @throws AresError 'not-found' when the sample's files are gone, 'disk' when it cannot be written
 */
export async function makeSampleProject(folder: string, reader: Pick<DataReader, 'problems'>): Promise<void> {
  if (isProjectFolder(folder)) return;
  const { title, datasets, modelFolder } = sampleProject();
  const resource = (name: string) => join(resourcesFolder, 'sample', name);
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  const store = createProject(temporary);
  try {
    const control = { signal: new AbortController().signal, progress: () => undefined };
    let appendTo: number | null = null;
    for (const { file, split } of datasets) {
      const request: DataImport = {
        files: [{ path: resource(file), mapping: { guessExcept: {} } }],
        name: title,
        split,
        appendTo,
      };
      appendTo = (await importFiles({ store, projectFolder: folder, reader }, request, control)).datasetId;
    }
    // A copy of its own: where the program lies may change with every start (AppImage).
    cpSync(resource(modelFolder), join(temporary, MODELS, modelFolder), { recursive: true });
    const weightsHash = hashOfWeights(resource(modelFolder));
    store.models.add({
      folder: join(temporary, MODELS, modelFolder),
      weightsHash,
      parentId: null,
      createdMs: Date.now(),
    });
  } finally {
    store.close();
  }
  // What is there without a project in it is not this program's: rename refuses to replace it.
  renameSync(temporary, folder);
}
