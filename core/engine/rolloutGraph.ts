/**
 * The ROLLOUT graphs: prefill of prompts, and a chunk of generation as one Loop.
 *
 * Owns: the loop over tokens, attention over past and recent keys and values, sampling by inverse
 * CDF from given uniforms, log-probs and whole-vocabulary entropies, stopping. sampler.ts feeds it.
 *
 * The loop body attends over `past` (read only, transposed once per chunk) and `recent` (grown by one
 * position per token), so the long past is never copied within a chunk (ENGINE §6).
 *
 * Dimensions: B rows, C past positions, P rotary positions, n steps of a chunk.
 */
import type { TextConfig } from '#core/model/config.ts';
import { type DecoderWeights, emitDecoderStep } from '#core/model/graphDecoder.ts';
import {
  type ModelShape,
  emitHiddenStates,
  imageRowInputs,
  sequenceInputs,
  weightInputs,
} from '#core/model/graphTransformer.ts';
import { type BuiltModel, Graph, type Value } from '#core/tensor/graph.ts';
import * as ops from '#core/tensor/ops.ts';
import { type Shape, int64 } from '#core/tensor/types.ts';
import { type SamplingShape, emitSample } from './sampleGraph.ts';

export const pastName = (kind: 'key' | 'value', layer: number) => `past_${kind}_${layer}`;
const PRESENT = 'present_';
const presentName = (kind: 'key' | 'value', layer: number) => `${PRESENT}${kind}_${layer}`;
/** Whether an output is keys or values, which generation goes on with where they are. */
export const isPresent = (output: string) => output.startsWith(PRESENT);

/** Keys and values of every layer, alternating, out of a graph's outputs. */
export function presentTensors<T>(outputs: Readonly<Record<string, T>>, layers: number): T[] {
  return Array.from({ length: layers }, (_, layer) => [
    outputs[presentName('key', layer)]!,
    outputs[presentName('value', layer)]!,
  ]).flat();
}

/** PREFILL: outputs present_key_l and present_value_l [B, kvHeads, T, headDim] of every position. */
export function buildPrefillGraph(model: ModelShape, withImages: boolean, attentionInParts: boolean): BuiltModel {
  const g = new Graph();
  const ids = g.input('ids', 'int64', ['B', 'T']);
  const context = sequenceInputs(g, model.config, { perRowMask: false, attentionInParts });
  const weights = weightInputs(g, model);
  const images = withImages
    ? { features: g.input('image.features', 'float32', ['F', model.config.hiddenSize]), ...imageRowInputs(g) }
    : undefined;
  emitHiddenStates(g, model, weights, ids, context, {
    images,
    attentionInParts,
    checkpointBlocks: false,
    onKeyValues: (layer, { keys, values }) => {
      g.namedOutput(keys, presentName('key', layer));
      g.namedOutput(values, presentName('value', layer));
    },
  });
  return g.build();
}

/**
 * CHUNK: inputs `tokens` [B, 1], `positions` [B, 1] of those tokens, `pastMask` [B, 1, 1, C] added to
 * scores, `steps` [], `limits` [B, 1] (a row finishes after so many tokens), `uniforms` [n, B, 1],
 * past_* [B, kvHeads, C, headDim], `cos`, `sin`, `inverseTemperature`, `stopIds` [S].
 * Outputs `ids`, `logprobs`, `entropiesNats` [n', B, 1] with n' ≤ n (fewer when every row finished),
 * alternatives when asked for, and present_* [B, kvHeads, C + n', headDim].
 */
