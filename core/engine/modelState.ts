/**
 * A model in the engine's memory: config, float32 weights, optimizer state.
 *
 * Owns: the tensors and a version number that changes whenever the weights do, by which cached
 * sessions know that they are stale; and the feeds every graph of a model needs. It runs nothing.
 */
import type { TextConfig } from '#core/model/config.ts';
import { type ModelFolder, openModelFolder } from '#core/model/modelFolder.ts';
import { parameterSpecs } from '#core/model/parameters.ts';
import { ropeTables } from '#core/model/rope.ts';
import { loadWeights } from '#core/model/weights.ts';
import { type Tensor, float32 } from '#core/tensor/types.ts';
import { AresError } from '#core/util/errors.ts';
import type { AdamWState } from './adamw.ts';

export interface ModelState {
  readonly source: ModelFolder;
  readonly config: TextConfig;
  /** By Hugging Face name; changed in place by training. */
  readonly weights: Map<string, Float32Array>;
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
    version: 0,
    optimizer: undefined,
  };
}

/** Weights under their Hugging Face names and rotary tables for `positions` positions, as graph feeds. */
export function modelFeeds({ config, weights }: ModelState, positions: number): Record<string, Tensor> {
  return {
    ...ropeFeeds(config, positions),
    ...Object.fromEntries(parameterSpecs(config).map(({ name, shape }) => [name, float32(weights.get(name)!, shape)])),
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
