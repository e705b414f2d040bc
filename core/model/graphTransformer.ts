/**
 * The decoder-only transformer of Llama, Qwen2 and Qwen3 as graph, over whole sequences.
 *
 * Owns: embedding, blocks and final norm for training, scoring and prefill; the families differ only
 * in biases and in the normalisation of queries and keys, which the config tells. The one-token step
 * of generation is in graphDecoder.ts; losses are the engine's.
 */
import { checkpoint } from '#core/tensor/differentiate.ts';
import { mapParts } from '#core/tensor/mapParts.ts';
import type { Graph, Value } from '#core/tensor/graph.ts';
import * as ops from '#core/tensor/ops.ts';
import type { TextConfig } from './config.ts';
import { type LoraLayout, emitLora, loraSpecs } from './lora.ts';
import { languageSpecs } from './parameters.ts';

/** Weights by their Hugging Face names. */
export type WeightValues = ReadonlyMap<string, Value>;

/** Everything a block attends with, shared by all blocks. */
export interface SequenceContext {
  /** int64 [B, T] rotary positions */
  positions: Value;
  /** float32 [1 or B, 1, T, T], added to the attention scores; [parts, 1, 1, T / parts, T] where they are computed in parts */
  mask: Value;
  /** float32 [P, headDim / 2] each */
  cos: Value;
  sin: Value;
}

/** Keys and values of one layer, [B, kvHeads, T, headDim], rotated: what generation continues from. */
export interface LayerKeyValues {
  keys: Value;
  values: Value;
}

/** What shapes the graph of a model: its configuration, and the layers that an adapter changes ({} for none). */
export interface ModelShape {
  config: TextConfig;
  layout: LoraLayout;
  /** The matrices of the language part are fed as float16 and widened where they are used; they are not trained. */
  isHalf?: boolean;
}

/** Dimensions: parts of the queries of an attention, and queries of a part. */
export const PARTS = 'parts of the queries';
export const QUERIES = 'queries of a part';

/** Declares every weight of the language part as a graph input under its Hugging Face name, the adapter's after them. */
export function weightInputs(g: Graph, { config, layout, isHalf = false }: ModelShape): Map<string, Value> {
  const own = languageSpecs(config).map(({ name, shape }): [string, Value] => [
    name,
    g.input(name, isHalf && shape.length === 2 ? 'float16' : 'float32', shape),
  ]);
  const adapter = loraSpecs(config, layout).map(({ name, shape }): [string, Value] => [
    name,
    g.input(name, 'float32', shape),
  ]);
  return new Map([...own, ...adapter]);
}

/** Declares positions, mask and rotary tables as graph inputs; masks differ between rows where `perRowMask`. */
export function sequenceInputs(
  g: Graph,
  config: TextConfig,
  { perRowMask, attentionInParts }: { perRowMask: boolean; attentionInParts: boolean },
): SequenceContext {
  const shape = attentionInParts ? [PARTS, 1, 1, QUERIES, 'T'] : [perRowMask ? 'B' : 1, 1, 'T', 'T'];
  return {
    positions: g.input('positions', 'int64', ['B', 'T']),
    mask: g.input('mask', 'float32', shape),
    cos: g.input('cos', 'float32', ['P', config.headDim / 2]),
    sin: g.input('sin', 'float32', ['P', config.headDim / 2]),
  };
}

export function weightOf(weights: WeightValues, name: string): Value {
  const value = weights.get(name);
  if (value === undefined) throw new Error(`The graph was given no weight "${name}".`);
  return value;
}

/** Features that stand in for the embeddings of image tokens. */
export interface ImageFeatures {
  /** float32 [F, hiddenSize] */
  features: Value;
  /** int64 [B, T] row of `features` at each position; any where there is no image */
  rows: Value;
  /** float32 [B, T] 1 at image tokens */
  isImage: Value;
}

/** Declares which positions are image tokens; the features come from wherever the caller has them. */
export function imageRowInputs(g: Graph): Omit<ImageFeatures, 'features'> {
  return { rows: g.input('image.rows', 'int64', ['B', 'T']), isImage: g.input('image.mask', 'float32', ['B', 'T']) };
}

