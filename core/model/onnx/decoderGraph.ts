/**
 * A decoder with a cache of keys and values as an ONNX model that others run: transformers.js, or any onnxruntime.
 *
 * Owns: the names and dimensions that transformers.js expects of `onnx/model.onnx`, the mask, the past, and where
 * in the data files each weight lies. The transformer itself is graphTransformer.ts; onnxFolder.ts writes the files.
 *
 * Dimensions: B rows, T new positions, P past ones, K = P + T. A row that is shorter than the others is padded on
 * the left: its attention_mask begins with zeros, and its positions count from the first real token.
 */
import type { TextConfig } from '#core/model/config.ts';
import {
  emitHiddenStates,
  emitLogits,
  type LayerKeyValues,
  type SequenceContext,
  type WeightValues,
} from '#core/model/graphTransformer.ts';
import { languageSpecs, type ParameterSpec } from '#core/model/parameters.ts';
import { ropeTables } from '#core/model/rope.ts';
import { Graph, type Value } from '#core/tensor/graph.ts';
import { encodeModel, type FileRange, type OnnxValue } from '#core/tensor/onnx.ts';
import * as ops from '#core/tensor/ops.ts';
import { elementCount, float32, int64 } from '#core/tensor/types.ts';

/** Format of the weights of linear layers and embedding; everything else is float32. */
export type OnnxDtype = 'float32' | 'float16';

/** A weight and the place of its bytes. */
export interface StoredWeight extends FileRange {
  name: string;
  dtype: OnnxDtype;
}

export interface OnnxDecoder {
  /** The model without its weights. */
  bytes: Uint8Array;
  /** In the order in which they lie in the files. */
  weights: readonly StoredWeight[];
  /** Bytes of each data file, by its number. */
  fileBytes: readonly number[];
}

/** Weights begin at a page, so that a runtime can map them into memory. */
const ALIGNMENT_BYTES = 4096;
/** A browser holds a file in one buffer, which has at most 2^31 bytes. */
const MAX_FILE_BYTES = 2_000_000_000;
/** Added to scores of positions that are not attended to; finite, so that a row of padding gives numbers. */
const MASKED = -1e30;
/** The rotary tables lie inside of the model, so a file that claims a thousand million positions must not fill it. */
export const MAX_ONNX_POSITIONS = 131_072;

/** What a dimension is called in the finished model; transformers.js looks for `batch_size`. */
const dimensionNames: Readonly<Record<string, string>> = {
  B: 'batch_size',
  T: 'sequence_length',
  P: 'past_sequence_length',
  K: 'total_sequence_length',
};

export interface DecoderFiles {
  /** Name of the first data file; those after it are `{dataFile}_1`, `{dataFile}_2`, … */
  dataFile: string;
  /** A data file is closed before it exceeds this. */
  maxFileBytes?: number | undefined;
}

/**
 * Inputs `input_ids` and `position_ids` int64 [B, T], `attention_mask` int64 [B, K],
 * `past_key_values.{layer}.key` and `.value` float32 [B, kvHeads, P, headDim]; outputs `logits` float32
 * [B, T, vocabSize], `present.{layer}.key` and `.value` [B, kvHeads, K, headDim].
 * @param config with at most MAX_ONNX_POSITIONS positions
 */
