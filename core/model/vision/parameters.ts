/**
 * Which parameters the vision tower has: names as in Hugging Face checkpoints, and shapes.
 *
 * Owns: the mapping from a configuration to the list of its tensors, in forward order.
 */
import type { ParameterSpec } from '#core/model/parameters.ts';
import type { VisionConfig } from './config.ts';

export const VISION_PREFIX = 'visual.';

export function visionParameterSpecs(config: VisionConfig): ParameterSpec[] {
  const { hiddenSize, intermediateSize, outSize, mergeSize, channels, temporalPatchSize, patchSize } = config;
  const merged = hiddenSize * mergeSize ** 2;
  const linear = (name: string, out: number, input: number): ParameterSpec[] => [
    { name: `${VISION_PREFIX}${name}.weight`, shape: [out, input] },
    { name: `${VISION_PREFIX}${name}.bias`, shape: [out] },
  ];
  const norm = (name: string): ParameterSpec => ({ name: `${VISION_PREFIX}${name}.weight`, shape: [hiddenSize] });
  const block = (layer: number): ParameterSpec[] => [
    norm(`blocks.${layer}.norm1`),
    ...linear(`blocks.${layer}.attn.qkv`, 3 * hiddenSize, hiddenSize),
    ...linear(`blocks.${layer}.attn.proj`, hiddenSize, hiddenSize),
    norm(`blocks.${layer}.norm2`),
    ...linear(`blocks.${layer}.mlp.gate_proj`, intermediateSize, hiddenSize),
    ...linear(`blocks.${layer}.mlp.up_proj`, intermediateSize, hiddenSize),
    ...linear(`blocks.${layer}.mlp.down_proj`, hiddenSize, intermediateSize),
  ];
  return [
    {
      name: `${VISION_PREFIX}patch_embed.proj.weight`,
      // A convolution whose stride is its size: a matrix over the numbers of a patch.
      shape: [hiddenSize, channels, temporalPatchSize, patchSize, patchSize],
    },
    ...Array.from({ length: config.layers }, (_, layer) => block(layer)).flat(),
    norm('merger.ln_q'),
    ...linear('merger.mlp.0', merged, merged),
    ...linear('merger.mlp.2', outSize, merged),
  ];
}
