/**
 * Where the patches of an image are: their order, their rotary angles, their windows, and the positions
 * that their tokens take among those of the text.
 *
 * Owns: everything about images that follows from their grids alone. Pure; pixels are imageProcessor.ts.
 *
 * Patches are ordered by merged cells (mergeSize × mergeSize patches that become one token), row by row,
 * and inside a cell row by row: that is how pixel values arrive and how features leave.
 */
import { AresError } from '#core/util/errors.ts';
import type { MultimodalConfig, VisionConfig } from './config.ts';

/** Frames, rows and columns of patches; rows and columns are multiples of mergeSize. */
export interface ImageGrid {
  frames: number;
  rows: number;
  columns: number;
}

export function patchCount({ frames, rows, columns }: ImageGrid): number {
  return frames * rows * columns;
}

/** Tokens an image takes in the sequence. */
export function imageTokens(grid: ImageGrid, mergeSize: number): number {
  return patchCount(grid) / mergeSize ** 2;
}

/**
 * Token ids of a prompt in which every image stands as one token, with each repeated as often as its image takes.
 * @throws AresError 'bad-data' when there are not as many places as images
 */
export function expandImageTokens(
  ids: Int32Array,
  grids: readonly ImageGrid[],
  { imageTokenId, vision }: Pick<MultimodalConfig, 'imageTokenId' | 'vision'>,
): Int32Array {
  const places = ids.reduce((count, id) => count + Number(id === imageTokenId), 0);
  if (places !== grids.length) {
    throw new AresError('bad-data', `The prompt has ${places} image tokens for ${grids.length} images.`, {
      hint: 'Its text must not hold the image token itself, and the chat template must place every image once.',
    });
  }
  const counts = grids.map((grid) => imageTokens(grid, vision.mergeSize));
  const expanded = new Int32Array(ids.length + counts.reduce((sum, count) => sum + count - 1, 0));
  let at = 0;
  let image = 0;
  for (const id of ids) {
    const count = id === imageTokenId ? counts[image++]! : 1;
    expanded.fill(id, at, at + count);
    at += count;
  }
  return expanded;
}

/** Calls back for every patch of an image in order, with its row and column. */
function forEachPatch(grid: ImageGrid, merge: number, visit: (row: number, column: number, frame: number) => void) {
  for (let frame = 0; frame < grid.frames; frame++)
    for (let cellRow = 0; cellRow < grid.rows; cellRow += merge)
      for (let cellColumn = 0; cellColumn < grid.columns; cellColumn += merge)
        for (let row = 0; row < merge; row++)
          for (let column = 0; column < merge; column++) visit(cellRow + row, cellColumn + column, frame);
}

/**
 * Cosine and sine of every patch: half of the pairs rotate with its row, the other half with its column.
 * Rounded to float32 step by step, as transformers computes them.
 * @returns [patches, headDim / 2] each
 */
export function patchRopeTables(
  grids: readonly ImageGrid[],
  { headDim, mergeSize, ropeTheta }: VisionConfig,
): { cos: Float32Array; sin: Float32Array } {
  const pairs = headDim / 2;
  const perAxis = pairs / 2;
  const frequencies = Array.from({ length: perAxis }, (_, pair) =>
    Math.fround(1 / Math.fround(ropeTheta ** Math.fround(pair / perAxis))),
  );
  const patches = grids.reduce((sum, grid) => sum + patchCount(grid), 0);
  const cos = new Float32Array(patches * pairs);
  const sin = new Float32Array(patches * pairs);
  let at = 0;
  for (const grid of grids) {
    forEachPatch(grid, mergeSize, (row, column) => {
      for (const position of [row, column]) {
        for (const frequency of frequencies) {
          const angle = Math.fround(position * frequency);
          cos[at] = Math.cos(angle);
          sin[at] = Math.sin(angle);
          at++;
        }
      }
    });
  }
  return { cos, sin };
}

/** Sets of patches that attend to each other, padded to one size. */
export interface PatchGroups {
  groups: number;
  /** Patches per group, padding included. */
  size: number;
  /** [groups × size] patch in each place; 0 in padding. */
  index: Int32Array;
  /** [groups × size] 1 where a place is padding. */
  isPadding: Uint8Array;
  /** [patches] the place of each patch. */
  place: Int32Array;
}

/** One group per frame of an image: attention over all of it. */
export function fullGroups(grids: readonly ImageGrid[]): PatchGroups {
  const groups: number[][] = [];
  let first = 0;
  for (const { frames, rows, columns } of grids) {
    for (let frame = 0; frame < frames; frame++, first += rows * columns) {
      groups.push(Array.from({ length: rows * columns }, (_, i) => first + i));
    }
  }
  return padded(groups);
}

/** One group per window of windowSize × windowSize pixels; windows at the right and lower edge are smaller. */
export function windowGroups(grids: readonly ImageGrid[], config: VisionConfig): PatchGroups {
  const side = Math.floor(config.windowSize / config.mergeSize / config.patchSize) * config.mergeSize;
  const windows = new Map<string, number[]>();
  let patch = 0;
  grids.forEach((grid, image) => {
    forEachPatch(grid, config.mergeSize, (row, column, frame) => {
      const key = `${image} ${frame} ${Math.floor(row / side)} ${Math.floor(column / side)}`;
      const window = windows.get(key);
      if (window === undefined) windows.set(key, [patch]);
      else window.push(patch);
      patch++;
    });
  });
  return padded([...windows.values()]);
}

function padded(groups: readonly (readonly number[])[]): PatchGroups {
  const size = Math.max(0, ...groups.map((group) => group.length));
  const index = new Int32Array(groups.length * size);
  const isPadding = new Uint8Array(index.length).fill(1);
  const place = new Int32Array(groups.reduce((sum, group) => sum + group.length, 0));
  groups.forEach((group, g) => {
    group.forEach((patch, i) => {
      index[g * size + i] = patch;
      isPadding[g * size + i] = 0;
      place[patch] = g * size + i;
    });
  });
  return { groups: groups.length, size, index, isPadding, place };
}

/** Positions of a token sequence with images on the three axes of multimodal rotary embeddings. */
export interface TokenPositions {
  /** [tokens] each */
  time: Int32Array;
  height: Int32Array;
  width: Int32Array;
  /** The next token, and every one after it, has the position (number of tokens before it) + delta. */
  delta: number;
}

/**
 * Text counts on from the largest position before it, alike on all axes; the tokens of an image stand at the
 * frame, row and column of their cell, counted from where the text stopped.
 * @param ids with image tokens already repeated, one per merged cell
 * @param grids of the images in order; as many tokens of each follow as it has cells
 */
export function tokenPositions(
  ids: ArrayLike<number>,
  grids: readonly ImageGrid[],
  { imageTokenId, vision }: MultimodalConfig,
): TokenPositions {
  const time = new Int32Array(ids.length);
  const height = new Int32Array(ids.length);
  const width = new Int32Array(ids.length);
  let next = 0;
  let image = 0;
  for (let token = 0; token < ids.length;) {
    const grid = ids[token] === imageTokenId ? grids[image] : undefined;
    if (grid === undefined) {
      time[token] = height[token] = width[token] = next++;
      token++;
      continue;
    }
    image++;
    const [rows, columns] = [grid.rows / vision.mergeSize, grid.columns / vision.mergeSize];
    for (let frame = 0; frame < grid.frames; frame++)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++, token++) {
          time[token] = next + frame;
          height[token] = next + row;
          width[token] = next + column;
        }
    next += Math.max(grid.frames, rows, columns);
  }
  return { time, height, width, delta: next - ids.length };
}
