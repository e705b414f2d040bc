/**
 * A new run in a project: everything is checked first, then everything is recorded at once.
 *
 * Owns: the order of the checks and what is written when they pass: the datasets, the model, the run
 * with its stages, and the files `run.json` and `recipe.yaml`. Nothing appears in the project when a
 * check or a write fails. It does not start the run. The terminal brings its problems and model in as
 * files, the window names what is stored; what is done with them is the same.
 */
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import type { RunKind } from '#core/runs/context.ts';
import { logQueued } from '#core/runs/lifecycle.ts';
import { hashOfWeights } from '#core/runs/modelHash.ts';
import { type Recipe, recipeHash, recipeText, recipeWarnings } from '#core/runs/recipe.ts';
import type { NewModel } from '#core/store/models.ts';
import type { Store } from '#core/store/store.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { type ServedModel, addressOf } from '#core/remote/endpoint.ts';
import type { EndpointBook } from './endpointBook.ts';
import type { OpenProject } from './hostContext.ts';
import { providerNotes } from './providers.ts';
import { type ProblemSource, type StoredSets, sourceFromFiles, sourceFromStore } from './problemSource.ts';
import { createProject, makeRunFolder, requireWritableProject } from './project.ts';
import { requireModel } from './runFacts.ts';
import { writeRunFile } from './runFile.ts';
import { type MachineLimits, type RunPlan, engineFor, planRun, planServedRun } from './runPlan.ts';

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

const noLimits: MachineLimits = { threads: null, memoryLimitBytes: null };

/**
 * From files, in a project that is made where there is none.
 * @throws AresError 'bad-data', 'unsupported', 'not-found', 'bad-file' for data and model, 'memory' when
 *   the run cannot fit, 'disk' or 'store' when it cannot be recorded
 */
export async function createRun(request: RunRequest): Promise<CreatedRun> {
  const { kind, projectFolder, dataFile, heldoutFile } = request;
  requireWritableProject(projectFolder);
  const model = openModelFolder(resolve(request.modelFolder));
  const source = await sourceFromFiles(kind, dataFile, heldoutFile);
  const plan = await planRun(kind, request.recipe, model, source);
  const engine = engineFor(plan, noLimits);
  const weightsHash = hashOfWeights(model.folder);
  const store = createProject(projectFolder);
  try {
    await source.keepImages(projectFolder);
    const base = { folder: model.folder, weightsHash, parentId: null };
    return record({ folder: projectFolder, store }, plan, engine, source, base, null);
  } finally {
    store.close();
  }
}

export interface ServedRunRequest extends Pick<RunRequest, 'projectFolder' | 'recipe' | 'dataFile'> {
  served: ServedModel;
}

/**
 * Labelling from files with a model on a server.
 * @throws AresError as createRun
 */
export async function createServedRun(request: ServedRunRequest): Promise<CreatedRun> {
  const { projectFolder, recipe, dataFile, served } = request;
  requireWritableProject(projectFolder);
  const source = await sourceFromFiles('label', dataFile, undefined);
  const store = createProject(projectFolder);
  try {
    return record(
      { folder: projectFolder, store },
      planServedRun('label', recipe, source),
      served,
      source,
      modelOf(served),
      null,
    );
  } finally {
    store.close();
  }
}

/** As a project knows it. */
export function modelOf({ endpoint, model }: ServedModel): Omit<NewModel, 'createdMs'> {
  const { url } = endpoint;
  return { folder: addressOf(endpoint, model), weightsHash: '', served: { url, model }, parentId: null };
}

export interface StoredRunRequest extends StoredSets {
  kind: RunKind;
  recipe: Recipe;
  modelId: number;
  /** The run it was copied from. */
  parentId: number | null;
}

/**
 * From what a project holds.
 * @param endpoints where models on servers are found
 * @throws AresError as createRun, and 'usage' when problems are missing that the kind of run needs
 */
export async function createStoredRun(
  project: OpenProject,
  request: StoredRunRequest,
  limits: MachineLimits,
  endpoints: Pick<EndpointBook, 'served'>,
): Promise<CreatedRun> {
  const { kind, recipe, parentId } = request;
  const known = requireModel(project.store, request.modelId);
  const source = sourceFromStore(project, kind, request);
  if (known.served !== null) {
    const served = endpoints.served(known.served);
    return record(project, planServedRun(kind, recipe, source), served, source, known, parentId);
  }
  const plan = await planRun(kind, recipe, openModelFolder(known.folder), source);
  return record(project, plan, engineFor(plan, limits), source, known, parentId);
}

/** In one transaction; the folder does not outlive a failure. @param answersBy the engine here, or a server */
function record(
  { folder: projectFolder, store }: OpenProject,
  { kind, recipe, stages, triggerWords, lost }: Pick<RunPlan, 'kind' | 'recipe' | 'stages' | 'triggerWords' | 'lost'>,
  answersBy: EngineOptions | ServedModel,
  source: ProblemSource,
  { folder: modelFolder, weightsHash, served = null, parentId: parentModelId }: Omit<NewModel, 'createdMs'>,
  parentId: number | null,
): CreatedRun {
  return inNewFolder(projectFolder, store, (folder) => {
    const nowMs = Date.now();
    const sets = source.record(store, nowMs, lost.keys);
    const model = { folder: modelFolder, weightsHash, served, parentId: parentModelId, createdMs: nowMs };
    const engine = 'endpoint' in answersBy ? null : answersBy;
    const baseModelId = store.models.add(model);
    const runId = store.runs.create(
      {
        name: recipe.name,
        kind,
        recipe: recipeText(recipe),
        recipeHash: recipeHash(recipe),
        seed: recipe.seed,
        folder,
        parentId,
        createdMs: nowMs,
      },
      stages.map(({ name, units }) => ({ name, plannedUnits: Math.ceil(units) })),
    );
    for (const message of [
      ...source.notes,
      ...(lost.note === null ? [] : [lost.note]),
      ...recipeWarnings(recipe),
      ...(engine === null ? [] : providerNotes(engine.provider)),
    ])
      store.events.add({ runId, timeMs: nowMs, level: 'info', message, details: {} });
    logQueued(store, runId, nowMs);
    writeRunFile(folder, {
      kind,
      baseModelId,
      ...sets,
      engine,
      served: 'endpoint' in answersBy ? answersBy : null,
      triggerWords,
    });
    writeFileAtomic(join(folder, 'recipe.yaml'), stringify(recipe));
    return { runId, folder };
  });
}

function inNewFolder<T>(projectFolder: string, store: Store, record: (folder: string) => T): T {
  const folder = makeRunFolder(projectFolder, store);
  try {
    return store.durably(() => record(folder));
  } catch (thrown) {
    rmSync(folder, { recursive: true, force: true });
    throw thrown;
  }
}
