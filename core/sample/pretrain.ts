/**
 * Pre-training of the sample's base model, from nothing to a Hugging Face folder.
 *
 * Owns: the loop over the recipe's steps. The documents are corpus.ts, the numbers recipe.ts; `ares
 * sample pretrain` runs it, and resources/sample/base is what it made.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine, ModelHandle } from '#core/engine/api.ts';
import { parseTextConfig } from '#core/model/config.ts';
import { initialWeights } from '#core/model/initialise.ts';
import { parameterSpecs } from '#core/model/parameters.ts';
import { writeSafetensors } from '#core/model/safetensors.ts';
import { type PretrainingDocument, PretrainingStream } from './corpus.ts';
import { heldoutChains } from './project.ts';
import { type PretrainRecipe, pretrainLearningRate, totalSteps } from './recipe.ts';
import { sampleModelConfig, sampleModelFiles } from './tokenizer.ts';

export interface PretrainProgress {
  step: number;
  steps: number;
  /** Mean loss per learned token of this step, nats. */
  loss: number;
  learningRate: number;
}

/**
 * Trains the base model and saves it. The same recipe and seed give the same weights on the same
 * machine and number of threads.
 * @param folder must not exist
 */
export async function pretrainBase(
  engine: Engine,
  recipe: PretrainRecipe,
  seed: number,
  folder: string,
  onProgress: (progress: PretrainProgress) => void,
): Promise<void> {
  // The folder stays until the end: saving copies the tokenizer from where a model was opened.
  const fresh = mkdtempSync(join(tmpdir(), 'ares-sample-'));
  try {
    writeFresh(fresh, seed);
    const { handle: model } = await engine.openModel(fresh);
    await engine.openTrainer(model, recipe.optimizer);
    const stream = new PretrainingStream(recipe, seed, heldoutChains());
    const steps = totalSteps(recipe);
    for (let step = 0; step < steps; step++) {
      const learningRate = pretrainLearningRate(recipe, step);
      const loss = await learn(engine, model, stream.batch(step), learningRate);
      onProgress({ step: step + 1, steps, loss, learningRate });
    }
    await engine.saveModel(model, folder);
    await engine.closeModel(model);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** One step; the loss is the mean over the tokens that are learned from. */
async function learn(
  engine: Engine,
  model: ModelHandle,
  documents: readonly PretrainingDocument[],
  learningRate: number,
): Promise<number> {
  const learned = documents.flatMap((document) => [...document.learned]);
  const tokens = learned.reduce((count, flag) => count + flag, 0);
  const weights = Float32Array.from(learned, (flag) => flag / tokens);
  const { loss } = await engine.trainStep({
    model,
    sequences: documents,
    loss: { kind: 'supervised', weights },
    learningRate,
  });
  return loss;
}

/** A model with random weights, as a folder: that is how the engine opens models. */
function writeFresh(folder: string, seed: number): void {
  const config = parseTextConfig(sampleModelConfig, 'sample model');
  const weights = initialWeights(config, seed);
  for (const [name, text] of Object.entries(sampleModelFiles())) writeFileSync(join(folder, name), text);
  const tensors = parameterSpecs(config).map(({ name, shape }) => ({ name, shape, data: weights.get(name)! }));
  writeSafetensors(join(folder, 'model.safetensors'), tensors);
}