export function buildChunkGraph(
  config: TextConfig,
  emitWeights: (g: Graph) => DecoderWeights,
  sampling: SamplingShape,
): BuiltModel {
  const g = new Graph();
  const { layers, kvHeads, headDim } = config;
  const tokens = g.input('tokens', 'int64', ['B', 1]);
  const positions = g.input('positions', 'int64', ['B', 1]);
  const pastMask = g.input('pastMask', 'float32', ['B', 1, 1, 'C']);
  const steps = g.input('steps', 'int64', []);
  const limits = g.input('limits', 'int64', ['B', 1]);
  const uniforms = g.input('uniforms', 'float32', ['n', 'B', 1]);
  const cos = g.input('cos', 'float32', ['P', headDim / 2]);
  const sin = g.input('sin', 'float32', ['P', headDim / 2]);
  const inverseTemperature = g.input('inverseTemperature', 'float32', []);
  const stopIds = g.input('stopIds', 'int64', ['S']);
  const past = Array.from({ length: layers }, (_, layer) => {
    const shape: Shape = ['B', kvHeads, 'C', headDim];
    const keys = g.input(pastName('key', layer), 'float32', shape);
    const values = g.input(pastName('value', layer), 'float32', shape);
    return { keys, keysTransposed: ops.transpose(g, keys, [0, 1, 3, 2]), values };
  });
  const decoder = emitWeights(g);

  const body = g.subgraph();
  const recent = emitLoopBody(body, config, decoder, sampling, {
    positions,
    pastMask,
    limits,
    uniforms,
    cos,
    sin,
    inverseTemperature,
    stopIds,
    past,
  });

  // [1]-shaped sizes of the batch, for the empty recents and flags the loop starts from.
  const empty = (shape: Shape) => ops.zeros(g, shape);
  const notFinished = ops.cast(g, empty(['B', 1]), 'bool');
  const goOn = g.constant({ type: 'bool', shape: [], data: Uint8Array.of(1) });
  const starts = past.flatMap(() => [empty(['B', kvHeads, headDim, 0]), empty(['B', kvHeads, 0, headDim])]);
  const scans = recent.scanned.map((value) => ({ type: value.type, shape: ['n', ...value.shape] as Shape }));
  const outputs = g.apply({
    op: 'Loop',
    inputs: [steps, goOn, tokens, notFinished, ...starts],
    outputs: [
      { type: 'int64', shape: ['B', 1] },
      { type: 'bool', shape: ['B', 1] },
      ...past.flatMap(() => [
        { type: 'float32' as const, shape: ['B', kvHeads, headDim, 'n'] },
        { type: 'float32' as const, shape: ['B', kvHeads, 'n', headDim] },
      ]),
      ...scans,
    ],
    attributes: { body: { kind: 'graph', value: body.toOnnx('body') } },
  });
  past.forEach(({ keys, values }, layer) => {
    const recentKeys = ops.transpose(g, outputs[2 + 2 * layer]!, [0, 1, 3, 2]);
    g.namedOutput(ops.concat(g, [keys, recentKeys], 2, 'C + n'), presentName('key', layer));
    g.namedOutput(ops.concat(g, [values, outputs[3 + 2 * layer]!], 2, 'C + n'), presentName('value', layer));
  });
  const names = ['ids', 'logprobs', 'entropiesNats', 'alternativeIds', 'alternativeLogprobs'];
  outputs.slice(2 + 2 * layers).forEach((value, i) => g.namedOutput(value, names[i]!));
  return g.build();
}

interface LoopContext {
  positions: Value;
  pastMask: Value;
  limits: Value;
  uniforms: Value;
  cos: Value;
  sin: Value;
  inverseTemperature: Value;
  stopIds: Value;
  past: readonly { keysTransposed: Value; values: Value }[];
}

/**
 * Inputs and outputs in the order the Loop operator prescribes: iteration, condition, carried state
 * (token, finished, recent keys and values of every layer); then condition, state, scanned values.
 */
