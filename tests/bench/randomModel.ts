/** A model folder of random weights: for benches, which need its shape and nothing else. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTextConfig } from '#core/model/config.ts';
import { parameterSpecs } from '#core/model/parameters.ts';
import { writeSafetensors } from '#core/model/safetensors.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';

/** Random enough: a block of normal numbers, repeated. */
export function writeRandomModel(config: Record<string, unknown>, folder: string): void {
  const random = new RandomSequence(1, Stream.initialisation);
  const block = Float32Array.from({ length: 100_003 }, () => 0.02 * random.normal());
  const tensors = parameterSpecs(parseTextConfig(config, 'shape')).map(({ name, shape }) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const data = new Float32Array(length);
    if (name.endsWith('norm.weight')) data.fill(1);
    else for (let at = 0; at < length; at += block.length) data.set(block.subarray(0, length - at), at);
    return { name, shape, data };
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeSafetensors(join(folder, 'model.safetensors'), tensors);
}
