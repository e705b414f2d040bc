/**
 * What a graph is fed where a batch has images: which positions are image tokens, which feature stands at
 * each, and rotary tables with three axes.
 *
 * Owns: laying ragged rows with images out in a padded batch. Features come from the vision tower.
 */
import type { TextConfig } from '#core/model/config.ts';
import { multimodalRopeTables } from '#core/model/rope.ts';
import { type ImageGrid, imageTokens, tokenPositions } from '#core/model/vision/geometry.ts';
import type { Feed } from '#core/tensor/runtime.ts';
import { type Tensor, float32, int64 } from '#core/tensor/types.ts';
import { visionFeeds } from '#core/model/vision/visionGraph.ts';
import { AresError } from '#core/util/errors.ts';
import type { ImageInput, Sequence } from './api.ts';
import type { MicroBatch } from './microBatch.ts';
import type { ModelState } from './modelState.ts';
import type { SessionCache } from './sessionCache.ts';
import type { ImageSource } from './trainGraph.ts';
import { imageFeatures, joinPixels, visionOf, visionWeightFeeds } from './visionFeatures.ts';

/** What a batch with images is fed beside its tokens, and how its graph takes the images in. */
export interface BatchImages {
  source: ImageSource;
  feeds: Record<string, Feed>;
}

/** Feeds of a right-padded micro-batch; undefined where none of its sequences has an image. */
export async function imageFeeds(
  sessions: SessionCache,
  state: ModelState,
  sequences: readonly Sequence[],
  batch: MicroBatch,
  source: ImageSource,
): Promise<BatchImages | undefined> {
  const chosen = batch.sequences.map((i) => sequences[i]!);
  const images = chosen.flatMap(({ images }) => images ?? []);
  for (const { promptIds, images: own = [] } of chosen) checkImageTokens(state.config, promptIds, own);
  if (images.length === 0) return undefined;
  const vision = visionOf(state);
  const grids = images.map(({ grid }) => grid);
  const rows = chosen.map(({ promptIds, responseIds, images: own = [] }) => ({
    start: 0,
    ids: Int32Array.of(...promptIds, ...responseIds.subarray(0, -1)),
    grids: own.map(({ grid }) => grid),
  }));
  return {
    source,
    feeds: {
      ...imageTokenFeeds(state.config, rows, batch.length),
      ...(source === 'pixels'
        ? { ...visionWeightFeeds(state), ...visionFeeds(vision, grids, joinPixels(images)) }
        : await featureFeed(sessions, state, images)),
    },
  };
}

/** `image.features` of images in order. */
export async function featureFeed(
  sessions: SessionCache,
  state: ModelState,
  images: readonly ImageInput[],
): Promise<Record<string, Tensor>> {
  const { outSize } = visionOf(state);
  const features = await imageFeatures(sessions, state, images);
  return { 'image.features': float32(features, [features.length / outSize, outSize]) };
}

/** The real tokens of one row of a padded batch. */
export interface TokenRow {
  /** Padding before them. */
  start: number;
  ids: Int32Array;
  grids: readonly ImageGrid[];
}

/**
 * @throws AresError 'bad-data' when a prompt has not exactly the image tokens of its images. A response may
 *   hold any: a model can sample the token, and then it is text.
 */
export function checkImageTokens(
  { multimodal }: TextConfig,
  promptIds: Int32Array,
  images: readonly Pick<ImageInput, 'grid'>[],
): void {
  if (multimodal === null) return;
  const { vision, imageTokenId } = multimodal;
  const found = promptIds.reduce((count, id) => count + Number(id === imageTokenId), 0);
  const wanted = images.reduce((count, { grid }) => count + imageTokens(grid, vision.mergeSize), 0);
  if (found === wanted) return;
  throw new AresError(
    'bad-data',
    `Images and image tokens do not match: the prompt has ${found} image tokens, its images take ${wanted}.`,
    { hint: 'Give every image of the prompt, in order.' },
  );
}

/**
 * @param length padded length of a row
 * @returns feeds image.rows, image.mask, positions, cos, sin
 */
export function imageTokenFeeds(config: TextConfig, rows: readonly TokenRow[], length: number): Record<string, Tensor> {
  const multimodal = config.multimodal!;
  const { vision, imageTokenId, ropeSections } = multimodal;
  const size = rows.length * length;
  const featureRows = new Int32Array(size);
  const mask = new Float32Array(size);
  const axes: [Int32Array, Int32Array, Int32Array] = [new Int32Array(size), new Int32Array(size), new Int32Array(size)];
  let feature = 0;
  rows.forEach(({ start, ids, grids }, b) => {
    const positions = tokenPositions(ids, grids, multimodal);
    const at = b * length + start;
    axes[0].set(positions.time, at);
    axes[1].set(positions.height, at);
    axes[2].set(positions.width, at);
    let left = grids.reduce((count, grid) => count + imageTokens(grid, vision.mergeSize), 0);
    for (let t = 0; left > 0; t++) {
      if (ids[t] !== imageTokenId) continue;
      featureRows[at + t] = feature++;
      mask[at + t] = 1;
      left--;
    }
  });
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
