/**
 * A model in the engine's memory: config, float32 weights, optimizer state.
 *
 * Owns: the tensors and a version number that changes whenever the weights do, by which cached
 * sessions know that they are stale; and the feeds every graph of a model needs. It runs nothing.
 */
import type { TextConfig } from '#core/model/config.ts';
import { type ModelFolder, openModelFolder } from '#core/model/modelFolder.ts';
import type { ModelShape } from '#core/model/graphTransformer.ts';
import { type Lora, loraSpecs, mergeLora } from '#core/model/lora.ts';
import { type ParameterSpec, languageSpecs, parameterSpecs } from '#core/model/parameters.ts';
import { ropeTables } from '#core/model/rope.ts';
import { VISION_PREFIX } from '#core/model/vision/parameters.ts';
import { loadWeights } from '#core/model/weights.ts';
import { type Tensor, float32 } from '#core/tensor/types.ts';
import { AresError } from '#core/util/errors.ts';
import type { AdamWState } from './adamw.ts';

export interface ModelState {
  readonly source: ModelFolder;
  readonly config: TextConfig;
  /** By Hugging Face name; changed in place by training, unless an adapter is trained instead. */
  readonly weights: Map<string, Float32Array>;
  /** Its tensors are what training changes; the model's own are frozen then, and may be shared. Null for none. */
  adapter: Lora | null;
  /** Whether training changes the vision tower too, where there is one. */
  trainsVision: boolean;
  /** Features of images by key, under the tower as it is. */
  readonly features: Map<string, Float32Array>;
  /** Increases with every change of the weights. */
  version: number;
  optimizer: AdamWState | undefined;
}

/** Reads a Hugging Face folder into memory. */
export function loadModel(folder: string): ModelState {
  const source = openModelFolder(folder);
  return {
    source,
    config: source.config,
    weights: loadWeights(folder, source.config),
    adapter: null,
    trainsVision: false,
    features: new Map(),
    version: 0,
    optimizer: undefined,
  };
}

/** What decides the graphs of a model. */
export function shapeOf({ config, adapter }: ModelState): ModelShape {
  return { config, layout: adapter?.layout ?? {} };
}

/** What training changes: the adapter's tensors, or the model's; of its vision tower only where that is trained. */
export function trainedWeights({ weights, adapter, trainsVision }: ModelState): Map<string, Float32Array> {
  if (adapter !== null) return adapter.weights;
  return trainsVision ? weights : new Map([...weights].filter(([name]) => !name.startsWith(VISION_PREFIX)));
}

/** Names and shapes of what training changes, in a fixed order. */
export function trainedSpecs({ config, adapter, trainsVision }: ModelState): ParameterSpec[] {
  if (adapter !== null) return loraSpecs(config, adapter.layout);
  return trainsVision ? parameterSpecs(config) : languageSpecs(config);
}

/** The weights of a model that computes the same without an adapter. */
export function mergedWeights({ weights, adapter }: ModelState): ReadonlyMap<string, Float32Array> {
  return adapter === null ? weights : mergeLora(weights, adapter);
}

/** Weights of the language part under their Hugging Face names and rotary tables for `positions` positions, as graph feeds. */
export function modelFeeds(state: ModelState, positions: number): Record<string, Tensor> {
  const { config, weights, adapter } = state;
  const feeds = (specs: readonly ParameterSpec[], values: ReadonlyMap<string, Float32Array>) =>
    Object.fromEntries(specs.map(({ name, shape }) => [name, float32(values.get(name)!, shape)]));
  return {
    ...ropeFeeds(config, positions),
    ...feeds(languageSpecs(config), weights),
    ...(adapter === null ? {} : feeds(loraSpecs(config, adapter.layout), adapter.weights)),
  };
}

/**
 * @param spare rows of the tables beyond `positions`, whether or not the model has so many
 * @throws AresError when the model has fewer positions
 */
export function ropeFeeds(config: TextConfig, positions: number, spare = 0): Record<string, Tensor> {
  if (positions > config.maxPositions) {
    throw new AresError(
      'bad-data',
      `A sequence of ${positions} tokens is longer than the model's ${config.maxPositions} positions.`,
      {
        hint: 'Shorten the prompts or lower the maximum of new tokens.',
      },
    );
  }
  const { cos, sin } = ropeTables(config, positions + spare);
  const shape = [positions + spare, config.headDim / 2];
  return { cos: float32(cos, shape), sin: float32(sin, shape) };
}
