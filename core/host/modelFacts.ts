/**
 * A model of a project with all that is known about how it came to be.
 *
 * Owns: finding the run that trained it, the line of its parents, and what its model card says of data,
 * recipe and results. It writes nothing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { ModelInfo } from '#core/contract/contract.ts';
import { toWireError } from '#core/contract/dispatch.ts';
import { presets } from '#core/ares/presets.ts';
import { canonicalJson, sha256 } from '#core/runs/canonicalJson.ts';
import { type Arm, adapterFolder } from '#core/runs/pipeline.ts';
import type { Recipe } from '#core/runs/recipe.ts';
import type { Model } from '#core/store/models.ts';
import type { Run } from '#core/store/runs.ts';
import type { Store } from '#core/store/store.ts';
import { readSplit } from './datasets.ts';
import { type ExportedModel, formatsOf } from './exportModel.ts';
import type { CardResult, CardTraining, ModelCard } from './modelCard.ts';
import { modelDetails } from './modelDetails.ts';
import { readProgramFacts } from './programFacts.ts';
import { factsOf, modelName } from './runFacts.ts';
import type { StoredSplit } from './runFile.ts';

/** Oldest first. A model whose folder is gone is listed with the reason. */
export function listModels(store: Store): ModelInfo[] {
  const runs = store.runs.list();
  return store.models.list().map((model): ModelInfo => {
    const trainer = trainerOf(runs, model);
    const common = {
      ...model,
      name: modelName(runs, model),
      runId: trainer?.runId ?? null,
      arm: trainer === undefined ? null : basename(model.folder),
      formats: formatsOf(exportedModel(runs, model)),
    };
    try {
      return { ...common, details: modelDetails(model.folder), error: null };
    } catch (thrown) {
      return { ...common, details: null, error: toWireError(thrown) };
    }
  });
}

/** A run keeps what it trained in `models/` of its folder. */
function trainerOf(runs: readonly Run[], { folder }: Model): Run | undefined {
  return runs.find((run) => run.folder === dirname(dirname(folder)));
}

/** Where the files of a model are, its adapter's included. */
export function exportedModel(runs: readonly Run[], model: Model): ExportedModel {
  const trainer = trainerOf(runs, model);
  const adapter =
    trainer === undefined ? null : adapterFolder(trainer.folder, basename(model.folder) as Exclude<Arm, 'base'>);
  return { folder: model.folder, adapter: adapter !== null && existsSync(adapter) ? adapter : null };
}

/** @throws AresError when the model cannot be read */
export function cardOf(store: Store, model: Model): ModelCard {
  const runs = store.runs.list();
  const { architecture, parameters } = modelDetails(model.folder);
  const trainer = trainerOf(runs, model);
  return {
    name: modelName(runs, model),
    architecture,
    parameters,
    weightsHash: model.weightsHash,
    lineage: ancestorsOf(store, model).map((each) => ({
      name: modelName(runs, each),
      weightsHash: each.weightsHash,
    })),
    training: trainer === undefined ? null : trainingOf(store, trainer, basename(model.folder)),
    programVersion: readProgramFacts().version,
  };
}

/** From the parent upwards. */
function ancestorsOf(store: Pick<Store, 'models'>, { parentId }: Model): Model[] {
  const ancestors: Model[] = [];
  for (let id = parentId; id !== null;) {
    const next = store.models.get(id);
    if (next === undefined) break;
    ancestors.push(next);
    id = next.parentId;
  }
  return ancestors;
}

function trainingOf(store: Store, run: Run, arm: string): CardTraining {
  const { recipe, file } = factsOf(store, run);
  const sets = [
    { purpose: 'training', set: file?.train ?? null },
    { purpose: 'evaluation', set: file?.heldout ?? null },
  ];
  return {
    runName: run.name,
    what: methodOf(recipe, arm),
    seed: run.seed,
    datasets: sets.flatMap(({ purpose, set }) => (set === null ? [] : [{ purpose, ...dataFacts(store, set) }])),
    recipeHash: run.recipeHash,
    recipeYaml: stringify(recipe),
    results: resultsOf(run.folder, arm),
  };
}

function methodOf(recipe: Recipe, arm: string): string {
  const parts = [
    ...(recipe.coldStart.enabled ? ['AdaCS'] : []),
    ...(arm === 'policy' ? [presets[recipe.policy.preset].title] : []),
  ];
  return parts.join(' and ') || 'Training';
}

/** The hash is over names, questions and answers in order: the same data give the same hash anywhere. */
function dataFacts(store: Store, set: StoredSplit): { name: string; problems: number; sha256: string } {
  const problems = readSplit(store, set);
  const content = problems.map(({ id, prompt, answer }) => canonicalJson([id, prompt, answer])).join('\n');
  const name = store.problems.datasetName(set.datasetId) ?? 'removed';
  return {
    name: set.split === null ? name : `${name}, ${set.split}`,
    problems: problems.length,
    sha256: sha256(content),
  };
}

const estimateSchema = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });
/** What a card takes from results.json; there is more in it. */
const resultsSchema = z.object({
  result: z.object({
    arms: z.array(z.object({ arm: z.string(), label: z.string() })),
    summaries: z.array(
      z.object({ arm: z.string(), group: z.string(), accuracy: estimateSchema, lengthTokens: estimateSchema }),
    ),
  }),
});

/** Of the base and of the model itself; null where the run has no report. */
function resultsOf(runFolder: string, arm: string): CardResult[] | null {
  const file = join(runFolder, 'results.json');
  if (!existsSync(file)) return null;
  const { success, data } = resultsSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  // A report of another version is not worth refusing an export for.
  if (!success) return null;
  const { arms, summaries } = data.result;
  const labels = new Map(arms.map((each) => [each.arm, each.label]));
  const bounded = ({ value, low, high }: z.output<typeof estimateSchema>) => ({
    value,
    low: low ?? NaN,
    high: high ?? NaN,
  });
  return summaries
    .filter((summary) => summary.arm === 'base' || summary.arm === arm)
    .map((summary) => ({
      group: summary.group,
      arm: labels.get(summary.arm) ?? summary.arm,
      accuracy: bounded(summary.accuracy),
      lengthTokens: bounded(summary.lengthTokens),
    }));
}
