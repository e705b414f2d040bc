/**
 * The TRAIN and SCORE graphs: weights are inputs, losses and gradients come out.
 *
 * Owns: the losses as graph (supervised, clipped policy gradient with KL, METHOD §3.10–3.11) and the
 * names of inputs and outputs. trainer.ts feeds them; the model emits the transformer.
 *
 * Dimensions: B sequences, T positions, R response tokens, P rotary positions.
 */
import {
  type ModelShape,
  emitHiddenStates,
  emitLogits,
  imageRowInputs,
  outputName,
  sequenceInputs,
  weightInputs,
  weightOf,
} from '#core/model/graphTransformer.ts';
import { emitVisionFeatures, visionInputs, visionWeightInputs } from '#core/model/vision/visionGraph.ts';
import { differentiate } from '#core/tensor/differentiate.ts';
import { type BuiltModel, Graph, type Value } from '#core/tensor/graph.ts';
import { mapParts } from '#core/tensor/mapParts.ts';
import * as ops from '#core/tensor/ops.ts';
import type { PolicyLoss } from './api.ts';
import { topK } from './sampleGraph.ts';

/** Log-ratios are limited so that one stray token cannot overflow the exponential (METHOD §3.11). */
const MAX_LOG_RATIO = 20;
/** The k3 estimate of one token is limited alike (METHOD §3.10). */
const MAX_TOKEN_KL = 10;

/**
 * How images enter: as `image.features`, computed before, or as pixels through the vision tower in the same
 * graph, which alone can train it. Absent for text.
 */
export type ImageSource = 'features' | 'pixels';

/** What a graph computes in parts, one after another, because it would fill memory as a whole. */
export interface InParts {
  attention: boolean;
  /** Logits of some response tokens at a time; `rows` and `targets` are then fed as [parts, R / parts]. */
  logits: boolean;
}

/** What shapes the graph, as opposed to what is fed to it. */
export type LossShape =
  | { kind: 'supervised' }
  | ({ kind: 'policy' } & Pick<PolicyLoss, 'clipLow' | 'clipHigh' | 'dualClip' | 'ratioLevel'>);

export interface TrainGraphOptions {
  loss: LossShape;
  checkpointBlocks: boolean;
  /** Attention masks differ between rows (left-padded input); otherwise one causal mask serves all. */
  perRowMask: boolean;
  images?: ImageSource | undefined;
  inParts: InParts;
  /** Names of the weights that gradients are wanted of; the others are constants. */
  trained: readonly string[];
}

/** Gradients leave the graph under the weight's name behind this prefix. */
export const GRADIENT_PREFIX = 'gradient.';

/** TRAIN: outputs `loss`, `klLoss`, `logprobs` [R, 1] and one gradient per trained weight. */
export function buildTrainGraph(
  model: ModelShape,
  { loss: shape, checkpointBlocks, perRowMask, images, inParts, trained }: TrainGraphOptions,
): BuiltModel {
  const g = new Graph();
  const { weights, hidden, targets } = emitResponses(g, model, { checkpointBlocks, perRowMask, images, inParts });
  const [logprob] = emitPerToken(g, weights, hidden, targets, inParts.logits, (body, rows, wanted) => [
    ops.targetLogprob(body, emitLogits(body, model, weights, rows), wanted).logprob,
  ]);
  const { loss, klLoss } =
    shape.kind === 'supervised' ? emitSupervisedLoss(g, logprob!) : emitPolicyLoss(g, logprob!, shape);
  g.namedOutput(loss, 'loss');
  g.namedOutput(klLoss, 'klLoss');
  g.namedOutput(logprob!, 'logprobs');
  const gradients = differentiate(
    g,
    loss,
    trained.map((name) => weightOf(weights, name)),
  );
  trained.forEach((name, i) => g.namedOutput(gradients[i]!, GRADIENT_PREFIX + name));
  return g.build();
}

export interface ScoreGraphOptions {
  perRowMask: boolean;
  withLogits: boolean;
  /** Number K of most likely tokens per row; 0 for none. */
  alternatives: number;
  images?: ImageSource | undefined;
  inParts: InParts;
}

/**
 * SCORE: outputs `logprobs` [R, 1], `entropiesNats` [R, 1]; on demand `logits` [R, V], and with alternatives
 * `alternativeIds` and `alternativeLogprobs` [R, K] and `ranks` [R, 1].
 */
