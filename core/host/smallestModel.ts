/**
 * The smallest model there can be, with random weights, for checks of the engine.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initialWeights } from '#core/model/initialise.ts';
import { openModelFolder, saveModelFolder } from '#core/model/modelFolder.ts';

const config = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  intermediate_size: 8,
  vocab_size: 16,
  max_position_embeddings: 8,
  rms_norm_eps: 1e-6,
  hidden_act: 'silu',
  rope_theta: 10000,
  tie_word_embeddings: true,
  eos_token_id: null,
};

/** Writes it into a folder; returns the model's own folder in it. */
export function writeSmallestModel(folder: string): string {
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const source = openModelFolder(folder);
  const model = join(folder, 'model');
  saveModelFolder(model, source, initialWeights(source.config, 1), { dtype: 'float32' });
  return model;
}
