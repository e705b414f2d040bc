/**
 * A model whose tensors live on the device: weights, adapter, and the moments of its optimizer.
 *
 * Owns: which tensors there are, when they are disposed of, and their way to and from the CPU. Nothing of
 * it is kept on the CPU besides. What is computed with them is devicePrograms.ts and the engine's graphs.
 */
import { type LoraLayout, loraNames } from '#core/model/lora.ts';
import type { ParameterSpec } from '#core/model/parameters.ts';
import type { DeviceTensor } from '#core/tensor/runtime.ts';
import { float32 } from '#core/tensor/types.ts';
import { AresError } from '#core/util/errors.ts';
import { type AdamWState, type NamedTensors, clippingScale } from './adamw.ts';
import type { DevicePrograms, Parameter } from './devicePrograms.ts';

export type DeviceTensors = Map<string, DeviceTensor>;

/** The frozen weights under an adapter may serve several models; they go with the last. */
interface SharedTensors {
  tensors: DeviceTensors;
  users: number;
}

export class ResidentModel {
  readonly #programs: DevicePrograms;
  readonly #base: SharedTensors;
  #adapter: DeviceTensors | undefined;
  #first: DeviceTensors = new Map();
  #second: DeviceTensors = new Map();
  /** Weights with the adapter in them, of one version of the model. */
  #merged: { version: number; tensors: DeviceTensors } | undefined;

  private constructor(programs: DevicePrograms, base: SharedTensors, adapter: DeviceTensors | undefined) {
    this.#programs = programs;
    this.#base = base;
    this.#adapter = adapter;
  }

  static async upload(
    programs: DevicePrograms,
    specs: readonly ParameterSpec[],
    weights: NamedTensors,
  ): Promise<ResidentModel> {
    return new ResidentModel(programs, { tensors: await uploadAll(programs, specs, weights), users: 1 }, undefined);
  }

  async addAdapter(specs: readonly ParameterSpec[], weights: NamedTensors): Promise<void> {
    this.#adapter = await uploadAll(this.#programs, specs, weights);
  }

  /** As the model is now. Under an adapter the weights are shared, and only the adapter is copied, if wanted. */
  async clone(withAdapter: boolean): Promise<ResidentModel> {
    if (this.#adapter === undefined) {
      const tensors = await copyAll(this.#programs, this.#base.tensors);
      return new ResidentModel(this.#programs, { tensors, users: 1 }, undefined);
    }
    this.#base.users++;
    const adapter = withAdapter ? await copyAll(this.#programs, this.#adapter) : undefined;
    return new ResidentModel(this.#programs, this.#base, adapter);
  }

  /** A weight of the model or of its adapter. */
  tensor(name: string): DeviceTensor {
    const tensor = this.#adapter?.get(name) ?? this.#base.tensors.get(name);
    if (tensor === undefined) throw new AresError('internal', `The device holds no weight "${name}".`);
    return tensor;
  }

  /** The weights of a model that computes the same without an adapter; they belong to this. */
  async merged(layout: LoraLayout, version: number): Promise<ReadonlyMap<string, DeviceTensor>> {
    if (this.#adapter === undefined) return this.#base.tensors;
    if (this.#merged?.version !== version) {
      disposeAll(this.#merged?.tensors);
      const tensors: DeviceTensors = new Map();
      this.#merged = { version, tensors };
      for (const [module, { scaling }] of Object.entries(layout)) {
        const [weight, { a, b }] = [`${module}.weight`, loraNames(module)];
        const [low, high] = [this.tensor(a), this.tensor(b)];
        tensors.set(weight, await this.#programs.merge(this.tensor(weight), low, high, scaling));
      }
    }
    return new Map([...this.#base.tensors, ...this.#merged.tensors]);
  }

  async download(names: readonly string[]): Promise<Map<string, Float32Array>> {
    const values = new Map<string, Float32Array>();
    for (const name of names) values.set(name, await this.#programs.download(this.tensor(name)));
    return values;
  }

  /** Moments of zero for the named tensors, instead of what there was. */
  async startMoments(names: readonly string[]): Promise<void> {
    disposeAll(this.#first);
    disposeAll(this.#second);
    for (const name of names) {
      this.#first.set(name, await this.#programs.zerosLike(this.tensor(name)));
      this.#second.set(name, await this.#programs.zerosLike(this.tensor(name)));
    }
  }

  async downloadMoments(): Promise<Pick<AdamWState, 'firstMoments' | 'secondMoments'>> {
    const all = async (tensors: DeviceTensors) => {
      const values = new Map<string, Float32Array>();
      for (const [name, tensor] of tensors) values.set(name, await this.#programs.download(tensor));
      return values;
    };
    return { firstMoments: await all(this.#first), secondMoments: await all(this.#second) };
  }

  /** Puts what a checkpoint holds in place of what is trained. */
  async restore(
    specs: readonly ParameterSpec[],
    weights: NamedTensors,
    { firstMoments, secondMoments }: Pick<AdamWState, 'firstMoments' | 'secondMoments'>,
  ): Promise<void> {
    for (const { name, shape } of specs) {
      const put = async (target: DeviceTensors, values: NamedTensors) => {
        target.get(name)?.dispose();
        target.set(name, await this.#programs.upload(float32(values.get(name)!, shape)));
      };
      await put(this.#holder(name), weights);
      await put(this.#first, firstMoments);
      await put(this.#second, secondMoments);
    }
  }

  /**
   * One AdamW update with clipping, as adamw.ts's.
   * @param gradients of everything that is trained; disposed of
   * @returns the norm before clipping
   */
  async update(optimizer: AdamWState, gradients: DeviceTensors, learningRate: number): Promise<number> {
    const { options } = optimizer;
    const norm = Math.sqrt(await this.#programs.squaredNorm([...gradients.values()]));
    const gradientScale = clippingScale(options, norm);
    optimizer.step++;
    const names = [...gradients.keys()];
    const parameters = names.map((name): Parameter => ({
      weight: this.tensor(name),
      first: this.#first.get(name)!,
      second: this.#second.get(name)!,
      gradient: gradients.get(name)!,
    }));
    await this.#programs.adamw(parameters, options, { step: optimizer.step, learningRate, gradientScale });
    names.forEach((name, i) => {
      const { weight, first, second } = parameters[i]!;
      this.#holder(name).set(name, weight);
      this.#first.set(name, first);
      this.#second.set(name, second);
    });
    return norm;
  }

  dispose(): void {
    this.#base.users--;
    if (this.#base.users === 0) disposeAll(this.#base.tensors);
    for (const tensors of [this.#adapter, this.#first, this.#second, this.#merged?.tensors]) disposeAll(tensors);
  }

  #holder(name: string): DeviceTensors {
    return this.#adapter?.has(name) === true ? this.#adapter : this.#base.tensors;
  }
}

async function uploadAll(
  programs: DevicePrograms,
  specs: readonly ParameterSpec[],
  values: NamedTensors,
): Promise<DeviceTensors> {
  const tensors: DeviceTensors = new Map();
  for (const { name, shape } of specs) tensors.set(name, await programs.upload(float32(values.get(name)!, shape)));
  return tensors;
}

async function copyAll(programs: DevicePrograms, tensors: DeviceTensors): Promise<DeviceTensors> {
  const copies: DeviceTensors = new Map();
  for (const [name, tensor] of tensors) copies.set(name, await programs.copy(tensor));
  return copies;
}

function disposeAll(tensors: DeviceTensors | undefined): void {
  for (const tensor of tensors?.values() ?? []) tensor.dispose();
  tensors?.clear();
}
