/**
 * What a run would do, told before it starts.
 *
 * Owns: the signal expected from labels that exist, memory against what there is, how long it will take,
 * what will be written where, and sentences about what is allowed but probably not meant. It creates
 * nothing: what it finds wrong is an answer, not an exception.
 */
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { mixedGroupProbability } from '#core/ares/difficulty.ts';
import { countOf } from '#core/compare/format.ts';
import type { Preflight, RunRequest } from '#core/contract/contract.ts';
import { type ModelFolder, openModelFolder } from '#core/model/modelFolder.ts';
import { loraLayout, loraSpecs } from '#core/model/lora.ts';
import { parameterCount } from '#core/model/parameters.ts';
import { type Recipe, parseRecipe, recipeWarnings } from '#core/runs/recipe.ts';
import type { Label } from '#core/store/labels.ts';
import type { Store } from '#core/store/store.ts';
import { toAresError } from '#core/util/errors.ts';
import { mean } from '#core/util/statistics.ts';
import type { ServedModel } from '#core/remote/endpoint.ts';
import type { EndpointBook } from './endpointBook.ts';
import type { OpenProject } from './hostContext.ts';
import { servedNotes } from './labelServed.ts';
import { estimateMemory } from './memory.ts';
import { expectedDuration } from './pace.ts';
import { type ProblemSource, sourceFromStore } from './problemSource.ts';
import { nextRunFolder } from './project.ts';
import { providerNotes } from './providers.ts';
import { requireModel } from './runFacts.ts';
import {
  type MachineLimits,
  type RunPlan,
  engineFor,
  memoryLimit,
  planRun,
  planServedRun,
  providerFor,
  trains,
} from './runPlan.ts';

export async function preflight(
  project: OpenProject,
  request: RunRequest,
  limits: MachineLimits,
  endpoints: Pick<EndpointBook, 'served'>,
): Promise<Preflight> {
  const { folder, store } = project;
  const found: Preflight = {
    error: null,
    warnings: [],
    trainProblems: 0,
    heldoutProblems: 0,
    signal: null,
    memory: null,
    remainingMs: null,
    basis: null,
    writes: [],
    stages: [],
  };
  try {
    const recipe = parseRecipe(request.recipe, 'the recipe');
    const { folder: modelFolder, served } = requireModel(store, request.modelId);
    if (served !== null) return servedPreflight(found, project, request, recipe, endpoints.served(served));
    const model = openModelFolder(modelFolder);
    const source = sourceFromStore(project, request.kind, request);
    const labels = labelsOf(store, request.modelId, source);
    const plan = await planRun(request.kind, recipe, model, source);
    const { preparation, stages } = plan;
    found.trainProblems = preparation.train.length;
    found.heldoutProblems = preparation.heldout.length;
    found.stages = stages.map(({ name, units }) => ({ name, units: Math.ceil(units) }));
    found.signal = signalOf(labels, plan.recipe);
    const duration = expectedDuration(store, request.modelId, stages);
    found.remainingMs = duration?.durationMs ?? null;
    found.basis = duration?.basis ?? null;
    found.writes = writesOf(folder, store, plan, model);
    found.warnings = [
      ...source.notes,
      ...(plan.lost.note === null ? [] : [plan.lost.note]),
      ...preparation.notes,
      ...warningsOf(plan, labels, found, folder),
    ];
    found.warnings.push(...providerNotes(providerFor(plan.recipe, limits)));
    found.memory = memoryOf(plan, limits);
    engineFor(plan, limits);
  } catch (thrown) {
    const { code, message, where, hint } = toAresError(thrown);
    found.error = { code, message, where: where ?? null, hint: hint ?? null };
  }
  return found;
}

