/**
 * From decoded pixels to what the vision tower takes in: size, resampling, normalisation, patches.
 *
 * Owns: the arithmetic of transformers' image processor for Qwen2-VL, and reading its configuration. It
 * decodes nothing: decodeImage.ts hands over RGB bytes.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AresError } from '#core/util/errors.ts';
import { Fields, isObject, readJsonObject } from '#core/model/json.ts';
import { type VisionConfig, patchLength } from './config.ts';
import type { ImageGrid } from './geometry.ts';

export interface ImageProcessorConfig {
  /** Limits of height × width after resizing. */
  minPixels: number;
  maxPixels: number;
  /** Per channel, of values in [0, 1]. */
  mean: readonly number[];
  deviation: readonly number[];
}

/** RGB bytes, [height, width, 3]. */
export interface DecodedImage {
  width: number;
  height: number;
  rgb: Uint8Array;
}

export interface ProcessedImage {
  grid: ImageGrid;
  /** [patches × numbers of a patch] */
  pixels: Float32Array;
}

const FILE = 'preprocessor_config.json';
/** Values of the CLIP models, which Qwen2-VL keeps. */
const MEAN = [0.48145466, 0.4578275, 0.40821073];
const DEVIATION = [0.26862954, 0.26130258, 0.27577711];
/** A longer or flatter image is refused, as transformers does. */
const MAX_ASPECT = 200;
const BICUBIC = 3;

/**
 * @throws AresError 'not-found' when the folder has none, 'unsupported' for another kind of processing
 */
export function readImageProcessor(folder: string, vision: VisionConfig): ImageProcessorConfig {
  const path = join(folder, FILE);
  if (!existsSync(path)) {
    throw new AresError('not-found', `There is no ${FILE} in this folder, so its images cannot be prepared.`, {
      where: folder,
      hint: 'Download the file of that name from where the model is from.',
    });
  }
  const json = readJsonObject(path);
  const fields = new Fields(json, path);
  const must = (name: string, values: readonly unknown[]) => {
    if (fields.has(name) && !values.includes(json[name])) {
      throw new AresError('unsupported', `The image processor has "${name}": ${JSON.stringify(json[name])}.`, {
        where: path,
        hint: 'Only the processing of Qwen2-VL and Qwen2.5-VL is computed here.',
      });
    }
  };
  must('resample', [BICUBIC]);
  for (const name of ['do_resize', 'do_rescale', 'do_normalize', 'do_convert_rgb']) must(name, [true]);
  must('rescale_factor', [1 / 255]);
  must('patch_size', [vision.patchSize]);
  must('merge_size', [vision.mergeSize]);
  must('temporal_patch_size', [vision.temporalPatchSize]);
  const size = isObject(json['size']) ? new Fields(json['size'], `${path} (size)`) : fields;
  const limit = (old: string, name: string, fallback: number) =>
    fields.has(old) ? fields.count(old) : size.count(name, fallback);
  return {
    minPixels: limit('min_pixels', 'shortest_edge', 56 * 56),
    maxPixels: limit('max_pixels', 'longest_edge', 28 * 28 * 1280),
    mean: channelValues(fields, 'image_mean', MEAN),
    deviation: channelValues(fields, 'image_std', DEVIATION),
  };
}

function channelValues(fields: Fields, name: string, fallback: readonly number[]): readonly number[] {
  const value = fields.object[name] ?? fallback;
  if (Array.isArray(value) && value.length === 3 && value.every((item) => Number.isFinite(item))) return value;
  throw fields.bad(name, 'a list of three numbers');
}

/**
 * Height and width that are multiples of `factor`, near the given ones, with their product inside the limits.
 * @throws AresError 'bad-data' for an image that is too long or flat
 */
