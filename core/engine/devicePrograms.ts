/**
 * Small programs on tensors that live on the device: in and out, copies, sums, norms, AdamW, merging.
 *
 * Owns: their graphs and sessions. Which tensors a model has on the device is residentModel.ts; what a
 * step is made of is trainer.ts. Inputs are left alone and outputs are fresh unless said otherwise: the
 * device may not read and write one buffer in the same pass (ENGINE §2), and takes the memory of what was
 * disposed of for what comes next, so an update needs no second copy of more than one group of tensors.
 */
import { Graph, type Value } from '#core/tensor/graph.ts';
import * as ops from '#core/tensor/ops.ts';
import type { Provider } from '#core/tensor/provider.ts';
import { type DeviceTensor, type Feeds, Session } from '#core/tensor/runtime.ts';
import { type Shape, type Tensor, elementCount, float32 } from '#core/tensor/types.ts';
import type { AdamWOptions } from './api.ts';

/** Numbers in the tensors that one run updates together: few runs, and little memory for their results. */
const GROUP_ELEMENTS = 2 ** 24;

/** What AdamW changes and what it reads, of one parameter. */
export interface Parameter {
  weight: DeviceTensor;
  first: DeviceTensor;
  second: DeviceTensor;
  gradient: DeviceTensor;
}

/** Scalars of one update. */
export interface AdamWStep {
  /** From 1. */
  step: number;
  learningRate: number;
  /** Of the gradients, for clipping. */
  gradientScale: number;
}

export class DevicePrograms {
  readonly #threads: number;
  readonly #provider: Provider;
  readonly #sessions = new Map<string, Session>();

  constructor(threads: number, provider: Provider) {
    this.#threads = threads;
    this.#provider = provider;
  }

  upload(tensor: Tensor): Promise<DeviceTensor> {
    return this.#map('copy', (_, x) => x, { x: tensor }, tensor.shape.length);
  }

  copy(tensor: DeviceTensor): Promise<DeviceTensor> {
    return this.#map('copy', (_, x) => x, { x: tensor }, tensor.shape.length);
  }

  zerosLike(tensor: DeviceTensor): Promise<DeviceTensor> {
    return this.#map(
      'zeros',
      (g, x) => ops.mul(g, ops.zerosLike(g, x), g.scalar(1)),
      { x: tensor },
      tensor.shape.length,
    );
  }

  /** The only way back to the CPU (ENGINE §2). */
  async download(tensor: DeviceTensor): Promise<Float32Array> {
    const rank = tensor.shape.length;
    const session = await this.#session(`download ${rank}`, false, (g) => {
      g.namedOutput(times1(g, g.input('x', 'float32', dimensions('x', rank))), 'y');
    });
    return (await session.run({ x: tensor }))['y']!.data as Float32Array;
  }

  /** a + b; disposes of both. */
  async addUp(a: DeviceTensor, b: DeviceTensor): Promise<DeviceTensor> {
    const rank = a.shape.length;
    const sum = await this.#map(
      'add',
      (g, x) => ops.add(g, x, g.input('other', 'float32', dimensions('x', rank))),
      { x: a, other: b },
      rank,
    );
    a.dispose();
    b.dispose();
    return sum;
  }

  /** weight [out, in] + scaling · b [out, rank] · a [rank, in] */
  merge(weight: DeviceTensor, a: DeviceTensor, b: DeviceTensor, scaling: number): Promise<DeviceTensor> {
    const emit = (g: Graph, x: Value) => {
      const low = g.input('a', 'float32', ['rank', 'x1']);
      const high = g.input('b', 'float32', ['x0', 'rank']);
      return ops.add(g, x, ops.mul(g, ops.matmul(g, high, low), g.scalar(scaling)));
    };
    return this.#map(`merge ${scaling}`, emit, { x: weight, a, b }, 2);
  }

  /** Σ x² over all tensors; within a tensor first along its last axis, so that no sum grows long in float32. */
  async squaredNorm(tensors: readonly DeviceTensor[]): Promise<number> {
    let total = 0;
    for (const group of inGroups(tensors, (tensor) => tensor)) {
      const ranks = group.map(({ shape }) => shape.length);
      const session = await this.#session(`norm ${ranks.join()}`, false, (g) => {
        const sums = ranks.map((rank, i) => {
          const x = g.input(`x${i}`, 'float32', dimensions(`x${i}`, rank));
          const axes = Array.from({ length: rank }, (_, axis) => axis);
          const rows = ops.reduceSum(g, ops.mul(g, x, x), [rank - 1]);
          return ops.reshape(g, ops.reduceSum(g, rows, axes), [1]);
        });
        g.namedOutput(sums.length === 1 ? sums[0]! : ops.concat(g, sums, 0), 'sums');
      });
      const { sums } = await session.run(Object.fromEntries(group.map((tensor, i) => [`x${i}`, tensor])));
      for (const sum of sums!.data as Float32Array) total += sum;
    }
    return total;
  }

  /**
   * One update of every parameter, in place as the caller sees it: weight and moments are replaced, the
   * gradient is disposed of. The formula is adamw.ts's, in float32.
   */
  async adamw(parameters: readonly Parameter[], options: AdamWOptions, update: AdamWStep): Promise<void> {
    const { beta1, beta2, weightDecay } = options;
    const { step, learningRate, gradientScale } = update;
    const scalars: Record<string, number> = {
      gradientScale,
      stepSize: learningRate / (1 - beta1 ** step),
      secondCorrection: 1 / Math.sqrt(1 - beta2 ** step),
      decay: 1 - learningRate * weightDecay,
    };
    const shared: Record<string, DeviceTensor> = {};
    for (const [name, value] of Object.entries(scalars))
      shared[name] = await this.upload(float32(Float32Array.of(value), [1]));
    for (const group of inGroups(parameters, ({ weight }) => weight)) {
      const ranks = group.map(({ weight }) => weight.shape.length);
      const session = await this.#session(`adamw ${JSON.stringify([ranks, options])}`, true, (g) =>
        emitAdamW(g, ranks, options),
      );
      const feeds = group.flatMap(({ weight, first, second, gradient }, i): [string, DeviceTensor][] => [
        [`w${i}`, weight],
        [`m${i}`, first],
        [`v${i}`, second],
        [`g${i}`, gradient],
      ]);
      const { device } = await session.runKeeping({ ...shared, ...Object.fromEntries(feeds) });
      for (const [, used] of feeds) used.dispose();
      group.forEach((parameter, i) => {
        parameter.weight = device[`w${i}.next`]!;
        parameter.first = device[`m${i}.next`]!;
        parameter.second = device[`v${i}.next`]!;
      });
    }
    for (const scalar of Object.values(shared)) scalar.dispose();
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await session.release();
    this.#sessions.clear();
  }

  /** A program with one result of the shape of its input `x`. */
  async #map(name: string, emit: (g: Graph, x: Value) => Value, feeds: Feeds, rank: number): Promise<DeviceTensor> {
    const session = await this.#session(`${name} ${rank}`, true, (g) => {
      g.namedOutput(times1(g, emit(g, g.input('x', 'float32', dimensions('x', rank)))), 'y');
    });
    return (await session.runKeeping(feeds)).device['y']!;
  }

  async #session(key: string, keep: boolean, emit: (g: Graph) => void): Promise<Session> {
    let session = this.#sessions.get(key);
    if (session === undefined) {
      const g = new Graph();
      emit(g);
      session = await Session.create(g.build(), {
        threads: this.#threads,
        optimisation: 'disabled',
        provider: this.#provider,
        keep: () => keep,
      });
      this.#sessions.set(key, session);
    }
    return session;
  }
}

