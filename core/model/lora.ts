/**
 * LoRA (Hu et al. 2021): y = x·Wᵀ + b + scaling · (x·Aᵀ)·Bᵀ on chosen linear layers of a frozen model.
 *
 * Owns: which layers an adapter changes, the names and shapes of its tensors, its initial values, its
 * part of the graph, and merging it into the weights. Files are adapterFolder.ts.
 */
import type { Graph, Value } from '#core/tensor/graph.ts';
import * as ops from '#core/tensor/ops.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import type { TextConfig } from './config.ts';
import { type ParameterSpec, parameterSpecs } from './parameters.ts';

/** What an adapter does to one linear layer. */
export interface LoraModule {
  rank: number;
  /** alpha / rank, or alpha / √rank for rank-stabilised LoRA. */
  scaling: number;
}

/** By module name, for instance `model.layers.0.self_attn.q_proj`, in forward order. */
export type LoraLayout = Readonly<Record<string, LoraModule>>;

/** A layout with its tensors by name (`{module}.lora_A.weight`). */
export interface Lora {
  layout: LoraLayout;
  weights: Map<string, Float32Array>;
}

const WEIGHT = '.weight';

export function loraNames(module: string): { a: string; b: string } {
  return { a: `${module}.lora_A${WEIGHT}`, b: `${module}.lora_B${WEIGHT}` };
}

/** Linear layers of a model that an adapter may change, in forward order, with the shape of their weight [out, in]. */
export function linearModules(config: TextConfig): Map<string, readonly [number, number]> {
  return new Map(
    parameterSpecs(config).flatMap(({ name, shape }): [string, readonly [number, number]][] =>
      name.endsWith('_proj.weight') || name === 'lm_head.weight'
        ? [[name.slice(0, -WEIGHT.length), shape as [number, number]]]
        : [],
    ),
  );
}

/** The same rank and scaling on every linear layer whose last name is in `targets`; all but the output for 'all'. */
export function loraLayout(config: TextConfig, module: LoraModule, targets: readonly string[] | 'all'): LoraLayout {
  const chosen = [...linearModules(config).keys()].filter((name) => {
    const last = name.split('.').at(-1)!;
    return targets === 'all' ? last !== 'lm_head' : targets.includes(last);
  });
  return Object.fromEntries(chosen.map((name) => [name, module]));
}

/** A and B of every changed layer: A is [rank, in], B is [out, rank]. */
export function loraSpecs(config: TextConfig, layout: LoraLayout): ParameterSpec[] {
  const modules = linearModules(config);
  return Object.entries(layout).flatMap(([module, { rank }]) => {
    const [out, input] = modules.get(module)!;
    const { a, b } = loraNames(module);
    return [
      { name: a, shape: [rank, input] },
      { name: b, shape: [out, rank] },
    ];
  });
}

/** A uniform in ±1/√in (PEFT's default), B zero, so that a fresh adapter changes nothing. */
export function initialLora(config: TextConfig, layout: LoraLayout, seed: number): Lora {
  const weights = loraSpecs(config, layout).map(({ name, shape }, index): [string, Float32Array] => {
    const [rows, columns] = shape as [number, number];
    const length = rows * columns;
    if (name.endsWith('.lora_B.weight')) return [name, new Float32Array(length)];
    const random = new RandomSequence(seed, Stream.initialisation, index);
    const bound = 1 / Math.sqrt(columns);
    return [name, Float32Array.from({ length }, () => bound * (2 * random.uniform() - 1))];
  });
  return { layout, weights: new Map(weights) };
}

/**
 * Adds the adapter's part to the output of a linear layer.
 * @param x [N, in]
 * @param output [N, out], what the layer gives without it
 */
export function emitLora(
  g: Graph,
  layout: LoraLayout,
  weights: ReadonlyMap<string, Value>,
  module: string,
  x: Value,
  output: Value,
): Value {
  const own = layout[module];
  if (own === undefined) return output;
  const { a, b } = loraNames(module);
  const low = ops.gemm(g, x, weights.get(a)!, { transposeB: true });
  const scaled = ops.mul(g, low, g.scalar(own.scaling));
  return ops.add(g, output, ops.gemm(g, scaled, weights.get(b)!, { transposeB: true }));
}

/** Whether an adapter changes nothing yet. */
export function isFreshLora({ weights }: Lora): boolean {
  return [...weights].every(([name, values]) => !name.endsWith('.lora_B.weight') || values.every((x) => x === 0));
}

/** W + scaling·B·A where the adapter changes a weight; the other weights are the same arrays, not copies. */
export function mergeLora(
  weights: ReadonlyMap<string, Float32Array>,
  { layout, weights: own }: Lora,
): Map<string, Float32Array> {
  const merged = new Map(weights);
  for (const [module, { rank, scaling }] of Object.entries(layout)) {
    const { a, b } = loraNames(module);
    merged.set(module + WEIGHT, mergeOne(weights.get(module + WEIGHT)!, own.get(a)!, own.get(b)!, rank, scaling));
  }
  return merged;
}

function mergeOne(weight: Float32Array, a: Float32Array, b: Float32Array, rank: number, scaling: number): Float32Array {
  const columns = a.length / rank;
  const merged = weight.slice();
  const sums = new Float64Array(columns);
  for (let row = 0; row * columns < merged.length; row++) {
    sums.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = scaling * b[row * rank + r]!;
      for (let column = 0; column < columns; column++) sums[column] = sums[column]! + factor * a[r * columns + column]!;
    }
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      merged[at] = merged[at]! + sums[column]!;
    }
  }
  return merged;
}
