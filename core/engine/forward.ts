/**
 * A whole padded batch through the model, tensor by tensor, for inspection and parity.
 *
 * Owns: the raw convention of other frameworks' reference files (input ids, attention mask, positions,
 * labels) on top of the very graphs that training uses. Training itself goes through trainer.ts.
 */
import { parameterSpecs } from '#core/model/parameters.ts';
import { type ImageGrid, imageTokens } from '#core/model/vision/geometry.ts';
import { visionFeeds } from '#core/model/vision/visionGraph.ts';
import type { Feed } from '#core/tensor/runtime.ts';
import { type Tensor, float32, int64 } from '#core/tensor/types.ts';
import type { PolicyLoss } from './api.ts';
import { imageTokenFeeds } from './imageFeeds.ts';
import { MASKED } from './microBatch.ts';
import { type ModelState, modelFeeds, shapeOf, trainedNames } from './modelState.ts';
import type { SessionCache } from './sessionCache.ts';
import { visionWeightFeeds } from './visionFeatures.ts';
import { GRADIENT_PREFIX, type InParts, type LossShape, buildScoreGraph, buildTrainGraph } from './trainGraph.ts';

/** A padded batch; every array is [batch × length], row-major. */
export interface RawBatch {
  batch: number;
  length: number;
  inputIds: Int32Array;
  /** 1 where a token is real. */
  attentionMask: Int32Array;
  positionIds: Int32Array;
  /** Images of all rows in order, where the model sees; positions then follow from them. */
  images?: { grids: readonly ImageGrid[]; pixels: Float32Array };
}

export interface RawForward {
  /** [batch, length, vocab] */
  logits: Float32Array;
  /** [batch, length] */
  entropiesNats: Float32Array;
}

/** Per-token columns of a loss, [batch × (length − 1)]: entry t is about predicting token t + 1. */
export type RawLoss =
  | { kind: 'supervised'; weights: Float32Array }
  | (Pick<PolicyLoss, 'kind' | 'clipLow' | 'clipHigh' | 'dualClip' | 'ratioLevel'> &
      Record<'weights' | 'advantages' | 'oldLogprobs' | 'refLogprobs' | 'klWeights', Float32Array>);

export interface RawGradients {
  loss: number;
  klLoss: number;
  /** [batch × (length − 1)] */
  logprobs: Float32Array;
  gradients: Map<string, Float32Array>;
}

/** All at once: what is compared with other programs is computed the plain way. */
const whole: InParts = { attention: false, logits: false };
const ones: Tensor = { type: 'float32', shape: [], data: Float32Array.of(1) };

export async function forwardRaw(sessions: SessionCache, state: ModelState, raw: RawBatch): Promise<RawForward> {
  const images = raw.images && 'pixels';
  const session = await sessions.get(state, `raw forward ${images}`, () =>
    buildScoreGraph(shapeOf(state), { perRowMask: true, withLogits: true, alternatives: 0, images, inParts: whole }),
  );
  const rows = Array.from({ length: raw.batch * raw.length }, (_, i) => i);
  const outputs = await session.run({
    ...rawFeeds(state, raw),
    rows: int64(rows, [rows.length]),
    targets: int64(new Int32Array(rows.length), [rows.length, 1]),
    inverseTemperature: ones,
  });
  return {
    logits: outputs['logits']!.data as Float32Array,
    entropiesNats: outputs['entropiesNats']!.data as Float32Array,
  };
}

export async function gradientsRaw(
  sessions: SessionCache,
  state: ModelState,
  raw: RawBatch,
  loss: RawLoss,
): Promise<RawGradients> {
  const { kind, ...columns } = loss;
  const shape: LossShape =
    loss.kind === 'policy'
      ? {
          kind: 'policy',
          clipLow: loss.clipLow,
          clipHigh: loss.clipHigh,
          dualClip: loss.dualClip,
          ratioLevel: loss.ratioLevel,
        }
      : { kind: 'supervised' };
  const images = raw.images && 'pixels';
  // Images go through the tower in this graph, so everything can be differentiated.
  const trained = images === undefined ? trainedNames(state) : parameterSpecs(state.config).map(({ name }) => name);
  const session = await sessions.get(state, `raw ${kind} ${JSON.stringify(shape)} ${images}`, () =>
    buildTrainGraph(shapeOf(state), {
      loss: shape,
      checkpointBlocks: false,
      perRowMask: true,
      images,
      inParts: whole,
      trained,
    }),
  );
  const rows: number[] = [];
  const targets: number[] = [];
  for (let b = 0; b < raw.batch; b++) {
    for (let t = 0; t + 1 < raw.length; t++) {
      rows.push(b * raw.length + t);
      targets.push(raw.inputIds[b * raw.length + t + 1]!);
    }
  }
  const columnFeeds = Object.fromEntries(
    Object.entries(columns).flatMap(([name, values]) =>
      values instanceof Float32Array ? [[name, float32(values, [rows.length, 1])]] : [],
    ),
  );
  const outputs = await session.run({
    ...rawFeeds(state, raw),
    rows: int64(rows, [rows.length]),
    targets: int64(targets, [rows.length, 1]),
    inverseTemperature: ones,
    ...columnFeeds,
  });
  return {
    loss: Number(outputs['loss']!.data[0]),
    klLoss: Number(outputs['klLoss']!.data[0]),
    logprobs: outputs['logprobs']!.data as Float32Array,
    gradients: new Map(trained.map((name) => [name, outputs[GRADIENT_PREFIX + name]!.data as Float32Array])),
  };
}

function rawFeeds(
  state: ModelState,
  { batch, length, inputIds, attentionMask, positionIds, images }: RawBatch,
): Record<string, Feed> {
  const mask = new Float32Array(batch * length * length);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < length; i++) {
      for (let j = 0; j < length; j++) {
        if (j > i || attentionMask[b * length + j] === 0) mask[(b * length + i) * length + j] = MASKED;
      }
    }
  }
  const common = {
    ...modelFeeds(state, Math.max(...positionIds) + 1),
    ids: int64(inputIds, [batch, length]),
    positions: int64(positionIds, [batch, length]),
    mask: float32(mask, [batch, 1, length, length]),
  };
  if (images === undefined) return common;
  const { vision, imageTokenId } = state.config.multimodal!;
  let next = 0;
  const rows = Array.from({ length: batch }, (_, b) => {
    const start = Math.max(0, attentionMask.subarray(b * length, (b + 1) * length).indexOf(1));
    const ids = inputIds.subarray(b * length + start, (b + 1) * length);
    let tokens = ids.reduce((count, id) => count + Number(id === imageTokenId), 0);
    const first = next;
    while (tokens > 0 && next < images.grids.length) tokens -= imageTokens(images.grids[next++]!, vision.mergeSize);
    return { start, ids, grids: images.grids.slice(first, next) };
  });
  return {
    ...common,
    ...visionWeightFeeds(state),
    ...imageTokenFeeds(state.config, rows, length),
    ...visionFeeds(vision, images.grids, images.pixels),
  };
}
