/**
 * `ares sample pretrain`: the sample's base model, made again from nothing.
 *
 * Owns: the progress line. The recipe and the loop are core/sample.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineCommand } from '#core/cli/command.ts';
import { withEngine } from '#core/cli/engine.ts';
import { pretrainBase } from '#core/sample/pretrain.ts';
import { defaultPretrainRecipe, totalSteps } from '#core/sample/recipe.ts';
import { AresError } from '#core/util/errors.ts';

export const samplePretrain = defineCommand({
  summary: "Train the sample project's base model from random weights.",
  options: {
    out: { kind: 'text', value: 'DIR', help: 'Folder for the model; must not exist.', required: true },
    seed: { kind: 'number', value: 'N', help: 'Seed of weights and documents.', default: 1, integer: true, minimum: 0 },
  },
  operands: {},
  async run({ options: { out, seed }, json, terminal }) {
    const folder = resolve(out);
    if (existsSync(folder)) {
      throw new AresError('usage', 'The folder for the model already exists.', {
        where: folder,
        hint: 'Choose another --out.',
      });
    }
    const steps = totalSteps(defaultPretrainRecipe);
    const bar = terminal.progress('Pre-training', steps);
    let lossNats = NaN;
    await withEngine((engine) =>
      pretrainBase(engine, defaultPretrainRecipe, seed, folder, ({ step, loss }) => {
        lossNats = loss;
        bar.update(step, `loss ${loss.toFixed(3)}`);
      }),
    ).finally(() => bar.end());
    if (json) terminal.json({ folder, steps, seed, lossNats });
    else
      terminal.print(
        `Trained ${steps} steps, last loss ${lossNats.toFixed(3)} nats per token. The model is in ${folder}`,
      );
    return 0;
  },
});
