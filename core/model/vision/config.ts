/**
 * The vision tower of Qwen2.5-VL as its configuration describes it.
 *
 * Owns: reading `vision_config` (both spellings in use) and the token ids that stand for images. What is
 * computed from it is visionGraph.ts; the language part is model/config.ts.
 */
import { AresError } from '#core/util/errors.ts';
import { Fields, type JsonObject, isObject } from '#core/model/json.ts';

export interface VisionConfig {
  layers: number;
  hiddenSize: number;
  heads: number;
  /** hiddenSize / heads; a multiple of 4, because rotary positions have two axes. */
  headDim: number;
  intermediateSize: number;
  /** Width of what it hands to the language part: the hidden size there. */
  outSize: number;
  channels: number;
  /** Side of a patch, pixels. */
  patchSize: number;
  /** Frames per patch; a still image is repeated. */
  temporalPatchSize: number;
  /** mergeSize × mergeSize patches become one token. */
  mergeSize: number;
  /** Side of a window of attention, pixels. */
  windowSize: number;
  /** Layers that attend over the whole image; the others within windows. */
  fullAttentionLayers: readonly number[];
  ropeTheta: number;
}

export interface MultimodalConfig {
  vision: VisionConfig;
  /** Pairs of each head that rotate with time, height and width. */
  ropeSections: readonly [number, number, number];
  /** Stands for one merged patch of an image in the token sequence. */
  imageTokenId: number;
  /** Like it for videos, which are refused. */
  videoTokenId: number;
  /** Comes before the tokens of an image. */
  visionStartTokenId: number;
}

/** Numbers of one patch: all channels of all its frames. */
export function patchLength({ channels, temporalPatchSize, patchSize }: VisionConfig): number {
  return channels * temporalPatchSize * patchSize ** 2;
}

/**
 * @param json the parsed config.json
 * @param headDim of the language part
 * @throws AresError 'bad-file' or 'unsupported'
 */
export function parseMultimodalConfig(json: JsonObject, where: string, headDim: number): MultimodalConfig {
  const fields = new Fields(json, where);
  if (!isObject(json['vision_config'])) throw fields.bad('vision_config', 'an object');
  const vision = parseVisionConfig(json['vision_config'], `${where} (vision_config)`);
  const text = isObject(json['text_config']) ? json['text_config'] : json;
  const sections = ropeSections(text, headDim, where);
  const id = (name: string, fallback: number): number => {
    const value = json[name] ?? fallback;
    if (!Number.isInteger(value) || (value as number) < 0) throw fields.bad(name, 'a token id');
    return value as number;
  };
  return {
    vision,
    ropeSections: sections,
    imageTokenId: id('image_token_id', 151_655),
    videoTokenId: id('video_token_id', 151_656),
    visionStartTokenId: id('vision_start_token_id', 151_652),
  };
}

function parseVisionConfig(json: JsonObject, where: string): VisionConfig {
  const fields = new Fields(json, where);
  const activation = fields.text('hidden_act', 'silu');
  if (activation !== 'silu') throw fields.bad('hidden_act', '"silu"');
  const hiddenSize = fields.count('hidden_size', 1280);
  const heads = fields.count('num_heads', 16);
  const layers = fields.count('depth', 32);
  if (hiddenSize % heads !== 0 || (hiddenSize / heads) % 4 !== 0) {
    throw fields.bad('hidden_size', `a multiple of four times the ${heads} heads`);
  }
  const full = json['fullatt_block_indexes'] ?? [7, 15, 23, 31];
  if (!Array.isArray(full) || !full.every((layer) => Number.isInteger(layer))) {
    throw fields.bad('fullatt_block_indexes', 'a list of layer numbers');
  }
  const rope = isObject(json['rope_parameters']) ? new Fields(json['rope_parameters'], where) : fields;
  return {
    layers,
    hiddenSize,
    heads,
    headDim: hiddenSize / heads,
    intermediateSize: fields.count('intermediate_size', 3420),
    outSize: fields.count('out_hidden_size', 3584),
    // Both names are in published configurations; where both are present they agree.
    channels: fields.count(fields.has('in_channels') ? 'in_channels' : 'in_chans', 3),
    patchSize: fields.count('patch_size', 14),
    temporalPatchSize: fields.count('temporal_patch_size', 2),
    mergeSize: fields.count('spatial_merge_size', 2),
    windowSize: fields.count('window_size', 112),
    fullAttentionLayers: full as number[],
    ropeTheta: rope.positive('rope_theta', 10_000),
  };
}

/** `mrope_section`, in either style of writing rotary positions. */
function ropeSections(text: JsonObject, headDim: number, where: string): [number, number, number] {
  const found = ['rope_parameters', 'rope_scaling']
    .map((name) => text[name])
    .filter(isObject)
    .map((section) => section['mrope_section'])
    .find((value) => value !== undefined);
  if (
    !Array.isArray(found) ||
    found.length !== 3 ||
    !found.every((size) => Number.isInteger(size) && size >= 0) ||
    found.reduce((sum, size) => sum + size, 0) !== headDim / 2
  ) {
    throw new AresError('bad-file', `"mrope_section" must be three whole numbers with the sum ${headDim / 2}.`, {
      where,
      hint: 'Correct the configuration, or download the model again.',
    });
  }
  return found as [number, number, number];
}