export function smartResize(
  height: number,
  width: number,
  factor: number,
  { minPixels, maxPixels }: Pick<ImageProcessorConfig, 'minPixels' | 'maxPixels'>,
): { height: number; width: number } {
  if (Math.max(height, width) / Math.min(height, width) > MAX_ASPECT) {
    throw new AresError('bad-data', `An image of ${width} × ${height} pixels is too long or too flat.`, {
      hint: `Cut it to a shape of at most ${MAX_ASPECT} to 1.`,
    });
  }
  const near = (size: number) => Math.max(factor, roundHalfEven(size / factor) * factor);
  const rounded = { height: near(height), width: near(width) };
  const area = rounded.height * rounded.width;
  if (area > maxPixels) {
    const shrink = Math.sqrt((height * width) / maxPixels);
    const lower = (size: number) => Math.max(factor, Math.floor(size / shrink / factor) * factor);
    return { height: lower(height), width: lower(width) };
  }
  if (area < minPixels) {
    const grow = Math.sqrt(minPixels / (height * width));
    const upper = (size: number) => Math.ceil((size * grow) / factor) * factor;
    return { height: upper(height), width: upper(width) };
  }
  return rounded;
}

function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** Resizes, normalises and cuts an image into patches, in the order of geometry.ts. */
export function processImage(image: DecodedImage, vision: VisionConfig, config: ImageProcessorConfig): ProcessedImage {
  const { patchSize, mergeSize, temporalPatchSize } = vision;
  const size = smartResize(image.height, image.width, patchSize * mergeSize, config);
  const resized = resizeBicubic(image, size);
  const grid = { frames: 1, rows: size.height / patchSize, columns: size.width / patchSize };
  const pixels = new Float32Array(grid.rows * grid.columns * patchLength(vision));
  let at = 0;
  for (let cellRow = 0; cellRow < grid.rows; cellRow += mergeSize)
    for (let cellColumn = 0; cellColumn < grid.columns; cellColumn += mergeSize)
      for (let row = 0; row < mergeSize; row++)
        for (let column = 0; column < mergeSize; column++) {
          const top = (cellRow + row) * patchSize;
          const left = (cellColumn + column) * patchSize;
          for (let channel = 0; channel < 3; channel++)
            for (let frame = 0; frame < temporalPatchSize; frame++)
              for (let y = top; y < top + patchSize; y++)
                for (let x = left; x < left + patchSize; x++) {
                  const value = resized.rgb[(y * size.width + x) * 3 + channel]! / 255;
                  pixels[at++] = (value - config.mean[channel]!) / config.deviation[channel]!;
                }
        }
  return { grid, pixels };
}

/** The cubic kernel with a = −0.5, as Pillow has it. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return 1.5 * t ** 3 - 2.5 * t ** 2 + 1;
  return t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
}

interface Contribution {
  first: number;
  weights: Float64Array;
}

/** For every output place the input places it is made of; the kernel widens where an image shrinks. */
function contributions(from: number, to: number): Contribution[] {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = 2 * stretch;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_, j) => cubic((first + j - centre + 0.5) / stretch));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

/** Along rows first, then along columns, rounded to bytes after each, as Pillow resizes. */
function resizeBicubic(image: DecodedImage, size: { width: number; height: number }): DecodedImage {
  if (image.width === size.width && image.height === size.height) return image;
  const across = contributions(image.width, size.width);
  const wide = new Uint8ClampedArray(image.height * size.width * 3);
  for (let y = 0; y < image.height; y++) {
    across.forEach(({ first, weights }, x) => {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let j = 0; j < weights.length; j++)
          sum += weights[j]! * image.rgb[(y * image.width + first + j) * 3 + channel]!;
        wide[(y * size.width + x) * 3 + channel] = Math.floor(sum + 0.5);
      }
    });
  }
  const down = contributions(image.height, size.height);
  const rowLength = size.width * 3;
  const result = new Uint8ClampedArray(size.height * rowLength);
  down.forEach(({ first, weights }, y) => {
    for (let i = 0; i < rowLength; i++) {
      let sum = 0;
      for (let j = 0; j < weights.length; j++) sum += weights[j]! * wide[(first + j) * rowLength + i]!;
      result[y * rowLength + i] = Math.floor(sum + 0.5);
    }
  });
  return { ...size, rgb: new Uint8Array(result.buffer) };
}
