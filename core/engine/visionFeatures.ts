/**
 * Features of images: what the vision tower makes of them, computed once per image.
 *
 * Owns: the VISION graph's session and the cache of a model. A model
 * whose tower is trained forgets its cache with every update (trainer.ts).
 */
import { imageTokens } from '#core/model/vision/geometry.ts';
import { visionParameterSpecs } from '#core/model/vision/parameters.ts';
import { emitVisionFeatures, visionFeeds, visionInputs, visionWeightInputs } from '#core/model/vision/visionGraph.ts';
import { type BuiltModel, Graph } from '#core/tensor/graph.ts';
import type { Feed } from '#core/tensor/runtime.ts';
import type { VisionConfig } from '#core/model/vision/config.ts';
import { AresError } from '#core/util/errors.ts';
import type { ImageInput } from './api.ts';
import { type ModelState, tensorFeeds } from './modelState.ts';
import type { SessionCache } from './sessionCache.ts';

function buildVisionGraph(vision: VisionConfig): BuiltModel {
  const g = new Graph();
  const weights = visionWeightInputs(g, vision);
  g.namedOutput(emitVisionFeatures(g, vision, weights, visionInputs(g, vision), false), 'features');
  return g.build();
}

/** @throws AresError 'unsupported' when the model has no vision tower */
export function visionOf(state: ModelState): VisionConfig {
  const { multimodal } = state.config;
  if (multimodal !== null) return multimodal.vision;
  throw new AresError('unsupported', 'This model cannot see, but a prompt has images.', {
    where: state.source.folder,
    hint: 'Choose a Qwen2.5-VL model, or problems without images.',
  });
}

/** The weights of the vision tower as graph feeds. */
export function visionWeightFeeds(state: ModelState): Record<string, Feed> {
  return tensorFeeds(state, visionParameterSpecs(visionOf(state)));
}

/** @returns [Σ tokens of the images × width of the language part], images in order */
export async function imageFeatures(
  sessions: SessionCache,
  state: ModelState,
  images: readonly ImageInput[],
): Promise<Float32Array> {
  const vision = visionOf(state);
  const missing = new Map(images.filter(({ key }) => !state.features.has(key)).map((image) => [image.key, image]));
  // Each on its own: what one sees must not depend on the others that happen to be asked for with it, which
  // are others after a resume.
  for (const image of missing.values()) await compute(sessions, state, image);
  const parts = images.map(({ key }) => state.features.get(key)!);
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const [i, part] of parts.entries()) {
    if (part.length !== imageTokens(images[i]!.grid, vision.mergeSize) * vision.outSize) {
      throw new AresError('internal', `Two images with different sizes share the key "${images[i]!.key}".`);
    }
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

async function compute(sessions: SessionCache, state: ModelState, image: ImageInput): Promise<void> {
  const vision = visionOf(state);
  const session = await sessions.get(state, 'vision', () => buildVisionGraph(vision));
  const outputs = await session.run({
    ...visionWeightFeeds(state),
    ...visionFeeds(vision, [image.grid], image.pixels),
  });
  state.features.set(image.key, outputs['features']!.data as Float32Array);
}

export function joinPixels(images: readonly ImageInput[]): Float32Array {
  const joined = new Float32Array(images.reduce((sum, { pixels }) => sum + pixels.length, 0));
  let at = 0;
  for (const { pixels } of images) {
    joined.set(pixels, at);
    at += pixels.length;
  }
  return joined;
}
