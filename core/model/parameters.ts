/**
 * Which parameters a model has: names as in Hugging Face checkpoints, and shapes.
 *
 * Owns: the mapping from a configuration to the list of its tensors. Linear weights are [out, in] as
 * stored. It reads no files.
 */
import type { TextConfig } from './config.ts';
import { visionParameterSpecs } from './vision/parameters.ts';

export interface ParameterSpec {
  name: string;
  shape: number[];
}

/** All parameters: the language part in the order the forward pass uses it, then the vision tower if there is one. */
export function parameterSpecs(config: TextConfig): ParameterSpec[] {
  const { multimodal } = config;
  return [...languageSpecs(config), ...(multimodal === null ? [] : visionParameterSpecs(multimodal.vision))];
}

/** The language part; lm_head.weight only where it is not tied. */
export function languageSpecs(config: TextConfig): ParameterSpec[] {
  const { hiddenSize, vocabSize, tiedEmbeddings } = config;
  const specs: ParameterSpec[] = [{ name: 'model.embed_tokens.weight', shape: [vocabSize, hiddenSize] }];
  for (let layer = 0; layer < config.layers; layer++) specs.push(...layerSpecs(config, `model.layers.${layer}`));
  specs.push({ name: 'model.norm.weight', shape: [hiddenSize] });
  if (!tiedEmbeddings) specs.push({ name: 'lm_head.weight', shape: [vocabSize, hiddenSize] });
  return specs;
}

/** Number of scalars in all parameters; tied embeddings count once. */
export function parameterCount(config: TextConfig): number {
  return parameterSpecs(config).reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
}

function layerSpecs(config: TextConfig, prefix: string): ParameterSpec[] {
  const { hiddenSize, intermediateSize, headDim, qkvBias, outputBias, mlpBias } = config;
  const queryWidth = config.heads * headDim;
  const keyWidth = config.kvHeads * headDim;
  const norm = (name: string, width: number): ParameterSpec => ({ name: `${prefix}.${name}.weight`, shape: [width] });
  const linear = (name: string, out: number, input: number, bias: boolean): ParameterSpec[] => [
    { name: `${prefix}.${name}.weight`, shape: [out, input] },
    ...(bias ? [{ name: `${prefix}.${name}.bias`, shape: [out] }] : []),
  ];
  return [
    norm('input_layernorm', hiddenSize),
    ...linear('self_attn.q_proj', queryWidth, hiddenSize, qkvBias),
    ...linear('self_attn.k_proj', keyWidth, hiddenSize, qkvBias),
    ...linear('self_attn.v_proj', keyWidth, hiddenSize, qkvBias),
    ...(config.qkNorm ? [norm('self_attn.q_norm', headDim), norm('self_attn.k_norm', headDim)] : []),
    ...linear('self_attn.o_proj', hiddenSize, queryWidth, outputBias),
    norm('post_attention_layernorm', hiddenSize),
    ...linear('mlp.gate_proj', intermediateSize, hiddenSize, mlpBias),
    ...linear('mlp.up_proj', intermediateSize, hiddenSize, mlpBias),
    ...linear('mlp.down_proj', hiddenSize, intermediateSize, mlpBias),
  ];
}
