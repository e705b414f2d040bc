/**
 * What a graph is fed where a batch has images: which positions are image tokens, which feature stands at
 * each, and rotary tables with three axes.
 *
 * Owns: laying ragged rows with images out in a padded batch. Features come from the vision tower.
 */
import type { TextConfig } from '#core/model/config.ts';
import { multimodalRopeTables } from '#core/model/rope.ts';
import { type ImageGrid, imageTokens, tokenPositions } from '#core/model/vision/geometry.ts';
import { type Tensor, float32, int64 } from '#core/tensor/types.ts';
import { AresError } from '#core/util/errors.ts';

/** The real tokens of one row of a padded batch. */
export interface TokenRow {
  /** Padding before them. */
  start: number;
  ids: Int32Array;
}

/**
 * @param grids of the images of all rows, in order
 * @param length padded length of a row
 * @returns feeds image.rows, image.mask, positions, cos, sin
 * @throws AresError 'bad-data' when image tokens and images do not match
 */
export function imageTokenFeeds(
  config: TextConfig,
  rows: readonly TokenRow[],
  length: number,
  grids: readonly ImageGrid[],
): Record<string, Tensor> {
  const multimodal = config.multimodal!;
  const { vision, imageTokenId, ropeSections } = multimodal;
  const size = rows.length * length;
  const featureRows = new Int32Array(size);
  const mask = new Float32Array(size);
  const axes: [Int32Array, Int32Array, Int32Array] = [new Int32Array(size), new Int32Array(size), new Int32Array(size)];
  let feature = 0;
  let image = 0;
  rows.forEach(({ start, ids }, b) => {
    const own = imagesOfRow(ids, grids.slice(image), imageTokenId, vision.mergeSize);
    image += own.length;
    const positions = tokenPositions(ids, own, multimodal);
    const at = b * length + start;
    axes[0].set(positions.time, at);
    axes[1].set(positions.height, at);
    axes[2].set(positions.width, at);
    ids.forEach((id, t) => {
      if (id !== imageTokenId) return;
      featureRows[at + t] = feature++;
      mask[at + t] = 1;
    });
  });
  if (image !== grids.length) throw mismatch(`${grids.length - image} images belong to no image token`);
  const { cos, sin } = multimodalRopeTables(config, axes, ropeSections);
  const tableShape = [size, config.headDim / 2];
  return {
    'image.rows': int64(featureRows, [rows.length, length]),
    'image.mask': float32(mask, [rows.length, length]),
    // Every place has a row of its own in the tables.
    positions: int64(
      Int32Array.from({ length: size }, (_, i) => i),
      [rows.length, length],
    ),
    cos: float32(cos, tableShape),
    sin: float32(sin, tableShape),
  };
}

/** The images whose tokens a row has; runs of image tokens are as long as the images say. */
function imagesOfRow(
  ids: Int32Array,
  following: readonly ImageGrid[],
  imageTokenId: number,
  mergeSize: number,
): ImageGrid[] {
  let tokens = ids.reduce((count, id) => count + Number(id === imageTokenId), 0);
  const own: ImageGrid[] = [];
  while (tokens > 0) {
    const grid = following[own.length];
    if (grid === undefined) throw mismatch(`${tokens} image tokens are left over`);
    tokens -= imageTokens(grid, mergeSize);
    if (tokens < 0) throw mismatch('an image has more tokens than the sequence holds for it');
    own.push(grid);
  }
  return own;
}

function mismatch(sentence: string): AresError {
  return new AresError('bad-data', `Images and image tokens do not match: ${sentence}.`, {
    hint: 'Give every image of the prompt, in order.',
  });
}