function emitLoopBody(
  body: Graph,
  config: TextConfig,
  decoder: DecoderWeights,
  sampling: SamplingShape,
  context: LoopContext,
): { scanned: Value[] } {
  const { kvHeads, headDim } = config;
  const iteration = body.input('iteration', 'int64', []);
  body.input('condition', 'bool', []);
  const tokens = body.input('token', 'int64', ['B', 1]);
  const finished = body.input('finished', 'bool', ['B', 1]);
  const recent = context.past.map((_, layer) => ({
    keys: body.input(`recent_key_${layer}`, 'float32', ['B', kvHeads, headDim, 'r']),
    values: body.input(`recent_value_${layer}`, 'float32', ['B', kvHeads, 'r', headDim]),
  }));
  const grown: Value[] = [];
  const inputs = { tokens, positions: ops.add(body, context.positions, iteration), cos: context.cos, sin: context.sin };
  const logits = emitDecoderStep(body, config, decoder, inputs, (layer, queries, keys, values) => {
    const columns = ops.reshape(body, keys, ['B', kvHeads, headDim, 1]);
    const recentKeys = ops.concat(body, [recent[layer]!.keys, columns], 3, 'r + 1');
    const recentValues = ops.concat(body, [recent[layer]!.values, values], 2, 'r + 1');
    grown.push(recentKeys, recentValues);
    return emitTwoPartAttention(body, config, queries, context, layer, recentKeys, recentValues);
  });
  const scaled = ops.mul(body, logits, context.inverseTemperature);
  const [uniform] = body.apply({
    op: 'Gather',
    inputs: [context.uniforms, iteration],
    outputs: [{ type: 'float32', shape: ['B', 1] }],
  });
  const sample = emitSample(body, config.vocabSize, scaled, uniform!, sampling);

  const one = body.constant(int64([1], [1]));
  const stopped = anyOf(body, ops.equal(body, sample.ids, context.stopIds));
  const exhausted = ops.lessOrEqual(body, context.limits, ops.add(body, iteration, one));
  const nowFinished = ops.or(body, finished, ops.or(body, stopped, exhausted));
  const condition = ops.not(body, allOf(body, nowFinished));
  const scanned = [identity(body, sample.ids), sample.logprobs, sample.entropiesNats, ...sample.alternatives];
  for (const value of [condition, sample.ids, nowFinished, ...grown, ...scanned]) body.output(value);
  return { scanned };
}

/** softmax over [past, recent] together, without joining the two in memory. */
function emitTwoPartAttention(
  g: Graph,
  config: TextConfig,
  queries: Value,
  { past, pastMask }: LoopContext,
  layer: number,
  recentKeys: Value,
  recentValues: Value,
): Value {
  const scale = 1 / Math.sqrt(config.headDim);
  const { keysTransposed, values } = past[layer]!;
  const pastScores = ops.add(g, ops.fusedMatmul(g, queries, keysTransposed, { scale }), pastMask);
  const recentScores = ops.fusedMatmul(g, queries, recentKeys, { scale });
  const probabilities = ops.softmax(g, ops.concat(g, [pastScores, recentScores], 3, 'C + r'));
  const sizes = ops.concat(g, [lastDimension(g, pastScores), lastDimension(g, recentScores)], 0);
  const [pastWeights, recentWeights] = g.apply({
    op: 'Split',
    inputs: [probabilities, sizes],
    outputs: [pastScores, recentScores],
    attributes: { axis: { kind: 'int', value: 3 } },
  });
  return ops.add(g, ops.matmul(g, pastWeights!, values), ops.matmul(g, recentWeights!, recentValues));
}

function lastDimension(g: Graph, x: Value): Value {
  return g.apply({
    op: 'Shape',
    inputs: [x],
    outputs: [{ type: 'int64', shape: [1] }],
    attributes: { start: { kind: 'int', value: -1 } },
  })[0]!;
}

/** A loop may not give one value both as state and as scan output; this makes a second name. */
function identity(g: Graph, x: Value): Value {
  return g.apply({ op: 'Identity', inputs: [x], outputs: [x] })[0]!;
}

/** Whether any element of each row holds. bool [B, S] → bool [B, 1] */
function anyOf(g: Graph, x: Value): Value {
  const count = ops.reduceSum(g, ops.cast(g, x, 'float32'), [1]);
  return ops.cast(g, count, 'bool');
}

/** Whether all rows hold. bool [B, 1] → bool [] */
function allOf(g: Graph, x: Value): Value {
  const open = ops.reduceSum(g, ops.cast(g, ops.not(g, x), 'float32'), [0, 1], false);
  return ops.not(g, ops.cast(g, open, 'bool'));
}