function dimensions(name: string, rank: number): Shape {
  return Array.from({ length: rank }, (_, axis) => `${name}${axis}`);
}

/** A result of its own: without an operation in between the runtime may hand the input out again. */
function times1(g: Graph, x: Value): Value {
  return ops.mul(g, x, g.scalar(1));
}

function inGroups<T>(items: readonly T[], sizeOf: (item: T) => DeviceTensor): T[][] {
  const groups: T[][] = [];
  let room = 0;
  for (const item of items) {
    const size = elementCount(sizeOf(item).shape);
    if (groups.length === 0 || size > room) {
      groups.push([]);
      room = GROUP_ELEMENTS;
    }
    groups.at(-1)!.push(item);
    room -= size;
  }
  return groups;
}

function emitAdamW(g: Graph, ranks: readonly number[], { beta1, beta2, epsilon }: AdamWOptions): void {
  const scalar = (name: string) => g.input(name, 'float32', [1]);
  const [gradientScale, stepSize] = [scalar('gradientScale'), scalar('stepSize')];
  const [secondCorrection, decay] = [scalar('secondCorrection'), scalar('decay')];
  ranks.forEach((rank, i) => {
    const input = (kind: string) => g.input(`${kind}${i}`, 'float32', dimensions(`w${i}.`, rank));
    const [w, m, v] = [input('w'), input('m'), input('v')];
    const gradient = ops.mul(g, input('g'), gradientScale);
    const blend = (old: Value, beta: number, fresh: Value) =>
      ops.add(g, ops.mul(g, old, g.scalar(beta)), ops.mul(g, fresh, g.scalar(1 - beta)));
    const first = blend(m, beta1, gradient);
    const second = blend(v, beta2, ops.mul(g, gradient, gradient));
    const root = ops.add(g, ops.mul(g, ops.sqrt(g, second), secondCorrection), g.scalar(epsilon));
    const change = ops.div(g, ops.mul(g, first, stepSize), root);
    g.namedOutput(ops.sub(g, ops.mul(g, w, decay), change), `w${i}.next`);
    g.namedOutput(first, `m${i}.next`);
    g.namedOutput(second, `v${i}.next`);
  });
}
