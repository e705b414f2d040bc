/**
 * A model of a project with all that is known about how it came to be.
 *
 * Owns: finding the run that trained it, the line of its parents, and what its model card says of data,
 * recipe and results. It writes nothing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { ModelInfo } from '#core/contract/contract.ts';
import { toWireError } from '#core/contract/dispatch.ts';
import { presets } from '#core/ares/presets.ts';
import { deviationsOf } from '#core/compare/run/deviations.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import { canonicalJson, sha256 } from '#core/runs/canonicalJson.ts';
import { type Arm, adapterFolder, stageName } from '#core/runs/pipeline.ts';
import type { Recipe } from '#core/runs/recipe.ts';
import type { Model } from '#core/store/models.ts';
import type { Run } from '#core/store/runs.ts';
import type { Store } from '#core/store/store.ts';
import { readSplit } from './datasets.ts';
import { CARD_FILE, type ExportedModel, formatsOf, RESULTS_FILE } from './exportModel.ts';
import type { CardEvaluation, CardLicence, CardResult, CardTraining, ModelCard } from './modelCard.ts';
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
    if (model.served !== null) return { ...common, details: null, error: null };
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
  const results = trainer === undefined ? null : join(trainer.folder, RESULTS_FILE);
  const present = (path: string | null) => (path !== null && existsSync(path) ? path : null);
  return { folder: model.folder, adapter: present(adapter), results: present(results) };
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
    licence: licenceOf([...ancestorsOf(store, model), model]),
    hasVision: openModelFolder(model.folder).config.multimodal !== null,
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

const LICENCE_FILES = ['LICENSE', 'LICENSE.txt', 'LICENSE.md'];
/** An identifier as cards have it; anything else is not worth repeating as one. */
const LICENCE_NAME = /^[\w.+-]{1,60}$/;

/** From the nearest folder that says something; a trained model carries the files of its base. */
function licenceOf(models: readonly Model[]): CardLicence {
  const file = LICENCE_FILES.find((name) => existsSync(join(models.at(-1)!.folder, name))) ?? null;
  const named = models.map(({ folder }) => licenceOfCard(join(folder, CARD_FILE))).find((name) => name !== null);
  return { name: named ?? null, file };
}

function licenceOfCard(path: string): string | null {
  if (!existsSync(path)) return null;
  const [, front] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(readFileSync(path, 'utf8')) ?? [];
  try {
    const name: unknown = (parse(front ?? '') as { license?: unknown } | null)?.license;
    return typeof name === 'string' && LICENCE_NAME.test(name) ? name : null;
  } catch {
    // A card whose front matter is no YAML names nothing.
    return null;
  }
}

function trainingOf(store: Store, run: Run, arm: string): CardTraining {
  const { recipe, file } = factsOf(store, run);
  const measured = resultsOf(store, run, arm);
  const sets = [
    { purpose: 'training', set: file?.train ?? null },
    { purpose: 'evaluation', set: file?.heldout ?? null },
  ];
  return {
    runId: run.runId,
    runName: run.name,
    what: methodOf(recipe, arm),
    seed: run.seed,
    datasets: sets.flatMap(({ purpose, set }) => (set === null ? [] : [{ purpose, ...dataFacts(store, set) }])),
    recipeHash: run.recipeHash,
    recipeYaml: stringify(recipe),
    results: measured?.results ?? null,
    evaluation: measured?.evaluation ?? null,
    deviations: deviationsOf(recipeOfArm(recipe, arm)),
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

/** A cold start that a policy was trained from is part of the policy; the other way round it is not. */
function recipeOfArm(recipe: Recipe, arm: string): Recipe {
  return arm === 'policy' ? recipe : { ...recipe, policy: { ...recipe.policy, enabled: false } };
}

const estimateSchema = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });
/** What a card takes from results.json; there is more in it. */
const resultsSchema = z.object({
  grader: z.string(),
  result: z.object({
    problems: z.number(),
    arms: z.array(
      z.object({
        arm: z.string(),
        label: z.string(),
        samples: z.number(),
        decoding: z.object({ temperature: z.number(), maxNewTokens: z.number(), seed: z.number() }),
      }),
    ),
    summaries: z.array(
      z.object({ arm: z.string(), group: z.string(), accuracy: estimateSchema, lengthTokens: estimateSchema }),
    ),
  }),
});

/** Of the base and of the model itself; null where the run has no report. */
function resultsOf(
  store: Store,
  { runId, folder }: Run,
  own: string,
): { results: CardResult[]; evaluation: CardEvaluation } | null {
  const file = join(folder, RESULTS_FILE);
  if (!existsSync(file)) return null;
  const text = readFileSync(file, 'utf8');
  const { success, data } = resultsSchema.safeParse(JSON.parse(text));
  // A report of another version is not worth refusing an export for.
  if (!success) return null;
  const isMeant = ({ arm }: { arm: string }) => arm === 'base' || arm === own;
  const { problems, arms, summaries } = data.result;
  const stages = store.runs.stages(runId);
  const labels = new Map(arms.map((each) => [each.arm, each.label]));
  const bounded = ({ value, low, high }: z.output<typeof estimateSchema>) => ({
    value,
    low: low ?? NaN,
    high: high ?? NaN,
  });
  return {
    results: summaries.filter(isMeant).map((summary) => ({
      group: summary.group,
      arm: labels.get(summary.arm) ?? summary.arm,
      accuracy: bounded(summary.accuracy),
      lengthTokens: bounded(summary.lengthTokens),
    })),
    evaluation: {
      problems,
      grader: data.grader,
      arms: arms.filter(isMeant).map(({ arm, label, samples, decoding }) => {
        const stage = stages.find(({ name }) => name === stageName({ kind: 'evaluate', arm: arm as Arm }));
        return {
          arm: label,
          stage: stage === undefined ? null : { number: stage.stage, name: stage.name },
          samples,
          ...decoding,
        };
      }),
      resultsSha256: sha256(text),
    },
  };
}
