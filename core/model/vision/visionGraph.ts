/**
 * The vision tower of Qwen2.5-VL as graph: patches in, one feature per merged cell out.
 *
 * Owns: patch embedding, blocks with attention inside windows or over whole images, and the merger. Which
 * patches attend to each other is fed (geometry.ts), so one graph serves images of any size.
 *
 * Dimensions: P patches, G groups of S places, F features (P / mergeSize²).
 */
import { checkpoint } from '#core/tensor/differentiate.ts';
import type { Graph, Value } from '#core/tensor/graph.ts';
import * as ops from '#core/tensor/ops.ts';
import { type Tensor, float32, int64 } from '#core/tensor/types.ts';
import { type WeightValues, weightOf } from '#core/model/graphTransformer.ts';
import { type VisionConfig, patchLength } from './config.ts';
import { type ImageGrid, type PatchGroups, fullGroups, patchCount, patchRopeTables, windowGroups } from './geometry.ts';
import { VISION_PREFIX, visionParameterSpecs } from './parameters.ts';

const EPSILON = 1e-6;
/** Adding this to a score switches a place off. */
const MASKED = -1e30;

interface GroupInputs {
  /** int64 [G, S] */
  index: Value;
  /** float32 [G, 1, 1, S] */
  mask: Value;
  /** int64 [P] */
  place: Value;
}

/** What the tower computes with besides its weights. */
export interface VisionInputs {
  /** float32 [P, numbers of a patch] */
  pixels: Value;
  /** float32 [P, headDim / 2] each */
  cos: Value;
  sin: Value;
  windows: GroupInputs;
  full: GroupInputs;
}

export function visionInputs(g: Graph, config: VisionConfig): VisionInputs {
  const groups = (name: string, G: string, S: string): GroupInputs => ({
    index: g.input(`vision.${name}.index`, 'int64', [G, S]),
    mask: g.input(`vision.${name}.mask`, 'float32', [G, 1, 1, S]),
    place: g.input(`vision.${name}.place`, 'int64', ['P']),
  });
  return {
    pixels: g.input('vision.pixels', 'float32', ['P', patchLength(config)]),
    cos: g.input('vision.cos', 'float32', ['P', config.headDim / 2]),
    sin: g.input('vision.sin', 'float32', ['P', config.headDim / 2]),
    windows: groups('windows', 'windows', 'patches of a window'),
    full: groups('full', 'images', 'patches of an image'),
  };
}

/** The weights of the tower as graph inputs under their Hugging Face names. */
export function visionWeightInputs(g: Graph, config: VisionConfig): Map<string, Value> {
  return new Map(visionParameterSpecs(config).map(({ name, shape }) => [name, g.input(name, 'float32', shape)]));
}

/** @param pixels [Σ patches × numbers of a patch], images in order */
export function visionFeeds(
  config: VisionConfig,
  grids: readonly ImageGrid[],
  pixels: Float32Array,
): Record<string, Tensor> {
  const patches = grids.reduce((sum, grid) => sum + patchCount(grid), 0);
  const { cos, sin } = patchRopeTables(grids, config);
  const groupFeeds = (name: string, { groups, size, index, isPadding, place }: PatchGroups) => ({
    [`vision.${name}.index`]: int64(index, [groups, size]),
    [`vision.${name}.mask`]: float32(
      Float32Array.from(isPadding, (flag) => flag * MASKED),
      [groups, 1, 1, size],
    ),
    [`vision.${name}.place`]: int64(place, [patches]),
  });
  return {
    'vision.pixels': float32(pixels, [patches, patchLength(config)]),
    'vision.cos': float32(cos, [patches, config.headDim / 2]),
    'vision.sin': float32(sin, [patches, config.headDim / 2]),
    ...groupFeeds('windows', windowGroups(grids, config)),
    ...groupFeeds('full', fullGroups(grids)),
  };
}

