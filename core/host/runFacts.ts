/**
 * What is known of a run beside its row: the facts of its recipe and its files, which never change.
 *
 * Owns: reading them once per run, because a list of runs is asked for again and again, and the names
 * under which models appear.
 */
import { basename, dirname } from 'node:path';
import { presets } from '#core/ares/presets.ts';
import type { RunKind } from '#core/runs/context.ts';
import { stageWork } from '#core/runs/pipeline.ts';
import { type Recipe, parseRecipe } from '#core/runs/recipe.ts';
import type { StageWork } from '#core/runs/progress.ts';
import type { Model } from '#core/store/models.ts';
import type { Run, Stage } from '#core/store/runs.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import { type RunFile, readRunFile } from './runFile.ts';

export interface RunFacts {
  recipe: Recipe;
  /** Null where the run's folder is gone or damaged: its rows in the store are still worth showing. */
  file: RunFile | null;
  /** Title of the policy's preset; null when it trains no policy. */
  method: string | null;
  /** Of every stage, relative to the others. */
  costPerUnit: readonly number[];
}

const known = new WeakMap<object, Map<number, RunFacts>>();

/** @throws AresError 'bad-recipe' when it is of a later version of this program */
export function factsOf(store: Pick<Store, 'runs'>, run: Run): RunFacts {
  let facts = known.get(store.runs);
  if (facts === undefined) known.set(store.runs, (facts = new Map<number, RunFacts>()));
  let own = facts.get(run.runId);
  if (own === undefined) facts.set(run.runId, (own = readFacts(run)));
  return own;
}

function readFacts(run: Run): RunFacts {
  const recipe = parseRecipe(run.recipe, `the recipe of run ${run.runId}`);
  return {
    recipe,
    file: fileOf(run),
    method: recipe.policy.enabled ? presets[recipe.policy.preset].title : null,
    // Sound: a run is only ever created with one of the kinds.
    costPerUnit: stageWork(recipe, 0, 0, run.kind as RunKind).map((stage) => stage.costPerUnit),
  };
}

function fileOf({ folder }: Run): RunFile | null {
  try {
    return readRunFile(folder);
  } catch {
    // Whoever needs it reads it again and hears why it cannot be read.
    return null;
  }
}

/** The stages of a run as work: units as the store has them, with the relative costs of the recipe. */
export function workOf({ costPerUnit }: Pick<RunFacts, 'costPerUnit'>, stages: readonly Stage[]): StageWork[] {
  return stages.map(({ name, plannedUnits }, i) => ({ name, units: plannedUnits, costPerUnit: costPerUnit[i] ?? 1 }));
}

/** @throws AresError 'not-found' */
export function requireModel(store: Pick<Store, 'models'>, modelId: number): Model {
  const model = store.models.get(modelId);
  if (model !== undefined) return model;
  throw new AresError('not-found', `There is no model ${modelId} in this project.`, { hint: 'Choose another model.' });
}

/** The name of its folder; of a model that a run trained, the run and what it trained; of a served one, where. */
export function modelName(
  runs: readonly Pick<Run, 'folder' | 'name'>[],
  { folder, served }: Pick<Model, 'folder' | 'served'>,
): string {
  if (served !== null) return `${served.model} · ${new URL(served.url).host}`;
  const trainer = runs.find((run) => run.folder === dirname(dirname(folder)));
  return trainer === undefined ? basename(folder) : `${trainer.name} · ${basename(folder)}`;
}