export function buildScoreGraph(
  model: ModelShape,
  { perRowMask, withLogits, alternatives, images, inParts }: ScoreGraphOptions,
): BuiltModel {
  const g = new Graph();
  const { weights, hidden, targets } = emitResponses(g, model, {
    checkpointBlocks: false,
    perRowMask,
    images,
    inParts,
  });
  const names = [
    'logprobs',
    'entropiesNats',
    ...(alternatives > 0 ? ['alternativeLogprobs', 'alternativeIds', 'ranks'] : []),
  ];
  if (withLogits) names.push('logits');
  const columns = emitPerToken(g, weights, hidden, targets, inParts.logits, (body, rows, wanted) => {
    const logits = emitLogits(body, model, weights, rows);
    const { logprob, logprobs } = ops.targetLogprob(body, logits, wanted);
    return [
      logprob,
      emitEntropyNats(body, logprobs),
      ...(alternatives > 0 ? emitAlternatives(body, logprob, logprobs, alternatives) : []),
      ...(withLogits ? [logits] : []),
    ];
  });
  columns.forEach((value, i) => g.namedOutput(value, names[i]!));
  return g.build();
}

/**
 * H = −Σ p ln p of every row, over the whole vocabulary (METHOD §1.1).
 * @param logprobs [R, V]
 * @returns [R, 1], nats
 */
export function emitEntropyNats(g: Graph, logprobs: Value): Value {
  return ops.neg(g, ops.reduceSum(g, ops.mul(g, ops.exp(g, logprobs), logprobs), [1]));
}

/** Log-probs and ids of the most likely tokens, and the rank of the target among all. */
function emitAlternatives(g: Graph, logprob: Value, logprobs: Value, count: number): Value[] {
  const [best, ids] = topK(g, logprobs, count);
  const isBetter = ops.cast(g, ops.less(g, logprob, logprobs), 'float32');
  return [best!, ids!, ops.add(g, ops.reduceSum(g, isBetter, [1]), g.scalar(1))];
}

/** Dimensions: parts of the response tokens, and response tokens of a part. */
export const PARTS = 'parts of the response';
export const TOKENS = 'response tokens of a part';

/** Hidden states at the positions that predict response tokens, divided by the temperature. */
function emitResponses(
  g: Graph,
  model: ModelShape,
  { checkpointBlocks, perRowMask, images, inParts }: Omit<TrainGraphOptions, 'loss' | 'trained'>,
): { weights: Map<string, Value>; hidden: Value; targets: Value } {
  const ids = g.input('ids', 'int64', ['B', 'T']);
  const context = sequenceInputs(g, model.config, { perRowMask, attentionInParts: inParts.attention });
  const rows = g.input('rows', 'int64', inParts.logits ? [PARTS, TOKENS] : ['R']);
  const targets = g.input('targets', 'int64', inParts.logits ? [PARTS, TOKENS, 1] : ['R', 1]);
  const inverseTemperature = g.input('inverseTemperature', 'float32', []);
  const { multimodal, hiddenSize } = model.config;
  const weights = weightInputs(g, model);
  let features: Value | undefined;
  if (images === 'features') features = g.input('image.features', 'float32', ['F', hiddenSize]);
  if (images === 'pixels') {
    const { vision } = multimodal!;
    for (const [name, value] of visionWeightInputs(g, vision)) weights.set(name, value);
    features = emitVisionFeatures(g, vision, weights, visionInputs(g, vision), checkpointBlocks);
  }
  const all = emitHiddenStates(g, model, weights, ids, context, {
    attentionInParts: inParts.attention,
    checkpointBlocks,
    images: features === undefined ? undefined : { features, ...imageRowInputs(g) },
  });
  // Widened once for all parts of the logits and their gradients, which follow one another.
  const output = outputName(model.config);
  weights.set(output, ops.cast(g, weightOf(weights, output), 'float32'));
  return { weights, targets, hidden: ops.mul(g, ops.gatherRows(g, all, rows), inverseTemperature) };
}

/**
 * Columns [R, C] of what `emit` makes of hidden states [N, hiddenSize] and targets [N, 1], N being all
 * response tokens or, in parts, some of them.
 */
