/**
 * A batch and a loss in the convention of reference files: input_ids, attention_mask, position_ids,
 * labels; and for the policy loss rl.advantage, rl.beta, rl.mask, rl.old_logprob, rl.ref_logprob.
 *
 * Owns: what these tensors must look like, their defaults, and how means over tokens become the
 * weights of the engine's losses. The numbers themselves come from the engine.
 */
import { k3 } from '#core/ares/kl.ts';
import type { RawBatch, RawLoss } from '#core/engine/forward.ts';
import type { TextConfig } from '#core/model/config.ts';
import { type VisionConfig, patchLength } from '#core/model/vision/config.ts';
import { patchCount } from '#core/model/vision/geometry.ts';
import { AresError } from '#core/util/errors.ts';
import { sum } from '#core/util/statistics.ts';
import type { ReferenceTensors } from './referenceTensors.ts';

/** Label of a token that is no part of the supervised loss, as in PyTorch and transformers. */
const IGNORED = -100;

export interface PolicyCoefficients {
  clipLow: number;
  clipHigh: number;
  dualClip: number;
  klCoefficient: number;
}

/** What is left to compute beside the engine's policy loss. */
export interface PolicyInputs {
  loss: Extract<RawLoss, { kind: 'policy' }>;
  /**
   * Mean over the mask of beta · k3, before the coefficient.
   * @param logprobs [batch × (length − 1)] of the policy
   */
  meanKl(logprobs: Float32Array): number;
}

/**
 * The batch. Without attention_mask every token is real; without position_ids real tokens are counted
 * from 0 in every row, so that padding on the left shifts nothing.
 */
export function readBatch(tensors: ReferenceTensors, config: TextConfig): RawBatch {
  const shape = tensors.shape('input_ids');
  const [batch, length] = shape;
  if (shape.length !== 2 || !batch || !length) {
    throw new AresError(
      'bad-data',
      `Tensor "input_ids" has the shape [${shape.join(', ')}], but [batch, length] is needed.`,
      {
        hint: 'Give one row of token ids per sequence, padded to one length.',
      },
    );
  }
  const inputIds = tensors.integers('input_ids', shape, { minimum: 0, maximum: config.vocabSize - 1 });
  const attentionMask = tensors.has('attention_mask')
    ? tensors.integers('attention_mask', shape, { minimum: 0, maximum: 1 })
    : new Int32Array(inputIds.length).fill(1);
  // Positions on three axes follow from the images; what the file says of them is not needed.
  const positionIds =
    config.multimodal === null && tensors.has('position_ids')
      ? tensors.integers('position_ids', shape, { minimum: 0, maximum: config.maxPositions - 1 })
      : countedPositions(attentionMask, length);
  const images = config.multimodal === null ? undefined : readImages(tensors, config.multimodal.vision);
  return { batch, length, inputIds, attentionMask, positionIds, ...(images === undefined ? {} : { images }) };
}

/** Number of real tokens before each one. */
function countedPositions(attentionMask: Int32Array, length: number): Int32Array {
  let real = 0;
  return attentionMask.map((mask, i) => {
    if (i % length === 0) real = 0;
    const position = real;
    real += mask;
    return position;
  });
}

/** `image_grid_thw` [images, 3] and `pixel_values` [patches, numbers of a patch]; undefined without images. */
function readImages(tensors: ReferenceTensors, vision: VisionConfig): RawBatch['images'] {
  if (!tensors.has('image_grid_thw')) return undefined;
  const shape = tensors.shape('image_grid_thw');
  const values = tensors.integers('image_grid_thw', [shape[0] ?? 0, 3], { minimum: 1, maximum: 100_000 });
  const grids = Array.from({ length: values.length / 3 }, (_, i) => ({
    frames: values[3 * i]!,
    rows: values[3 * i + 1]!,
    columns: values[3 * i + 2]!,
  }));
  const patches = grids.reduce((sum, grid) => sum + patchCount(grid), 0);
  return { grids, pixels: tensors.floats('pixel_values', [patches, patchLength(vision)]) };
}

/** Cross-entropy as the mean over labels other than −100; label t is predicted from the tokens before t. */
export function readSupervisedLoss(
  tensors: ReferenceTensors,
  { batch, length, inputIds }: RawBatch,
  config: TextConfig,
): RawLoss {
  requireTargets(length);
  const labels = tensors.integers('labels', [batch, length], { minimum: IGNORED, maximum: config.vocabSize - 1 });
  const weights = new Float32Array(batch * (length - 1));
  let count = 0;
  for (let b = 0; b < batch; b++) {
    for (let t = 1; t < length; t++) {
      const label = labels[b * length + t]!;
      if (label === IGNORED) continue;
      if (label !== inputIds[b * length + t]) {
        throw new AresError(
          'unsupported',
          `The label at [${b}, ${t}] is ${label}, but the token there is ${inputIds[b * length + t]}.`,
          {
            hint: `Labels must repeat input_ids, or be ${IGNORED} where a token does not count.`,
          },
        );
      }
      weights[b * (length - 1) + t - 1] = 1;
      count++;
    }
  }
  if (count === 0) throw nothingCounts('labels');
  return { kind: 'supervised', weights: weights.map((weight) => weight / count) };
}

/** Clipped policy gradient plus KL (METHOD §3.11, §3.10), both as means over rl.mask. */
export function readPolicyLoss(
  tensors: ReferenceTensors,
  { batch, length }: RawBatch,
  { klCoefficient, ...clipping }: PolicyCoefficients,
): PolicyInputs {
  requireTargets(length);
  const shape = [batch, length - 1];
  const mask = tensors.floats('rl.mask', shape);
  if (mask.some((value) => value !== 0 && value !== 1)) {
    throw new AresError('bad-data', 'Tensor "rl.mask" holds other values than 0 and 1.', {
      hint: 'Give 1 for tokens that count and 0 for the rest.',
    });
  }
  const tokens = sum(mask);
  if (tokens === 0) throw nothingCounts('rl.mask');
  const beta = tensors.floats('rl.beta', [batch]);
  const weights = mask.map((value) => value / tokens);
  const betaWeights = weights.map((weight, i) => weight * beta[Math.floor(i / (length - 1))]!);
  const refLogprobs = tensors.floats('rl.ref_logprob', shape);
  return {
    loss: {
      kind: 'policy',
      ...clipping,
      ratioLevel: 'token',
      weights,
      advantages: tensors.floats('rl.advantage', shape),
      oldLogprobs: tensors.floats('rl.old_logprob', shape),
      refLogprobs,
      klWeights: betaWeights.map((weight) => klCoefficient * weight),
    },
    meanKl: (logprobs) =>
      betaWeights.reduce((total, weight, i) => total + weight * k3(logprobs[i]!, refLogprobs[i]!), 0),
  };
}

function requireTargets(length: number): void {
  if (length > 1) return;
  throw new AresError('bad-data', 'Sequences of one token predict nothing, so they have no loss.', {
    hint: 'Give longer sequences, or ask for the logits alone.',
  });
}

function nothingCounts(name: string): AresError {
  return new AresError('bad-data', `No token counts: the mean over "${name}" is over nothing.`, {
    hint: 'Mark at least one token.',
  });
}
