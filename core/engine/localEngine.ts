/**
 * The engine in this very process: the implementation behind every door.
 *
 * Owns: the models by handle, and the translation of the Engine interface into calls of trainer,
 * sampler and scorer. process.ts puts it behind messages in a process of its own; tests and benches
 * may use it directly.
 */
import { join } from 'node:path';
import { readSafetensors, writeSafetensors } from '#core/model/safetensors.ts';
import { loadAdapter, saveAdapter } from '#core/model/adapterFolder.ts';
import { saveModelFolder } from '#core/model/modelFolder.ts';
import { type Lora, initialLora, isFreshLora, loraLayout } from '#core/model/lora.ts';
import { parameterCount } from '#core/model/parameters.ts';
import type { Provider } from '#core/tensor/provider.ts';
import { elementCount } from '#core/tensor/types.ts';
import { AresError } from '#core/util/errors.ts';
import { type AdamWState, type NamedTensors, createAdamW } from './adamw.ts';
import type {
  AdamWOptions,
  AdapterOptions,
  Engine,
  ModelHandle,
  OpenedModel,
  RolloutColumns,
  RolloutProgress,
  RolloutRequest,
  ScoreColumns,
  ScoreRequest,
  TrainStepRequest,
  TrainStepResult,
  TrainedParts,
} from './api.ts';
import {
  type ModelState,
  hostAdapter,
  hostTensors,
  keepAsHalf,
  loadModel,
  makeResident,
  mergedWeights,
  putAdapter,
  trainedNames,
  trainedSpecs,
  trainedWeights,
} from './modelState.ts';
import type { ResidentModel } from './residentModel.ts';
import { generateRollouts } from './sampler.ts';
import { scoreSequences } from './scorer.ts';
import { SessionCache } from './sessionCache.ts';
import { trainStep } from './trainer.ts';

export interface EngineOptions {
  threads: number;
  /** Padded tokens per micro-batch of training and scoring. */
  tokenBudget: number;
  /** Recompute blocks in the backward pass: about a third more time, about half the activations. */
  checkpointBlocks: boolean;
  /** Rows generated side by side. */
  maxRows: number;
  /** Tokens per run of the generation loop. */
  chunkTokens: number;
  /** What it computes on; default the CPU. */
  provider?: Provider | undefined;
  /**
   * Sampling, scoring and training each begin without what the others have kept. Less memory; their graphs are
   * built anew each time, which takes a fraction of a second. Default false.
   */
  releaseBetween?: boolean | undefined;
}

const WEIGHTS_FILE = 'weights.safetensors';
const OPTIMIZER_FILE = 'optimizer.safetensors';
const FIRST = 'first.';
const SECOND = 'second.';
const STEP = 'step';

