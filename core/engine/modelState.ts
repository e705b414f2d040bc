/**
 * A model in the engine's memory: config, float32 weights, optimizer state.
 *
 * Owns: the tensors and a version number that changes whenever the weights do, by which cached
 * sessions know that they are stale; and the feeds every graph of a model needs. It runs nothing.
 */
import type { TextConfig } from '#core/model/config.ts';
import { type ModelFolder, openModelFolder } from '#core/model/modelFolder.ts';
import { float16ToFloat32, float32ToFloat16 } from '#core/model/dtypes.ts';
import type { ModelShape } from '#core/model/graphTransformer.ts';
import { type Lora, loraSpecs, mergeLora } from '#core/model/lora.ts';
import { type ParameterSpec, languageSpecs, parameterSpecs } from '#core/model/parameters.ts';
import { ropeTables } from '#core/model/rope.ts';
import { VISION_PREFIX } from '#core/model/vision/parameters.ts';
import { loadWeights } from '#core/model/weights.ts';
import type { Feed } from '#core/tensor/runtime.ts';
import { type Tensor, float32 } from '#core/tensor/types.ts';
import { AresError } from '#core/util/errors.ts';
import type { AdamWState } from './adamw.ts';
import type { DevicePrograms } from './devicePrograms.ts';
import { ResidentModel } from './residentModel.ts';

export interface ModelState {
  readonly source: ModelFolder;
  readonly config: TextConfig;
  /**
   * By Hugging Face name; changed in place by training, unless an adapter is trained instead. Empty where the
   * tensors live on a device, and those of the adapter too.
   */
  readonly weights: Map<string, Float32Array>;
  /** Frozen matrices of the language part that are kept as float16, and not among `weights`. */
  halves?: ReadonlyMap<string, Uint16Array> | undefined;
  /** The tensors, where they live on a device. */
  resident?: ResidentModel | undefined;
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

/** Puts the tensors of a model on the device; the CPU keeps none of them. */
export async function makeResident(state: ModelState, device: DevicePrograms): Promise<void> {
  const { config, weights, adapter } = state;
  state.resident = await ResidentModel.upload(device, parameterSpecs(config), weights);
  weights.clear();
  if (adapter !== null) await putAdapter(state, adapter);
}

/** Puts an adapter on a model, on the device where the model is there. */
export async function putAdapter(state: ModelState, adapter: Lora): Promise<void> {
  state.adapter = adapter;
  if (state.resident === undefined) return;
  await state.resident.addAdapter(loraSpecs(state.config, adapter.layout), adapter.weights);
  state.adapter = { ...adapter, weights: new Map() };
}

/** What decides the graphs of a model. */
export function shapeOf({ config, adapter, halves }: ModelState): ModelShape {
  return { config, layout: adapter?.layout ?? {}, ...(halves === undefined ? {} : { isHalf: true }) };
}

/** What training changes: the adapter's tensors, or the model's; of its vision tower only where that is trained. */
export function trainedWeights({ weights, adapter, trainsVision }: ModelState): Map<string, Float32Array> {
  if (adapter !== null) return adapter.weights;
  return trainsVision ? weights : new Map([...weights].filter(([name]) => !name.startsWith(VISION_PREFIX)));
}

/** Names of what training changes; the order of sums over them. */
export function trainedNames(state: ModelState): string[] {
  if (state.resident !== undefined) return trainedSpecs(state).map(({ name }) => name);
  return [...trainedWeights(state).keys()];
}

/** Names and shapes of what training changes, in a fixed order. */
export function trainedSpecs({ config, adapter, trainsVision }: ModelState): ParameterSpec[] {
  if (adapter !== null) return loraSpecs(config, adapter.layout);
  return trainsVision ? parameterSpecs(config) : languageSpecs(config);
}

/** The weights of a model that computes the same without an adapter. */
export function mergedWeights({ weights, halves, adapter }: HostTensors): ReadonlyMap<string, Float32Array> {
  const wide = [...(halves ?? [])].map(([name, half]): [string, Float32Array] => [name, float16ToFloat32(half)]);
  const all = halves === undefined ? weights : new Map([...weights, ...wide]);
  return adapter === null ? all : mergeLora(all, adapter);
}

type HostTensors = Pick<ModelState, 'weights' | 'halves' | 'adapter'>;

/**
 * Keeps the matrices of the language part as float16 from now on; they can no longer be trained.
 * @throws AresError 'unsupported' where they live on a device, or where float16 cannot hold one
 */
export function keepAsHalf(state: ModelState): void {
  if (state.resident !== undefined) {
    throw new AresError('unsupported', 'Weights on a device are kept as float32.', {
      hint: 'Leave the base of the adapter as float32, or compute on the CPU.',
    });
  }
  const matrices = languageSpecs(state.config).filter(({ shape }) => shape.length === 2);
  state.halves = new Map(
    matrices.map(({ name }) => {
      const half = float32ToFloat16(state.weights.get(name)!);
      if (half.some((bits) => (bits & 0x7c00) === 0x7c00)) {
        throw new AresError('unsupported', `A weight of "${name}" is larger than float16 can hold.`, {
          hint: 'Leave the base of the adapter as float32.',
        });
      }
      return [name, half];
    }),
  );
  for (const { name } of matrices) state.weights.delete(name);
}

/** Weights, and an adapter's tensors, on the CPU: as they are, or copied from the device that holds them. */
export async function hostTensors(state: ModelState): Promise<HostTensors> {
  const { config, weights, halves, resident } = state;
  const names = parameterSpecs(config).map(({ name }) => name);
  return {
    weights: resident === undefined ? weights : await resident.download(names),
    halves,
    adapter: await hostAdapter(state),
  };
}

/** The adapter of a model on the CPU, as hostTensors. */
export async function hostAdapter({ config, adapter, resident }: ModelState): Promise<Lora | null> {
  if (adapter === null || resident === undefined) return adapter;
  const names = loraSpecs(config, adapter.layout).map(({ name }) => name);
  return { ...adapter, weights: await resident.download(names) };
}

/** Named tensors of a model as graph feeds. */
export function tensorFeeds(
  { weights, halves, adapter, resident }: ModelState,
  specs: readonly ParameterSpec[],
): Record<string, Feed> {
  const feed = ({ name, shape }: ParameterSpec): Feed => {
    const half = halves?.get(name);
    if (half !== undefined) return { type: 'float16', shape, data: half };
    return resident?.tensor(name) ?? float32((adapter?.weights.get(name) ?? weights.get(name))!, shape);
  };
  return Object.fromEntries(specs.map((spec) => [spec.name, feed(spec)]));
}

/** Weights of the language part under their Hugging Face names and rotary tables for `positions` positions, as graph feeds. */
export function modelFeeds(state: ModelState, positions: number): Record<string, Feed> {
  const { config, adapter } = state;
  return {
    ...ropeFeeds(config, positions),
    ...tensorFeeds(state, [...languageSpecs(config), ...(adapter === null ? [] : loraSpecs(config, adapter.layout))]),
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
