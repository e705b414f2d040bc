/**
 * Supervised fine-tuning on a curated set of traces: the plan of its steps, and one step.
 *
 * Owns: the order of traces over epochs and the token-mean loss. Which traces are in the set is
 * decided in ares/adacs.ts.
 */
import type { Engine, ModelHandle, Sequence, TrainStepResult } from '#core/engine/api.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';

export interface ColdStartPlan {
  traces: number;
  epochs: number;
  batchSize: number;
  seed: number;
}

/** Number of optimizer steps; the last batch of an epoch may be smaller. */
export function coldStartSteps({ traces, epochs, batchSize }: ColdStartPlan): number {
  return epochs * Math.ceil(traces / batchSize);
}

/** Indices of the traces of one step; every epoch is a fresh shuffle of all of them. */
export function coldStartBatch(plan: ColdStartPlan, step: number): number[] {
  const perEpoch = Math.ceil(plan.traces / plan.batchSize);
  const epoch = Math.floor(step / perEpoch);
  const order = new RandomSequence(plan.seed, Stream.shuffle, epoch).shuffled(
    Array.from({ length: plan.traces }, (_, i) => i),
  );
  const start = (step % perEpoch) * plan.batchSize;
  return order.slice(start, start + plan.batchSize);
}

/** One supervised step; the loss is the mean over all response tokens of the batch. */
export function superviseStep(
  engine: Engine,
  model: ModelHandle,
  sequences: readonly Sequence[],
  learningRate: number,
): Promise<TrainStepResult> {
  const tokens = sequences.reduce((sum, { responseIds }) => sum + responseIds.length, 0);
  const weights = new Float32Array(tokens).fill(1 / tokens);
  return engine.trainStep({ model, sequences, loss: { kind: 'supervised', weights }, learningRate });
}