export class LocalEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #sessions: SessionCache;
  readonly #models = new Map<ModelHandle, ModelState>();
  #opened = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#sessions = new SessionCache(options.threads, options.provider);
  }

  async openModel(folder: string): Promise<OpenedModel> {
    const state = loadModel(folder);
    if (this.#sessions.device !== null) await makeResident(state, this.#sessions.device);
    return this.#register(state);
  }

  async cloneModel(model: ModelHandle): Promise<OpenedModel> {
    const state = this.#model(model);
    if (state.resident !== undefined) return this.#register(await cloneResident(state, state.resident));
    const { source, config, weights, halves, adapter, features } = state;
    const copyOf = (tensors: ReadonlyMap<string, Float32Array>) =>
      new Map([...tensors].map(([name, tensor]) => [name, tensor.slice()]));
    const frozen =
      adapter === null
        ? { weights: copyOf(weights), halves, adapter }
        : { weights, halves, adapter: isFreshLora(adapter) ? null : { ...adapter, weights: copyOf(adapter.weights) } };
    return this.#register({
      source,
      config,
      ...frozen,
      trainsVision: false,
      features: new Map(features),
      version: 0,
      optimizer: undefined,
    });
  }

  async addAdapter(model: ModelHandle, { rank, alpha, targets, seed, base }: AdapterOptions): Promise<void> {
    const state = this.#model(model);
    if (base === 'float16') keepAsHalf(state);
    const layout = loraLayout(state.config, { rank, scaling: alpha / rank }, targets);
    await this.#freeze(state, initialLora(state.config, layout, seed));
  }

  async loadAdapter(model: ModelHandle, folder: string): Promise<void> {
    const state = this.#model(model);
    await this.#freeze(state, loadAdapter(folder, state.source));
  }

  async closeModel(model: ModelHandle): Promise<void> {
    const state = this.#model(model);
    await this.#sessions.forget(state);
    state.resident?.dispose();
    this.#models.delete(model);
  }

  async openTrainer(model: ModelHandle, options: AdamWOptions, parts: TrainedParts = 'language'): Promise<void> {
    const state = this.#model(model);
    state.trainsVision = parts === 'all' && state.adapter === null && state.config.multimodal !== null;
    state.optimizer = createAdamW(state.resident === undefined ? trainedWeights(state) : new Map(), options);
    await state.resident?.startMoments(trainedNames(state));
    // What was trained before had graphs of its own, which would keep their memory beside the new ones.
    await this.#sessions.releaseShared();
  }

  async generate(request: RolloutRequest, onProgress?: (progress: RolloutProgress) => void): Promise<RolloutColumns> {
    await this.#begin('sample');
    const { tokenBudget, maxRows, chunkTokens } = this.#options;
    const options = { maxRows, chunkTokens, prefillTokenBudget: tokenBudget };
    return generateRollouts(this.#sessions, this.#model(request.model), request, options, onProgress);
  }

  async score(request: ScoreRequest): Promise<ScoreColumns> {
    await this.#begin('score');
    return scoreSequences(this.#sessions, this.#model(request.model), request, this.#options.tokenBudget);
  }

  async trainStep(request: TrainStepRequest): Promise<TrainStepResult> {
    await this.#begin('train');
    const state = this.#model(request.model);
    // The update makes its baked weights stale, so nothing is lost.
    await this.#sessions.forget(state);
    return trainStep(this.#sessions, state, request, this.#options);
  }

  async saveModel(model: ModelHandle, folder: string): Promise<void> {
    const state = this.#model(model);
    saveModelFolder(folder, state.source, mergedWeights(await hostTensors(state)), { dtype: 'float32' });
  }

  async saveAdapter(model: ModelHandle, folder: string): Promise<void> {
    const state = this.#model(model);
    const { source } = state;
    const adapter = await hostAdapter(state);
    if (adapter === null) throw new AresError('internal', 'A model without an adapter has none to save.');
    saveAdapter(folder, source, adapter);
  }

  async saveTrainer(model: ModelHandle, folder: string): Promise<string[]> {
    const state = this.#model(model);
    const { optimizer } = state;
    if (optimizer === undefined)
      throw new AresError('internal', 'A model without a trainer has no training state to save.');
    const trained =
      state.resident === undefined ? trainedWeights(state) : await state.resident.download(trainedNames(state));
    const moments = state.resident === undefined ? optimizer : await state.resident.downloadMoments();
    const named = (prefix: string, tensors: ReadonlyMap<string, Float32Array>) =>
      trainedSpecs(state).map(({ name, shape }) => ({ name: prefix + name, shape, data: tensors.get(name)! }));
    writeSafetensors(join(folder, WEIGHTS_FILE), named('', trained));
    writeSafetensors(join(folder, OPTIMIZER_FILE), [
      ...named(FIRST, moments.firstMoments),
      ...named(SECOND, moments.secondMoments),
      { name: STEP, shape: [1], data: Int32Array.of(optimizer.step) },
    ]);
    return [WEIGHTS_FILE, OPTIMIZER_FILE];
  }

  async loadTrainer(model: ModelHandle, folder: string): Promise<void> {
    const state = this.#model(model);
    if (state.optimizer === undefined) throw new AresError('internal', 'openTrainer must come before loadTrainer.');
    const weights = readSafetensors(join(folder, WEIGHTS_FILE));
    const moments = readSafetensors(join(folder, OPTIMIZER_FILE));
    const read = (source: ReadonlyMap<string, { data: unknown }>, prefix: string) =>
      new Map(
        trainedSpecs(state).map(({ name, shape }) => {
          const data = source.get(prefix + name)?.data;
          if (data instanceof Float32Array && data.length === elementCount(shape)) return [name, data];
          throw new AresError('bad-file', `The checkpoint has no tensor "${prefix}${name}" of the model's shape.`, {
            where: folder,
          });
        }),
      );
    const stored = {
      weights: read(weights, ''),
      firstMoments: read(moments, FIRST),
      secondMoments: read(moments, SECOND),
    };
    if (state.resident === undefined) {
      const copy = (target: NamedTensors, values: NamedTensors) => {
        for (const [name, tensor] of target) tensor.set(values.get(name)!);
      };
      copy(trainedWeights(state), stored.weights);
      copy(state.optimizer.firstMoments, stored.firstMoments);
      copy(state.optimizer.secondMoments, stored.secondMoments);
    } else {
      await state.resident.restore(trainedSpecs(state), stored.weights, stored);
    }
    restoreStep(state.optimizer, moments.get(STEP)?.data, folder);
    state.version++;
  }

  memoryBytes(): Promise<number> {
    return Promise.resolve(process.memoryUsage.rss());
  }

  async close(): Promise<void> {
    for (const { resident } of this.#models.values()) resident?.dispose();
    this.#models.clear();
    await this.#sessions.close();
  }

  async #begin(work: 'sample' | 'score' | 'train'): Promise<void> {
    if (this.#options.releaseBetween === true) await this.#sessions.begin(work);
  }

  #register(state: ModelState): OpenedModel {
    const handle = `model-${++this.#opened}`;
    this.#models.set(handle, state);
    const { config } = state;
    return {
      handle,
      parameters: parameterCount(config),
      vocabSize: config.vocabSize,
      maxPositions: config.maxPositions,
    };
  }

  async #freeze(state: ModelState, adapter: Lora): Promise<void> {
    if (state.adapter !== null || state.optimizer !== undefined) {
      throw new AresError('internal', 'An adapter must be put on a model before it is trained, and only once.');
    }
    await putAdapter(state, adapter);
    state.version++;
  }

  #model(handle: ModelHandle): ModelState {
    const state = this.#models.get(handle);
    if (state === undefined) throw new AresError('internal', `The engine holds no model "${handle}".`);
    return state;
  }
}

/** On the device; under an adapter that was not trained yet it is left off, as it changes nothing. */
async function cloneResident(state: ModelState, resident: ResidentModel): Promise<ModelState> {
  const adapter = await hostAdapter(state);
  const isLeftOff = adapter === null || isFreshLora(adapter);
  return {
    source: state.source,
    config: state.config,
    weights: new Map(),
    resident: await resident.clone(!isLeftOff),
    adapter: isLeftOff ? null : state.adapter,
    trainsVision: false,
    features: new Map(state.features),
    version: 0,
    optimizer: undefined,
  };
}

function restoreStep(optimizer: AdamWState, data: unknown, folder: string): void {
  if (!(data instanceof Int32Array) || data.length !== 1) {
    throw new AresError('bad-file', 'The checkpoint does not say how many updates it has seen.', { where: folder });
  }
  optimizer.step = data[0]!;
}
