/**
 * What a run would be, before anything of it is recorded.
 *
 * Owns: the checks that creating a run and its preflight share: the recipe of its kind, problems that fit
 * the model, how much memory they need and with which options the engine fits into what there is. It
 * reads the model and writes nothing.
 */
import { availableParallelism } from 'node:os';
import { loadVocabulary } from '#core/ares/triggerFiles.ts';
import { countOf } from '#core/compare/format.ts';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import type { TextConfig } from '#core/model/config.ts';
import type { ModelFolder } from '#core/model/modelFolder.ts';
import type { RunKind } from '#core/runs/context.ts';
import { recipeOfKind, stageWork } from '#core/runs/pipeline.ts';
import type { StageWork } from '#core/runs/progress.ts';
import type { Recipe } from '#core/runs/recipe.ts';
import { type Provider, keepsTensorsOnDevice } from '#core/tensor/provider.ts';
import { AresError } from '#core/util/errors.ts';
import { type Workload, chooseEngineOptions, workloadOf } from './memory.ts';
import { type Preparation, prepare } from './preparation.ts';
import type { ProblemSource } from './problemSource.ts';

/** What the machine grants where the recipe does not say. Null: all of it. */
export interface MachineLimits {
  threads: number | null;
  memoryLimitBytes: number | null;
  /** Default: the CPU. */
  provider?: Provider | null;
}

export interface RunPlan {
  kind: RunKind;
  /** As it will be stored: responses are limited to the room there is only when the run is worked on. */
  recipe: Recipe;
  preparation: Preparation;
  workload: Workload;
  stages: StageWork[];
  triggerWords: string[];
  /** Problems that the run leaves out: their keys, and the sentence that says so. */
  lost: { keys: ReadonlySet<number>; note: string | null };
}

/** @throws AresError 'bad-data' when nothing fits the model, 'not-found' or 'bad-file' for the trigger words */
export async function planRun(
  kind: RunKind,
  asked: Recipe,
  model: ModelFolder,
  source: Pick<ProblemSource, 'train' | 'heldout' | 'readImage'>,
): Promise<RunPlan> {
  const recipe = recipeOfKind(asked, kind);
  const { words } = loadVocabulary(recipe.policy.method.count.vocabulary);
  const preparation = await prepare(model, recipe, source, { read: source.readImage, ifUnreadable: 'set aside' });
  return {
    kind,
    recipe,
    preparation,
    workload: workloadOfRun(model.config, recipe, preparation.longestSequence),
    stages: stageWork(recipe, preparation.train.length, preparation.heldout.length, kind),
    triggerWords: [...words],
    lost: preparation.lost,
  };
}

/**
 * Labelling with a model on a server: nothing of it needs this machine, nor fits into positions that nobody knows.
 * @throws AresError 'unsupported' for any other kind of run
 */
export function planServedRun(
  kind: RunKind,
  asked: Recipe,
  { train }: Pick<ProblemSource, 'train'>,
): Pick<RunPlan, 'kind' | 'recipe' | 'stages' | 'triggerWords' | 'lost'> {
  if (kind !== 'label') {
    throw new AresError(
      'unsupported',
      'A model on a server can measure difficulty; it cannot be trained or evaluated here.',
      {
        hint: 'Choose a model folder for this run.',
      },
    );
  }
  const recipe = recipeOfKind(asked, kind);
  const text = train.filter(({ images }) => images === undefined);
  const seen = train.length - text.length;
  if (text.length === 0 && seen > 0) {
    throw new AresError('unsupported', 'Every problem has images, which are not sent to servers.', {
      hint: 'Label with a Qwen2.5-VL model in a folder here, or choose problems without images.',
    });
  }
  return {
    kind,
    recipe,
    stages: stageWork(recipe, text.length, 0, kind),
    triggerWords: [],
    lost: {
      keys: new Set(train.filter(({ images }) => images !== undefined).map(({ key }) => key)),
      note: seen === 0 ? null : `Set aside: ${countOf(seen, 'problem')} with images, which are not sent to servers.`,
    },
  };
}

/** How a run loads the machine. */
export function workloadOfRun(config: TextConfig, { coldStart, policy }: Recipe, longestSequence: number): Workload {
  const stages = [coldStart, policy].filter(({ enabled }) => enabled);
  // The larger adapter, unless some stage changes all weights.
  const [largest = null] = stages
    .map(({ adapter }) => adapter)
    .toSorted((a, b) => (b?.rank ?? Infinity) - (a?.rank ?? Infinity));
  const batch = (sequences: number) => ({ sequences: Math.ceil(sequences), length: longestSequence });
  return workloadOf(
    config,
    { longestSequence, rollouts: Infinity },
    {
      coldStart: coldStart.enabled ? batch(coldStart.batchSize) : null,
      policy: policy.enabled
        ? {
            ...batch((policy.promptsPerStep * policy.method.groupSize) / policy.miniBatches),
            responseLength: Math.min(longestSequence - 1, policy.maxNewTokens),
          }
        : null,
      adapter: largest,
    },
  );
}

export function trains({ coldStart, policy }: Recipe): boolean {
  return coldStart.enabled || policy.enabled;
}

/** What a run may use of this machine's memory, bytes. */
export function memoryLimit({ engine }: Recipe, limits: MachineLimits): number {
  return engine.memoryLimitBytes ?? limits.memoryLimitBytes ?? process.availableMemory();
}

/** @throws AresError 'memory' with the numbers when it cannot fit; 'unsupported' for what its provider cannot do */
export function engineFor({ recipe, workload }: RunPlan, limits: MachineLimits): EngineOptions {
  const provider = providerFor(recipe, limits);
  const stages = [recipe.coldStart, recipe.policy].filter(({ enabled }) => enabled);
  if (keepsTensorsOnDevice(provider) && stages.some(({ adapter }) => adapter?.base === 'float16')) {
    throw new AresError('unsupported', 'Weights on a device are kept as float32.', {
      hint: 'Leave the base of the adapter as float32, or compute on the CPU.',
    });
  }
  const { threads, tokenBudget } = recipe.engine;
  const wanted = { threads: threads ?? limits.threads ?? availableParallelism(), tokenBudget };
  const options = chooseEngineOptions(workload, wanted, memoryLimit(recipe, limits));
  return { ...options, provider };
}

/** What a run computes on. */
export function providerFor({ engine }: Recipe, limits: MachineLimits): Provider {
  return engine.provider ?? limits.provider ?? 'cpu';
}
