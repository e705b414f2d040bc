/**
 * Fresh weights for a config.
 *
 * Owns: the initial distribution: normal with the given deviation, the matrices that write into the
 * residual stream scaled down by sqrt(2 · layers) (GPT-2's rule), norms 1, biases 0.
 */
import { RandomSequence, Stream } from '#core/util/rng.ts';
import type { TextConfig } from './config.ts';
import { parameterSpecs } from './parameters.ts';

export function initialWeights(config: TextConfig, seed: number, deviation = 0.02): Map<string, Float32Array> {
  return new Map(
    parameterSpecs(config).map(({ name, shape }, index) => {
      const length = shape.reduce((product, size) => product * size, 1);
      if (name.endsWith('norm.weight')) return [name, new Float32Array(length).fill(1)];
      if (name.endsWith('.bias')) return [name, new Float32Array(length)];
      const random = new RandomSequence(seed, Stream.initialisation, index);
      const residual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight');
      const scale = residual ? deviation / Math.sqrt(2 * config.layers) : deviation;
      return [name, Float32Array.from({ length }, () => scale * random.normal())];
    }),
  );
}
