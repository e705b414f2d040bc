/**
 * The loop under every training stage: step, log, checkpoint, pause, resume.
 *
 * Owns: when checkpoints are written and what they hold (weights and optimizer by the engine, the
 * stage's own state as JSON), and the return to the newest valid one. What a step does is the stage's.
 * Steps must depend on nothing but the engine's weights, the state and the step number: then a run
 * that was killed and resumed ends with the very bits of one that was not.
 */
import { join } from 'node:path';
import type { ModelHandle } from '#core/engine/api.ts';
import type { JsonValue } from './canonicalJson.ts';
import { type ValidCheckpoint, newestValidCheckpoint, pruneCheckpoints, writeCheckpoint } from './checkpoint.ts';
import type { RunContext, StageEnd } from './context.ts';
import { machineUse, watchMachine } from './machineMetrics.ts';

export interface TrainingStage<State extends JsonValue> {
  stage: number;
  name: string;
  /** Opened, with its trainer. */
  model: ModelHandle;
  steps: number;
  initial: State;
  /** Makes step number `step` (0-based) and gives the state after it, what to log, and how many response tokens it had. */
  advance(
    step: number,
    state: State,
  ): Promise<{ state: State; metrics: Readonly<Record<string, number>>; tokens: number }>;
}

export async function runTrainingLoop<State extends JsonValue>(
  context: RunContext,
  training: TrainingStage<State>,
): Promise<StageEnd> {
  const { store, runId, engine, listener, recipe } = context;
  const { stage, name, model, steps } = training;
  const parent = join(context.folder, 'checkpoints', name);
  const { checkpoint, damaged } = await newestValidCheckpoint(parent);
  for (const { folder, reason } of damaged) {
    store.checkpoints.mark(runId, folder, 'damaged');
    listener.message('warning', `Passed over the checkpoint ${folder} because ${reason}.`);
  }
  let state = training.initial;
  let step = 0;
  if (checkpoint !== null) {
    await engine.loadTrainer(model, checkpoint.folder);
    state = checkpoint.manifest.state as State;
    step = checkpoint.manifest.step;
    // Again, because the run may have died between the folder and the pointer to it.
    point(step, checkpoint);
    listener.message('info', `Resumed ${name} after step ${step} of ${steps}.`);
  }
  // What was logged after the checkpoint is about to happen again.
  store.metrics.removeAfter(runId, stage, step - 1);
  store.rollouts.removeAfter(runId, stage, step - 1);

  function point(atStep: number, { folder, manifestHash }: ValidCheckpoint): void {
    store.checkpoints.record({ runId, stage, step: atStep, folder, manifestHash, createdMs: Date.now() });
  }

  let saved = step;
  const save = async () => {
    if (saved === step) return;
    const fill = (temporary: string) => engine.saveTrainer(model, temporary);
    point(step, await writeCheckpoint(parent, { stage: name, step, state }, fill));
    for (const pruned of await pruneCheckpoints(parent, recipe.checkpoints.keep))
      store.checkpoints.mark(runId, pruned, 'pruned');
    saved = step;
  };

  while (step < steps) {
    if (context.stopRequested()) {
      await save();
      return 'paused';
    }
    const measure = watchMachine(() => machineUse(engine));
    const result = await training.advance(step, state);
    const values = { ...result.metrics, ...(await measure(result.tokens)) };
    store.metrics.write(runId, stage, [{ step, values }]);
    listener.metrics(stage, step, values);
    state = result.state;
    step++;
    if (step % recipe.checkpoints.everySteps === 0 || step === steps) await save();
    listener.progress(stage, step, steps);
  }
  return 'finished';
}
