/** Small random models for engine tests: no files needed. */
import type { ModelState } from '#core/engine/modelState.ts';
import { parseTextConfig } from '#core/model/config.ts';
import { initialWeights } from '#core/model/initialise.ts';

const base = {
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 48,
  vocab_size: 60,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-6,
  hidden_act: 'silu',
  rope_theta: 10000,
  tie_word_embeddings: true,
  eos_token_id: 2,
};

export function tinyConfig(family: 'llama' | 'qwen2' | 'qwen3') {
  return { ...base, head_dim: 8, model_type: family };
}

/** Deviation 0.3 makes the distributions uneven enough for truncation and stopping to matter. */
export function randomModel(family: 'llama' | 'qwen2' | 'qwen3', seed = 1): ModelState {
  const config = parseTextConfig(tinyConfig(family), 'test model');
  return {
    source: { folder: 'test model', config, rawConfig: {}, stopIds: [2] } as unknown as ModelState['source'],
    adapter: null,
    trainsVision: false,
    features: new Map(),
    config,
    weights: initialWeights(config, seed, 0.3),
    version: 0,
    optimizer: undefined,
  };
}