export function buildOnnxDecoder(config: TextConfig, dtype: OnnxDtype, files: DecoderFiles): OnnxDecoder {
  const g = new Graph();
  const ids = g.input('input_ids', 'int64', ['B', 'T']);
  const attentionMask = g.input('attention_mask', 'int64', ['B', 'K']);
  const positions = g.input('position_ids', 'int64', ['B', 'T']);
  const past = Array.from({ length: config.layers }, (_, layer): LayerKeyValues => {
    const input = (part: string) =>
      g.input(`past_key_values.${layer}.${part}`, 'float32', ['B', config.kvHeads, 'P', config.headDim]);
    return { keys: input('key'), values: input('value') };
  });
  const stored = placeWeights(languageSpecs(config), dtype, files);
  const weights: WeightValues = new Map(
    stored.weights.map(({ name, shape, dtype: own, ...file }) => [name, g.storedInitializer(name, own, shape, file)]),
  );
  const context: SequenceContext = { positions, mask: emitMask(g, attentionMask), ...ropeConstants(g, config) };
  const model = { config, layout: {} };
  const hidden = emitHiddenStates(g, model, weights, ids, context, {
    attentionInParts: false,
    checkpointBlocks: false,
    onKeyValues: (layer, own) => {
      const joined = (part: keyof LayerKeyValues) => ops.concat(g, [past[layer]![part], own[part]], 2, 'K');
      const present = { keys: joined('keys'), values: joined('values') };
      g.namedOutput(present.keys, `present.${layer}.key`);
      g.namedOutput(present.values, `present.${layer}.value`);
      return present;
    },
  });
  const logits = emitLogits(g, model, weights, hidden);
  g.namedOutput(ops.reshape(g, logits, ['B', 'T', config.vocabSize]), 'logits');
  const onnx = g.toOnnx();
  return {
    bytes: encodeModel({ ...onnx, inputs: onnx.inputs.map(renamed), outputs: onnx.outputs.map(renamed) }),
    ...stored,
  };
}

function renamed(value: OnnxValue): OnnxValue {
  const shape = value.shape.map((size) => (typeof size === 'string' ? (dimensionNames[size] ?? size) : size));
  return { ...value, shape };
}

/** Only matrices are narrowed: norms and biases are small, and their products are made in float32. */
function placeWeights(
  specs: readonly ParameterSpec[],
  dtype: OnnxDtype,
  { dataFile, maxFileBytes = MAX_FILE_BYTES }: DecoderFiles,
): { weights: (StoredWeight & { shape: number[] })[]; fileBytes: number[] } {
  const fileBytes = [0];
  const weights = specs.map(({ name, shape }) => {
    const own = shape.length > 1 ? dtype : 'float32';
    const lengthBytes = elementCount(shape) * (own === 'float16' ? 2 : 4);
    let offsetBytes = Math.ceil(fileBytes.at(-1)! / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    if (offsetBytes > 0 && offsetBytes + lengthBytes > maxFileBytes) {
      fileBytes.push(0);
      offsetBytes = 0;
    }
    const number = fileBytes.length - 1;
    fileBytes[number] = offsetBytes + lengthBytes;
    return { name, shape, dtype: own, location: dataFileName(dataFile, number), offsetBytes, lengthBytes } as const;
  });
  return { weights: weights.map((weight) => ({ ...weight })), fileBytes };
}

/** As transformers.js numbers them. */
export function dataFileName(first: string, number: number): string {
  return number === 0 ? first : `${first}_${number}`;
}

function ropeConstants(g: Graph, config: TextConfig): { cos: Value; sin: Value } {
  const { cos, sin } = ropeTables(config, config.maxPositions);
  const shape = [config.maxPositions, config.headDim / 2];
  return { cos: g.constant(float32(cos, shape)), sin: g.constant(float32(sin, shape)) };
}

/** A query attends to itself and to what comes before it, padding excepted. [B, 1, T, K], added to scores */
function emitMask(g: Graph, attentionMask: Value): Value {
  const total = ops.reshape(g, g.dimension('K'), []);
  const fresh = ops.reshape(g, g.dimension('T'), []);
  const range = (from: Value, shape: readonly string[]) =>
    g.apply({
      op: 'Range',
      inputs: [from, total, g.constant(int64([1], []))],
      outputs: [{ type: 'int64', shape }],
    })[0]!;
  const keys = range(g.constant(int64([0], [])), ['K']);
  const queries = ops.reshape(g, range(ops.sub(g, total, fresh), ['T']), ['T', 1]);
  const isReal = ops.reshape(g, ops.cast(g, attentionMask, 'bool'), ['B', 1, 1, 'K']);
  const isVisible = ops.and(g, isReal, ops.lessOrEqual(g, keys, queries));
  return ops.where(g, isVisible, g.scalar(0), g.scalar(MASKED));
}