/** @returns float32 [F, outSize] */
export function emitVisionFeatures(
  g: Graph,
  config: VisionConfig,
  weights: WeightValues,
  inputs: VisionInputs,
  checkpointBlocks: boolean,
): Value {
  const embedding = ops.reshape(g, weightOf(weights, `${VISION_PREFIX}patch_embed.proj.weight`), [
    config.hiddenSize,
    patchLength(config),
  ]);
  let hidden = ops.gemm(g, inputs.pixels, embedding, { transposeB: true });
  for (let layer = 0; layer < config.layers; layer++) {
    const input = hidden;
    const prefix = `${VISION_PREFIX}blocks.${layer}.`;
    const body = () => emitVisionBlock(g, config, weights, layer, input, inputs);
    const blockWeights = [...weights].filter(([name]) => name.startsWith(prefix)).map(([, value]) => value);
    hidden = checkpointBlocks ? checkpoint(g, [input, ...blockWeights], body) : body();
  }
  const linear = linearOf(g, weights, 'merger');
  const normalised = ops.rmsNorm(
    g,
    hidden,
    weightOf(weights, `${VISION_PREFIX}merger.ln_q.weight`),
    EPSILON,
  ).normalised;
  const cells = ops.reshape(g, normalised, ['F', config.hiddenSize * config.mergeSize ** 2]);
  return linear(ops.gelu(g, linear(cells, 'mlp.0')), 'mlp.2');
}

function linearOf(g: Graph, weights: WeightValues, module: string): (x: Value, name: string) => Value {
  return (x, name) => {
    const [weight, bias] = ['weight', 'bias'].map((kind) =>
      weightOf(weights, `${VISION_PREFIX}${module}.${name}.${kind}`),
    );
    return ops.gemm(g, x, weight!, { transposeB: true, bias: bias! });
  };
}

function emitVisionBlock(
  g: Graph,
  config: VisionConfig,
  weights: WeightValues,
  layer: number,
  input: Value,
  inputs: VisionInputs,
): Value {
  const linear = linearOf(g, weights, `blocks.${layer}`);
  const norm = (x: Value, name: string) =>
    ops.rmsNorm(g, x, weightOf(weights, `${VISION_PREFIX}blocks.${layer}.${name}.weight`), EPSILON).normalised;
  const isFull = config.fullAttentionLayers.includes(layer);
  const projected = linear(norm(input, 'norm1'), 'attn.qkv');
  const attended = emitGroupAttention(g, config, projected, isFull ? inputs.full : inputs.windows, inputs);
  const afterAttention = ops.add(g, input, linear(attended, 'attn.proj'));
  const fed = norm(afterAttention, 'norm2');
  const gated = ops.mul(g, ops.silu(g, linear(fed, 'mlp.gate_proj')), linear(fed, 'mlp.up_proj'));
  return ops.add(g, afterAttention, linear(gated, 'mlp.down_proj'));
}

/**
 * Attention of every patch over those of its group.
 * @param projected [P, 3 · hiddenSize], queries then keys then values
 * @returns [P, hiddenSize]
 */
function emitGroupAttention(
  g: Graph,
  { heads, headDim, hiddenSize }: VisionConfig,
  projected: Value,
  { index, mask, place }: GroupInputs,
  { cos, sin }: VisionInputs,
): Value {
  const [groups, size] = index.shape as [string, string];
  const grouped = ops.gatherRows(g, projected, index);
  const parts = ops.split(g, grouped, 2, [hiddenSize, hiddenSize, hiddenSize]);
  const [queries, keys, values] = parts.map((part) =>
    ops.transpose(g, ops.reshape(g, part, [groups, size, heads, headDim]), [0, 2, 1, 3]),
  );
  const rotate = (x: Value) => ops.rotaryEmbedding(g, x, index, cos, sin);
  const scores = ops.fusedMatmul(g, rotate(queries!), rotate(keys!), {
    transposeB: true,
    scale: 1 / Math.sqrt(headDim),
  });
  const mixed = ops.matmul(g, ops.softmax(g, ops.add(g, scores, mask)), values!);
  const places = `places of ${groups}`;
  const flat = ops.reshape(g, ops.transpose(g, mixed, [0, 2, 1, 3]), [places, hiddenSize]);
  return ops.gatherRows(g, flat, place);
}