/** Of a run whose model answers elsewhere: what it will ask for at most, and what the answers will lack. */
function servedPreflight(
  found: Preflight,
  project: OpenProject,
  request: RunRequest,
  asked: Recipe,
  served: ServedModel,
): Preflight {
  const source = sourceFromStore(project, request.kind, request);
  const { recipe, stages, lost } = planServedRun(request.kind, asked, source);
  const duration = expectedDuration(project.store, request.modelId, stages);
  const responses = stages.reduce((sum, { units }) => sum + units, 0);
  return {
    ...found,
    trainProblems: source.train.length - lost.keys.size,
    stages: stages.map(({ name, units }) => ({ name, units: Math.ceil(units) })),
    remainingMs: duration?.durationMs ?? null,
    basis: duration?.basis ?? null,
    writes: [
      {
        what: 'Responses with tokens, at most',
        path: join(project.folder, 'ares.db'),
        bytes: responses * recipe.label.maxNewTokens * BYTES_PER_TOKEN,
      },
    ],
    warnings: [
      ...source.notes,
      ...(lost.note === null ? [] : [lost.note]),
      ...recipeWarnings(recipe),
      ...servedNotes(served.capabilities, recipe),
    ],
  };
}

/** The newest labels by the model itself of the problems it would be trained on. */
function labelsOf(store: Store, modelId: number, { train }: ProblemSource): Label[] {
  const wanted = new Set(train.map(({ problemId }) => problemId));
  const datasets = new Set(train.slice(0, 1).map(({ problemId }) => store.problems.get(problemId)!.datasetId));
  return [...datasets]
    .flatMap((datasetId) => store.labels.newest(datasetId, modelId))
    .filter(({ problemId }) => wanted.has(problemId));
}

/** As the run itself will measure it, from what is known now; null when nothing is, or nothing is trained. */
function signalOf(labels: readonly Label[], recipe: Recipe): Preflight['signal'] {
  if (labels.length === 0 || !trains(recipe)) return null;
  const rates = labels.map(({ correct, samples }) => correct / samples);
  return {
    labelled: labels.length,
    never: rates.filter((rate) => rate === 0).length,
    always: rates.filter((rate) => rate === 1).length,
    mixedGroups: mean(rates.map((rate) => mixedGroupProbability(rate, recipe.policy.method.groupSize))),
    needed: recipe.preflight.minSignalFraction,
  };
}

/** With the micro-batch that would be chosen, or the smallest one where none fits. */
function memoryOf(plan: RunPlan, limits: MachineLimits): Preflight['memory'] {
  const { weightsBytes, gradientsBytes, optimizerBytes, activationsBytes, keyValueBytes, ...rest } = estimateMemory(
    plan.workload,
    optionsOrSmallest(plan, limits),
  );
  const parts = [
    { name: 'Weights', bytes: weightsBytes },
    { name: 'Gradients', bytes: gradientsBytes },
    { name: 'Optimizer', bytes: optimizerBytes },
    { name: 'Activations', bytes: activationsBytes },
    { name: 'Keys and values', bytes: keyValueBytes },
    { name: 'Runtime', bytes: rest.runtimeBytes },
  ];
  return {
    parts: parts.filter(({ bytes }) => bytes > 0),
    totalBytes: rest.totalBytes,
    availableBytes: memoryLimit(plan.recipe, limits),
  };
}

function optionsOrSmallest(plan: RunPlan, limits: MachineLimits): Parameters<typeof estimateMemory>[1] {
  try {
    return engineFor(plan, limits);
  } catch {
    // The refusal with its numbers is the caller's to show.
    return { tokenBudget: 512, checkpointBlocks: true, maxRows: 64, releaseBetween: true };
  }
}

const FLOAT_BYTES = 4;
/** Id, log-prob and entropy of a token, and about as much text again. */
const BYTES_PER_TOKEN = 16;
const REPORT_BYTES = 600_000;