export interface HiddenStatesOptions {
  /**
   * Attention is computed for a part of the queries at a time, each again in the backward pass, so that memory
   * grows with T instead of T².
   */
  attentionInParts: boolean;
  images?: ImageFeatures | undefined;
  /** Recompute each block in the backward pass instead of keeping its activations. */
  checkpointBlocks: boolean;
  /** Receives keys and values of every layer; where it returns others, those are attended to. */
  onKeyValues?: (layer: number, keyValues: LayerKeyValues) => LayerKeyValues | undefined;
}

/**
 * Final-normalised hidden states of every position.
 * @param ids int64 [B, T]
 * @returns float32 [B·T, hiddenSize]
 */
export function emitHiddenStates(
  g: Graph,
  shape: ModelShape,
  weights: WeightValues,
  ids: Value,
  context: SequenceContext,
  { images, attentionInParts, checkpointBlocks, onKeyValues }: HiddenStatesOptions,
): Value {
  const { config } = shape;
  const embedded = ops.cast(g, ops.gatherRows(g, weightOf(weights, 'model.embed_tokens.weight'), ids), 'float32');
  const text = ops.reshape(g, embedded, ['N', config.hiddenSize]);
  let hidden = images === undefined ? text : emitMixed(g, config, text, images);
  for (let layer = 0; layer < config.layers; layer++) {
    const input = hidden;
    const body = () => emitBlock(g, shape, weights, layer, input, context, attentionInParts, onKeyValues);
    const prefix = `model.layers.${layer}.`;
    const blockWeights = [...weights].filter(([name]) => name.startsWith(prefix)).map(([, value]) => value);
    hidden = checkpointBlocks ? checkpoint(g, [input, ...blockWeights], body) : body();
  }
  return ops.rmsNorm(g, hidden, weightOf(weights, 'model.norm.weight'), config.rmsNormEps).normalised;
}

/** Embeddings of text and features of images in one sequence. [N, hiddenSize] */
function emitMixed(g: Graph, config: TextConfig, text: Value, { features, rows, isImage }: ImageFeatures): Value {
  const gathered = ops.reshape(g, ops.gatherRows(g, features, rows), ['N', config.hiddenSize]);
  return ops.where(g, ops.cast(g, ops.reshape(g, isImage, ['N', 1]), 'bool'), gathered, text);
}

/** The matrix that makes logits. */
export function outputName({ tiedEmbeddings }: TextConfig): string {
  return tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
}

/**
 * Logits of chosen rows.
 * @param rows float32 [R, hiddenSize]
 * @returns float32 [R, vocabSize]
 */
export function emitLogits(g: Graph, { config, layout }: ModelShape, weights: WeightValues, rows: Value): Value {
  const head = weightOf(weights, outputName(config));
  return emitLora(g, layout, weights, 'lm_head', rows, emitLinear(g, rows, head));
}

/** x·Wᵀ + b, multiplied in the format of W. [N, in] → [N, out], both float32 */
function emitLinear(g: Graph, x: Value, weight: Value, bias?: Value): Value {
  if (weight.type === 'float32') {
    return ops.gemm(g, x, weight, { transposeB: true, ...(bias === undefined ? {} : { bias }) });
  }
  const product = ops.cast(g, ops.gemm(g, ops.cast(g, x, weight.type), weight, { transposeB: true }), 'float32');
  return bias === undefined ? product : ops.add(g, product, bias);
}

/**
 * The same with a frozen W that is widened for the product, and once more for its gradient, so that no wide copy
 * of it stays in memory between the two.
 */
function emitWidenedLinear(g: Graph, x: Value, weight: Value, bias: Value | undefined): Value {
  return g.composite(
    'WidenedLinear',
    [x, weight, ...(bias === undefined ? [] : [bias])],
    () => [emitLinear(g, x, ops.cast(g, weight, 'float32'), bias)],
    { vjp: (graph, _entry, [gradient]) => [ops.gemm(graph, gradient!, ops.cast(graph, weight, 'float32'))] },
  )[0]!;
}

