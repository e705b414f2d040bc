/**
 * One optimizer step over any number of sequences.
 *
 * Owns: micro-batching under a token budget, gradient accumulation, and the order of things in a step.
 * The graph is trainGraph.ts, the update adamw.ts; what the columns of a loss mean is the method's.
 */
import { VISION_PREFIX } from '#core/model/vision/parameters.ts';
import type { Outputs } from '#core/tensor/runtime.ts';
import { type Tensor, discard, float32 } from '#core/tensor/types.ts';
import { AresError } from '#core/util/errors.ts';
import type { PolicyLoss, SupervisedLoss, TrainStepRequest, TrainStepResult } from './api.ts';
import { adamwStep } from './adamw.ts';
import { imageFeeds } from './imageFeeds.ts';
import {
  type MicroBatch,
  type PartLimits,
  buildMicroBatch,
  gatherColumn,
  planMicroBatches,
  responseOffsets,
  scatterColumn,
  sequenceMatrices,
} from './microBatch.ts';
import { type ModelState, modelFeeds, shapeOf, trainedNames, trainedWeights } from './modelState.ts';
import type { DeviceTensors } from './residentModel.ts';
import type { SessionCache } from './sessionCache.ts';
import { GRADIENT_PREFIX, type ImageSource, type InParts, type LossShape, buildTrainGraph } from './trainGraph.ts';

export interface ComputeOptions {
  /** Padded tokens per micro-batch. */
  tokenBudget: number;
  checkpointBlocks: boolean;
  /** Default: what microBatch.ts finds right. */
  partLimits?: PartLimits;
}

/** Loss and gradients over all sequences, without an update. */
export interface GradientResult extends Omit<TrainStepResult, 'gradientNorm'> {
  gradients: Map<string, Float32Array>;
}

export async function trainStep(
  sessions: SessionCache,
  state: ModelState,
  request: Omit<TrainStepRequest, 'model'>,
  options: ComputeOptions,
): Promise<TrainStepResult> {
  if (state.optimizer === undefined) {
    throw new AresError('internal', 'This model has no trainer; openTrainer must come before trainStep.');
  }
  const update = state.resident === undefined ? updateOnHost : updateOnDevice;
  const { gradientNorm, ...result } = await update(sessions, state, request, options);
  state.version++;
  if (state.trainsVision) state.features.clear();
  return { ...result, gradientNorm };
}

type Update = typeof trainStep;

const updateOnHost: Update = async (sessions, state, request, options) => {
  const { gradients, ...result } = await computeGradients(sessions, state, request, options);
  const gradientNorm = adamwStep(state.optimizer!, trainedWeights(state), gradients, request.learningRate);
  for (const gradient of gradients.values()) discard(float32(gradient, [gradient.length]));
  return { ...result, gradientNorm };
};

/** Gradients and update without a way over the CPU. */
const updateOnDevice: Update = async (sessions, state, request, options) => {
  const device = sessions.device!;
  const resident = state.resident!;
  const gradients: DeviceTensors = new Map();
  const result = await runMicroBatches(sessions, state, request, options, async (outputs) => {
    for (const [name, gradient] of gradientsIn(outputs.device)) {
      const sum = gradients.get(name);
      gradients.set(name, sum === undefined ? gradient : await device.addUp(sum, gradient));
    }
  });
  for (const name of trainedNames(state))
    if (!gradients.has(name)) gradients.set(name, await device.zerosLike(resident.tensor(name)));
  const gradientNorm = await resident.update(state.optimizer!, gradients, request.learningRate);
  return { ...result, gradientNorm };
};

/** Of a model on the CPU. */
export async function computeGradients(
  sessions: SessionCache,
  state: ModelState,
  request: Pick<TrainStepRequest, 'sequences' | 'loss'>,
  options: ComputeOptions,
): Promise<GradientResult> {
  const gradients = new Map<string, Float32Array>();
  const result = await runMicroBatches(sessions, state, request, options, ({ host }) => accumulate(gradients, host));
  for (const [name, weight] of trainedWeights(state)) {
    if (!gradients.has(name)) gradients.set(name, new Float32Array(weight.length));
  }
  return { ...result, gradients };
}

