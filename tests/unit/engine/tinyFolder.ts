/** A tiny random model as a folder, for tests that need files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTextConfig } from '#core/model/config.ts';
import { initialWeights } from '#core/model/initialise.ts';
import { parameterSpecs } from '#core/model/parameters.ts';
import { writeSafetensors } from '#core/model/safetensors.ts';
import { tinyConfig } from './fixtures.ts';

export function writeTinyModel(folder: string): void {
  const json = tinyConfig('qwen2');
  const config = parseTextConfig(json, 'test model');
  const weights = initialWeights(config, 1, 0.3);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(json));
  const tensors = parameterSpecs(config).map(({ name, shape }) => ({ name, shape, data: weights.get(name)! }));
  writeSafetensors(join(folder, 'model.safetensors'), tensors);
}