function emitBlock(
  g: Graph,
  { config, layout, isHalf = false }: ModelShape,
  weights: WeightValues,
  layer: number,
  input: Value,
  context: SequenceContext,
  attentionInParts: boolean,
  onKeyValues?: HiddenStatesOptions['onKeyValues'],
): Value {
  const weight = (name: string) => weightOf(weights, `model.layers.${layer}.${name}.weight`);
  const linear = (x: Value, name: string) => {
    const module = `model.layers.${layer}.${name}`;
    const bias = weights.get(`${module}.bias`);
    const emit = isHalf ? emitWidenedLinear : emitLinear;
    return emitLora(g, layout, weights, module, x, emit(g, x, weight(name), bias));
  };
  const norm = (x: Value, name: string) => ops.rmsNorm(g, x, weight(name), config.rmsNormEps).normalised;

  const attended = norm(input, 'input_layernorm');
  const heads = (name: string, count: number, normName?: string) => {
    const split = ops.reshape(g, linear(attended, `self_attn.${name}`), ['B', 'T', count, config.headDim]);
    const normalised = normName !== undefined && config.qkNorm ? norm(split, `self_attn.${normName}`) : split;
    return ops.transpose(g, normalised, [0, 2, 1, 3]);
  };
  const rotate = (x: Value) => ops.rotaryEmbedding(g, x, context.positions, context.cos, context.sin);
  const queries = rotate(heads('q_proj', config.heads, 'q_norm'));
  const own = { keys: rotate(heads('k_proj', config.kvHeads, 'k_norm')), values: heads('v_proj', config.kvHeads) };
  const { keys, values } = onKeyValues?.(layer, own) ?? own;

  const allKeys = repeatHeads(g, config, keys);
  const allValues = repeatHeads(g, config, values);
  const emit = attentionInParts ? emitAttentionInParts : emitAttention;
  const mixed = emit(g, config, queries, allKeys, allValues, context.mask);
  const joined = ops.reshape(g, ops.transpose(g, mixed, [0, 2, 1, 3]), ['N', config.heads * config.headDim]);
  const afterAttention = ops.add(g, input, linear(joined, 'self_attn.o_proj'));

  const fed = norm(afterAttention, 'post_attention_layernorm');
  const gated = ops.mul(g, ops.silu(g, linear(fed, 'mlp.gate_proj')), linear(fed, 'mlp.up_proj'));
  return ops.add(g, afterAttention, linear(gated, 'mlp.down_proj'));
}

/** softmax(q·kᵀ/√d + mask)·v. [B, heads, Q, D] */
function emitAttention(
  g: Graph,
  { headDim }: TextConfig,
  queries: Value,
  keys: Value,
  values: Value,
  mask: Value,
): Value {
  const scores = ops.fusedMatmul(g, queries, keys, { transposeB: true, scale: 1 / Math.sqrt(headDim) });
  return ops.matmul(g, ops.softmax(g, ops.add(g, scores, mask)), values);
}

/** The same, a part of the queries at a time. */
function emitAttentionInParts(
  g: Graph,
  config: TextConfig,
  queries: Value,
  keys: Value,
  values: Value,
  mask: Value,
): Value {
  const { heads, headDim } = config;
  const split = ops.reshape(g, queries, ['B', heads, PARTS, QUERIES, headDim]);
  const parts = ops.transpose(g, split, [2, 0, 1, 3, 4]);
  const [mixed] = mapParts(g, [parts, mask], [keys, values], (body, [own, ownMask]) => [
    emitAttention(body, config, own!, keys, values, ownMask!),
  ]);
  return ops.reshape(g, ops.transpose(g, mixed!, [1, 2, 0, 3, 4]), ['B', heads, 'T', headDim]);
}

/** Grouped-query attention: every key-value head serves a run of query heads. [B, kvHeads, K, D] → [B, heads, K, D] */
function repeatHeads(g: Graph, config: TextConfig, x: Value): Value {
  const groupSize = config.heads / config.kvHeads;
  if (groupSize === 1) return x;
  const length = x.shape[2]!;
  const separate = ops.reshape(g, x, ['B', config.kvHeads, 1, length, config.headDim]);
  const repeated = ops.expand(g, separate, ['B', config.kvHeads, groupSize, length, config.headDim]);
  return ops.reshape(g, repeated, ['B', config.heads, length, config.headDim]);
}
