/**
 * One step of generation as graph: a token in, the next token's logits out.
 *
 * Owns: the transformer of graphTransformer.ts for a single position per row, with the weights fused
 * for speed (queries, keys and values in one matrix; gate and up in one). Where keys and values of
 * earlier positions come from is the caller's business: it passes the attention in.
 */
import type { Graph, Value } from '#core/tensor/graph.ts';
import * as ops from '#core/tensor/ops.ts';
import { float32 } from '#core/tensor/types.ts';
import type { TextConfig } from './config.ts';
import { weightOf } from './graphTransformer.ts';
import { languageSpecs } from './parameters.ts';

/** Weights of one model as values of the outermost graph; usable in its subgraphs. */
export interface DecoderWeights {
  embedding: Value;
  head: Value;
  finalNorm: Value;
  layers: readonly LayerWeights[];
}

/** A linear layer; several that read the same input stand side by side, their outputs one after another. */
interface Linear {
  /** [out, in] */
  weight: Value;
  bias: Value | undefined;
}

interface LayerWeights {
  inputNorm: Value;
  /** (heads + 2·kvHeads)·headDim outputs in all: queries, keys, values */
  queryKeyValue: readonly Linear[];
  queryNorm: Value | undefined;
  keyNorm: Value | undefined;
  output: Value;
  outputBias: Value | undefined;
  postNorm: Value;
  /** 2·intermediate outputs in all: gate, up */
  gateUp: readonly Linear[];
  down: Value;
  downBias: Value | undefined;
}

/** Bakes the weights into the graph, outside the model proto; layers that read the same input in one matrix. */
export function decoderInitializers(
  g: Graph,
  config: TextConfig,
  weights: ReadonlyMap<string, Float32Array>,
): DecoderWeights {
  const { hiddenSize: hidden, intermediateSize, headDim } = config;
  const queryRows = config.heads * headDim;
  const keyRows = config.kvHeads * headDim;
  const data = (name: string): Float32Array => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`The model has no weight "${name}".`);
    return found;
  };
  const bake = (name: string, values: Float32Array, shape: number[]) =>
    g.initializer(name, float32(values, shape), true);
  const vector = (name: string) => bake(name, data(name), [data(name).length]);
  const optionalVector = (name: string) => (weights.has(name) ? vector(name) : undefined);
  const stacked = (name: string, parts: string[], shape: number[]) => bake(name, concatenated(parts.map(data)), shape);
  const stackedBias = (name: string, parts: string[], size: number) =>
    weights.has(parts[0]!) ? stacked(name, parts, [size]) : undefined;

  const embedding = bake('model.embed_tokens.weight', data('model.embed_tokens.weight'), [config.vocabSize, hidden]);
  const layers = Array.from({ length: config.layers }, (_, layer): LayerWeights => {
    const name = (part: string) => `model.layers.${layer}.${part}`;
    const projections = ['q_proj', 'k_proj', 'v_proj'].map((part) => name(`self_attn.${part}`));
    const gates = ['gate_proj', 'up_proj'].map((part) => name(`mlp.${part}`));
    const suffixed = (names: string[], suffix: string) => names.map((item) => `${item}.${suffix}`);
    return {
      inputNorm: vector(name('input_layernorm.weight')),
      queryKeyValue: [
        {
          weight: stacked(name('qkv.weight'), suffixed(projections, 'weight'), [queryRows + 2 * keyRows, hidden]),
          bias: stackedBias(name('qkv.bias'), suffixed(projections, 'bias'), queryRows + 2 * keyRows),
        },
      ],
      queryNorm: optionalVector(name('self_attn.q_norm.weight')),
      keyNorm: optionalVector(name('self_attn.k_norm.weight')),
      output: bake(name('self_attn.o_proj.weight'), data(name('self_attn.o_proj.weight')), [hidden, queryRows]),
      outputBias: optionalVector(name('self_attn.o_proj.bias')),
      postNorm: vector(name('post_attention_layernorm.weight')),
      gateUp: [
        {
          weight: stacked(name('gate_up.weight'), suffixed(gates, 'weight'), [2 * intermediateSize, hidden]),
          bias: stackedBias(name('gate_up.bias'), suffixed(gates, 'bias'), 2 * intermediateSize),
        },
      ],
      down: bake(name('mlp.down_proj.weight'), data(name('mlp.down_proj.weight')), [hidden, intermediateSize]),
      downBias: optionalVector(name('mlp.down_proj.bias')),
    };
  });
  return {
    embedding,
    head: config.tiedEmbeddings
      ? embedding
      : bake('lm_head.weight', data('lm_head.weight'), [config.vocabSize, hidden]),
    finalNorm: vector('model.norm.weight'),
    layers,
  };
}