function emitPerToken(
  g: Graph,
  weights: ReadonlyMap<string, Value>,
  hidden: Value,
  targets: Value,
  inParts: boolean,
  emit: (g: Graph, hidden: Value, targets: Value) => Value[],
): Value[] {
  if (!inParts) return emit(g, hidden, targets);
  const columns = mapParts(g, [hidden, targets], outputWeights(weights), (body, [rows, wanted]) =>
    emit(body, rows!, wanted!),
  );
  return columns.map((column) => ops.reshape(g, column, ['R', column.shape.at(-1)!]));
}

/** What the logits depend on besides the hidden states. */
function outputWeights(weights: ReadonlyMap<string, Value>): Value[] {
  const isOutput = (name: string) =>
    name === (weights.has('lm_head.weight') ? 'lm_head.weight' : 'model.embed_tokens.weight') ||
    name.startsWith('lm_head.lora');
  return [...weights].filter(([name]) => isOutput(name)).map(([, value]) => value);
}

/** A per-token input column. */
function column(g: Graph, name: string): Value {
  return g.input(name, 'float32', ['R', 1]);
}

function total(g: Graph, x: Value): Value {
  return ops.reshape(g, ops.reduceSum(g, x, [0, 1]), []);
}

/** loss = −Σ weights · ln π */
function emitSupervisedLoss(g: Graph, logprob: Value): { loss: Value; klLoss: Value } {
  const loss = ops.neg(g, total(g, ops.mul(g, column(g, 'weights'), logprob)));
  return { loss, klLoss: g.scalar(0) };
}

function emitPolicyLoss(
  g: Graph,
  logprob: Value,
  { clipLow, clipHigh, dualClip, ratioLevel }: Extract<LossShape, { kind: 'policy' }>,
): { loss: Value; klLoss: Value } {
  const advantages = column(g, 'advantages');
  const tokenLogRatio = ops.sub(g, logprob, column(g, 'oldLogprobs'));
  const logRatio = ops.clip(
    g,
    ratioLevel === 'token' ? tokenLogRatio : emitSequenceMean(g, tokenLogRatio),
    -MAX_LOG_RATIO,
    MAX_LOG_RATIO,
  );
  const ratio = ops.exp(g, logRatio);
  const clipped = ops.clip(g, ratio, 1 - clipLow, 1 + clipHigh);
  const penalty = ops.neg(g, advantages);
  const pessimistic = ops.max(g, ops.mul(g, ratio, penalty), ops.mul(g, clipped, penalty));
  const capped = Number.isFinite(dualClip) ? emitDualClip(g, pessimistic, penalty, dualClip) : pessimistic;
  const policyLoss = total(g, ops.mul(g, column(g, 'weights'), capped));
  const klLoss = total(g, ops.mul(g, column(g, 'klWeights'), emitTokenKl(g, logprob)));
  return { loss: ops.add(g, policyLoss, klLoss), klLoss };
}

/** Where the advantage is negative the loss may not exceed dualClip · |advantage|. */
function emitDualClip(g: Graph, loss: Value, penalty: Value, dualClip: number): Value {
  const negativeAdvantage = ops.less(g, g.scalar(0), penalty);
  return ops.where(g, negativeAdvantage, ops.min(g, loss, ops.mul(g, penalty, g.scalar(dualClip))), loss);
}

/** The k3 estimate exp(k) − k − 1 with k = ln π_ref − ln π. */
function emitTokenKl(g: Graph, logprob: Value): Value {
  const difference = ops.clip(g, ops.sub(g, column(g, 'refLogprobs'), logprob), -MAX_LOG_RATIO, MAX_LOG_RATIO);
  const k3 = ops.sub(g, ops.sub(g, ops.exp(g, difference), difference), g.scalar(1));
  return ops.clip(g, k3, -MAX_TOKEN_KL, MAX_TOKEN_KL);
}

/**
 * Every token's value replaced by the mean over its sequence (GSPO).
 * `sequenceMean` [B, R] holds 1/length where token r belongs to sequence b, `membership` [R, B] holds 1.
 */
function emitSequenceMean(g: Graph, x: Value): Value {
  const means = ops.gemm(g, g.input('sequenceMean', 'float32', ['B', 'R']), x);
  return ops.gemm(g, g.input('membership', 'float32', ['R', 'B']), means);
}