/** Losses and log-probs of all sequences; what each run of the graph gives goes to `take`, gradients among it. */
async function runMicroBatches(
  sessions: SessionCache,
  state: ModelState,
  { sequences, loss }: Pick<TrainStepRequest, 'sequences' | 'loss'>,
  { tokenBudget, checkpointBlocks, partLimits }: ComputeOptions,
  take: (outputs: Outputs) => void | Promise<void>,
): Promise<Omit<TrainStepResult, 'gradientNorm'>> {
  const shape = lossShape(loss);
  const trained = trainedNames(state);
  const graph = (images: ImageSource | undefined, inParts: InParts) => {
    const purpose = JSON.stringify({ shape, checkpointBlocks, images, trainsVision: state.trainsVision, inParts });
    const build = () =>
      buildTrainGraph(shapeOf(state), {
        loss: shape,
        checkpointBlocks,
        perRowMask: false,
        images,
        inParts,
        // Without images there is no vision tower in the graph; its gradient is zero.
        trained: images === 'pixels' ? trained : trained.filter((name) => !name.startsWith(VISION_PREFIX)),
      });
    return sessions.get(state, `train ${purpose}`, build, state.resident && isGradient);
  };
  const offsets = responseOffsets(sequences);
  const result = { loss: 0, klLoss: 0, logprobs: new Float32Array(offsets.at(-1)!) };
  let runs = 0;
  for (const group of planMicroBatches(sequences, tokenBudget)) {
    const batch = buildMicroBatch(sequences, group, offsets, state.config.vocabSize, partLimits);
    const images = await imageFeeds(sessions, state, sequences, batch, state.trainsVision ? 'pixels' : 'features');
    const session = await graph(images?.source, batch.inParts);
    const outputs = await session.runKeeping({
      ...modelFeeds(state, batch.length),
      ...batch.feeds,
      ...images?.feeds,
      ...lossFeeds(loss, batch),
      ...(shape.kind === 'policy' && shape.ratioLevel === 'sequence' ? sequenceMatrices(sequences, batch) : {}),
    });
    result.loss += scalarOf(outputs.host['loss']!);
    result.klLoss += scalarOf(outputs.host['klLoss']!);
    scatterColumn(outputs.host['logprobs']!, batch, result.logprobs);
    await take(outputs);
    runs++;
  }
  if (runs === 0) throw new AresError('internal', 'A training step was given no response tokens.');
  return result;
}

const isGradient = (output: string) => output.startsWith(GRADIENT_PREFIX);

/** By the names of the weights. */
function gradientsIn<T>(outputs: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(outputs).flatMap(([output, value]) =>
    isGradient(output) ? [[output.slice(GRADIENT_PREFIX.length), value]] : [],
  );
}

function lossShape(loss: SupervisedLoss | PolicyLoss): LossShape {
  if (loss.kind === 'supervised') return { kind: 'supervised' };
  const { kind, clipLow, clipHigh, dualClip, ratioLevel } = loss;
  return { kind, clipLow, clipHigh, dualClip, ratioLevel };
}

function lossFeeds(loss: SupervisedLoss | PolicyLoss, batch: MicroBatch): Record<string, Tensor> {
  const temperature = loss.kind === 'policy' ? loss.temperature : 1;
  const inverseTemperature: Tensor = { type: 'float32', shape: [], data: Float32Array.of(1 / temperature) };
  const column = (values: Float32Array) => gatherColumn(values, batch);
  if (loss.kind === 'supervised') return { inverseTemperature, weights: column(loss.weights) };
  return {
    inverseTemperature,
    weights: column(loss.weights),
    advantages: column(loss.advantages),
    oldLogprobs: column(loss.oldLogprobs),
    refLogprobs: column(loss.refLogprobs),
    klWeights: column(loss.klWeights),
  };
}

function scalarOf(tensor: Tensor): number {
  return Number(tensor.data[0]);
}

/** The first micro-batch's gradients are fresh buffers and serve as accumulators for the rest. */
function accumulate(sums: Map<string, Float32Array>, outputs: Record<string, Tensor>): void {
  for (const [name, tensor] of gradientsIn(outputs)) {
    const gradient = tensor.data as Float32Array;
    const sum = sums.get(name);
    if (sum === undefined) {
      sums.set(name, gradient);
      continue;
    }
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + gradient[i]!;
    discard(tensor);
  }
}