/** The weights as inputs under their Hugging Face names, for a device that holds them: not copied, so not joined. */
export function decoderInputs(g: Graph, config: TextConfig): DecoderWeights {
  const inputs = new Map(
    languageSpecs(config).map(({ name, shape }) => [name, g.input(name, 'float32', shape)] as const),
  );
  const weight = (name: string) => weightOf(inputs, name);
  const embedding = weight('model.embed_tokens.weight');
  const layers = Array.from({ length: config.layers }, (_, layer): LayerWeights => {
    const name = (part: string) => `model.layers.${layer}.${part}`;
    const linear = (part: string): Linear => ({
      weight: weight(name(`${part}.weight`)),
      bias: inputs.get(name(`${part}.bias`)),
    });
    const output = linear('self_attn.o_proj');
    const down = linear('mlp.down_proj');
    return {
      inputNorm: weight(name('input_layernorm.weight')),
      queryKeyValue: ['q_proj', 'k_proj', 'v_proj'].map((part) => linear(`self_attn.${part}`)),
      queryNorm: inputs.get(name('self_attn.q_norm.weight')),
      keyNorm: inputs.get(name('self_attn.k_norm.weight')),
      output: output.weight,
      outputBias: output.bias,
      postNorm: weight(name('post_attention_layernorm.weight')),
      gateUp: ['gate_proj', 'up_proj'].map((part) => linear(`mlp.${part}`)),
      down: down.weight,
      downBias: down.bias,
    };
  });
  return {
    embedding,
    head: config.tiedEmbeddings ? embedding : weight('lm_head.weight'),
    finalNorm: weight('model.norm.weight'),
    layers,
  };
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/**
 * Attention of one new position over everything before it and itself.
 * @param queries [B, kvHeads, heads / kvHeads, headDim], rotated
 * @param keys [B, kvHeads, 1, headDim], rotated
 * @param values [B, kvHeads, 1, headDim]
 * @returns [B, kvHeads, heads / kvHeads, headDim]
 */
export type StepAttention = (layer: number, queries: Value, keys: Value, values: Value) => Value;

export interface StepInputs {
  /** int64 [B, 1] */
  tokens: Value;
  /** int64 [B, 1] */
  positions: Value;
  /** float32 [P, headDim / 2] each */
  cos: Value;
  sin: Value;
}

/** @returns logits [B, vocabSize] of the token after `tokens` */
export function emitDecoderStep(
  g: Graph,
  config: TextConfig,
  weights: DecoderWeights,
  inputs: StepInputs,
  attend: StepAttention,
): Value {
  const { heads, kvHeads, headDim, rmsNormEps } = config;
  const norm = (x: Value, weight: Value) => ops.rmsNorm(g, x, weight, rmsNormEps).normalised;
  const linear = (x: Value, weight: Value, bias: Value | undefined) =>
    ops.gemm(g, x, weight, { transposeB: true, ...(bias === undefined ? {} : { bias }) });
  const sideBySide = (x: Value, parts: readonly Linear[]) => {
    const outputs = parts.map(({ weight, bias }) => linear(x, weight, bias));
    return outputs.length === 1 ? outputs[0]! : ops.concat(g, outputs, 1);
  };

  const embedded = ops.gatherRows(g, weights.embedding, inputs.tokens);
  let hidden = ops.reshape(g, embedded, ['B', config.hiddenSize]);
  weights.layers.forEach((layer, index) => {
    const projected = sideBySide(norm(hidden, layer.inputNorm), layer.queryKeyValue);
    const [queryKey, value] = ops.split(g, projected, 1, [(heads + kvHeads) * headDim, kvHeads * headDim]);
    const normalised = normaliseQueriesAndKeys(
      g,
      config,
      layer,
      ops.reshape(g, queryKey!, ['B', heads + kvHeads, 1, headDim]),
      norm,
    );
    // Rotation acts on each head alone, so queries and keys share one call.
    const rotated = ops.rotaryEmbedding(g, normalised, inputs.positions, inputs.cos, inputs.sin);
    const [queries, keys] = ops.split(g, rotated, 1, [heads, kvHeads]);
    const attended = attend(
      index,
      ops.reshape(g, queries!, ['B', kvHeads, heads / kvHeads, headDim]),
      keys!,
      ops.reshape(g, value!, ['B', kvHeads, 1, headDim]),
    );
    const joined = ops.reshape(g, attended, ['B', heads * headDim]);
    hidden = ops.add(g, hidden, linear(joined, layer.output, layer.outputBias));

    const gateUp = sideBySide(norm(hidden, layer.postNorm), layer.gateUp);
    const [gate, up] = ops.split(g, gateUp, 1, [config.intermediateSize, config.intermediateSize]);
    const fed = ops.mul(g, ops.silu(g, gate!), up!);
    hidden = ops.add(g, hidden, linear(fed, layer.down, layer.downBias));
  });
  return linear(norm(hidden, weights.finalNorm), weights.head, undefined);
}

function normaliseQueriesAndKeys(
  g: Graph,
  config: TextConfig,
  layer: LayerWeights,
  queryKey: Value,
  norm: (x: Value, weight: Value) => Value,
): Value {
  if (layer.queryNorm === undefined || layer.keyNorm === undefined) return queryKey;
  const [queries, keys] = ops.split(g, queryKey, 1, [config.heads, config.kvHeads]);
  return ops.concat(g, [norm(queries!, layer.queryNorm), norm(keys!, layer.keyNorm)], 1);
}
