/**
 * A new run in a project: everything is checked first, then everything is recorded at once.
 *
 * Owns: the order of the checks and what is written when they pass: the datasets, the model, the run
 * with its stages, and the files `run.json` and `recipe.yaml`. Nothing appears in the project when a
 * check or a write fails. It does not start the run.
 */
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { loadVocabulary } from '#core/ares/triggerFiles.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import type { RunKind } from '#core/runs/context.ts';
import { hashOfWeights } from '#core/runs/modelHash.ts';
import { recipeOfKind, stageWork } from '#core/runs/pipeline.ts';
import type { RunProblem } from '#core/runs/prompts.ts';
import { type Recipe, recipeHash, recipeText, recipeWarnings } from '#core/runs/recipe.ts';
import type { NewProblem } from '#core/store/problems.ts';
import type { Store } from '#core/store/store.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { storeDataset } from './datasets.ts';
import { type ImportedData, type Split, importSplit, importWhole } from './importData.ts';
import { chooseEngineOptions, workloadOf } from './memory.ts';
import { prepare } from './preparation.ts';
import { createProject, makeRunFolder, requireWritableProject } from './project.ts';
import { type StoredSplit, writeRunFile } from './runFile.ts';

export interface RunRequest {
  projectFolder: string;
  kind: RunKind;
  recipe: Recipe;
  dataFile: string;
  /** When absent, a part of the data is held out. */
  heldoutFile?: string;
  modelFolder: string;
}

export interface CreatedRun {
  runId: number;
  /** Absolute path. */
  folder: string;
}

/**
 * @throws AresError 'bad-data', 'unsupported', 'not-found', 'bad-file' for data and model, 'memory' when
 *   the run cannot fit, 'disk' or 'store' when it cannot be recorded
 */
export async function createRun(request: RunRequest): Promise<CreatedRun> {
  const kind = request.kind;
  const recipe = recipeOfKind(request.recipe, kind);
  requireWritableProject(request.projectFolder);
  const model = openModelFolder(resolve(request.modelFolder));
  const { files, notes } = await importFor(request);
  const { words } = loadVocabulary(recipe.policy.method.count.vocabulary);
  const problemsOf = (split: Split) =>
    files.flatMap(({ problems }) => problems.filter((problem) => problem.split === split)).map(toRunProblem);
  const { train, heldout, longestSequence } = prepare(model, recipe, problemsOf('train'), problemsOf('heldout'));
  const trains = recipe.coldStart.enabled || recipe.policy.enabled;
  const { threads, tokenBudget, memoryLimitBytes } = recipe.engine;
  const engine = chooseEngineOptions(
    workloadOf(model.config, trains, longestSequence),
    { threads: threads ?? availableParallelism(), tokenBudget },
    memoryLimitBytes ?? process.availableMemory(),
  );
  const weightsHash = hashOfWeights(model.folder);
  const stages = stageWork(recipe, train.length, heldout.length, kind).map(({ name, units }) => ({
    name,
    plannedUnits: Math.ceil(units),
  }));

  const store = createProject(request.projectFolder);
  try {
    return inNewFolder(request.projectFolder, store, (folder) => {
      const nowMs = Date.now();
      const datasetIds = files.map((file) => storeDataset(store, file, nowMs));
      const storedSplit = (split: Split): StoredSplit | null => {
        const index = files.findIndex(({ problems }) => problems.some((problem) => problem.split === split));
        return index === -1 ? null : { datasetId: datasetIds[index]!, split };
      };
      const baseModelId = store.models.add({ folder: model.folder, weightsHash, parentId: null, createdMs: nowMs });
      const runId = store.runs.create(
        {
          name: recipe.name,
          kind,
          recipe: recipeText(recipe),
          recipeHash: recipeHash(recipe),
          seed: recipe.seed,
          folder,
          parentId: null,
          createdMs: nowMs,
        },
        stages,
      );
      for (const message of [...notes, ...recipeWarnings(recipe)])
        store.events.add({ runId, timeMs: nowMs, level: 'info', message, details: {} });
      writeRunFile(folder, {
        version: 1,
        kind,
        baseModelId,
        train: storedSplit('train'),
        heldout: storedSplit('heldout'),
        engine,
        triggerWords: [...words],
      });
      writeFileAtomic(join(folder, 'recipe.yaml'), stringify(recipe));
      return { runId, folder };
    });
  } finally {
    store.close();
  }
}

function importFor({ kind, dataFile, heldoutFile }: RunRequest): Promise<ImportedData> {
  if (kind === 'label') return importWhole(dataFile, 'train');
  if (kind === 'evaluate') return importWhole(dataFile, 'heldout');
  return importSplit(dataFile, heldoutFile);
}

/** Problems before they have an identity in the store. */
function toRunProblem({ key, id, prompt, answer, source }: NewProblem): RunProblem {
  return { problemId: 0, key, id, prompt: prompt as RunProblem['prompt'], answer, source };
}

/** Records in one transaction; the folder does not outlive a failure. */
function inNewFolder<T>(projectFolder: string, store: Store, record: (folder: string) => T): T {
  const folder = makeRunFolder(projectFolder, store);
  try {
    return store.durably(() => record(folder));
  } catch (thrown) {
    rmSync(folder, { recursive: true, force: true });
    throw thrown;
  }
}