function writesOf(
  projectFolder: string,
  store: Store,
  { recipe, preparation, stages }: RunPlan,
  { config }: ModelFolder,
): Preflight['writes'] {
  const folder = nextRunFolder(projectFolder, store);
  const modelBytes = parameterCount(config) * FLOAT_BYTES;
  const trained = [recipe.coldStart, recipe.policy].filter(({ enabled }) => enabled);
  const trainedBytes = ({ adapter }: (typeof trained)[number]) =>
    adapter === null
      ? modelBytes
      : loraSpecs(config, loraLayout(config, { rank: adapter.rank, scaling: 1 }, adapter.targets)).reduce(
          (sum, { shape }) => sum + FLOAT_BYTES * shape.reduce((a, b) => a * b, 1),
          0,
        );
  // What is trained and its two moments; one more than are kept while the newest is written.
  const checkpointBytes = trained.reduce(
    (sum, part) => sum + 3 * trainedBytes(part) * (recipe.checkpoints.keep + 1),
    0,
  );
  const longest = (name: string): number => {
    if (name === 'label') return recipe.label.maxNewTokens;
    return name === 'policy' ? recipe.policy.maxNewTokens : recipe.evaluation.maxNewTokens;
  };
  const responseBytes = stages
    .filter(({ name }) => name !== 'cold-start')
    .map(({ name, units }) => {
      const { promptsPerStep, method } = recipe.policy;
      return units * (name === 'policy' ? promptsPerStep * method.groupSize : 1) * longest(name) * BYTES_PER_TOKEN;
    })
    .reduce((sum, bytes) => sum + bytes, 0);
  return [
    { what: 'Responses with tokens, at most', path: join(projectFolder, 'ares.db'), bytes: responseBytes },
    ...(trained.length > 0
      ? [
          { what: 'Checkpoints', path: join(folder, 'checkpoints'), bytes: checkpointBytes },
          {
            what: countOf(trained.length, 'trained model'),
            path: join(folder, 'models'),
            bytes: trained.length * modelBytes,
          },
        ]
      : []),
    ...(preparation.heldout.length > 0
      ? [{ what: 'Report', path: join(folder, 'report.html'), bytes: REPORT_BYTES }]
      : []),
  ];
}

/** Below this, intervals are too wide to show most effects. */
const FEW_HELDOUT = 30;

function warningsOf(
  { recipe, preparation, kind }: RunPlan,
  labels: readonly Label[],
  { signal, writes }: Preflight,
  folder: string,
): string[] {
  const { policy, label } = recipe;
  const { method } = policy;
  const warnings = [...recipeWarnings(recipe)];
  const train = preparation.train.length;
  const measured = kind === 'aepo' ? 'evaluation' : 'label';
  if (trains(recipe) && recipe[measured].samples < 2)
    warnings.push(
      `With one sample of a problem (${measured}.samples) every problem is solved always or never: the run will find no ` +
        'signal and end. Draw at least two.',
    );
  if (policy.enabled && train < policy.promptsPerStep)
    warnings.push(
      `A step draws ${policy.promptsPerStep} problems, but there are only ${train}: each is drawn several times.`,
    );
  if (kind !== 'label' && preparation.heldout.length < FEW_HELDOUT)
    warnings.push(`Only ${countOf(preparation.heldout.length, 'problem')} to evaluate on: the intervals will be wide.`);
  if (signal !== null && signal.mixedGroups < signal.needed)
    warnings.push(
      `By the labels that exist only ${(100 * signal.mixedGroups).toFixed(1)} % of the groups would hold right and wrong ` +
        `answers; the run ends after labelling where it is below ${(100 * signal.needed).toFixed(1)} %.`,
    );
  const cut = labels.filter(({ meanLengthTokens, maxNewTokens }) => meanLengthTokens > 0.9 * maxNewTokens).length;
  if (cut > 0)
    warnings.push(
      `Answers to ${countOf(cut, 'problem')} were nearly as long as their limit when they were labelled: they may have been ` +
        `cut off. The limit here is ${label.maxNewTokens} tokens (label.maxNewTokens).`,
    );
  const countsWindows = policy.enabled && (method.reward.mode !== 'accuracy' || method.branching.enabled);
  if (countsWindows && method.reward.mode !== 'laser' && method.threshold.scale >= 1)
    warnings.push(
      'High entropy is what lies above a quantile: as the policy becomes surer, windows slip under it and the count of ' +
        'high-entropy tokens falls while the model deliberates as before. Watch the threshold in the charts; ' +
        'policy.method.threshold.scale 0.8 keeps them counted.',
    );
  const needed = writes.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  const disk = statfsSync(folder);
  const freeBytes = disk.bavail * disk.bsize;
  if (needed > freeBytes)
    warnings.push(`It may write up to ${gigabytes(needed)}, and the disk has ${gigabytes(freeBytes)} free.`);
  return warnings;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
