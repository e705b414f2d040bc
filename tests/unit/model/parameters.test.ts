/** Names and shapes against what transformers wrote for each family. */
import { describe, expect, it } from 'vitest';
import { parseTextConfig } from '#core/model/config.ts';
import { readJsonObject } from '#core/model/json.ts';
import { parameterCount, parameterSpecs } from '#core/model/parameters.ts';
import { readSafetensorsHeader } from '#core/model/safetensors.ts';
import { describeWithShared, sharedPath } from '../../shared.ts';
import { tinyConfig } from './tinyModel.ts';

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

const namesOf = (fields: object) =>
  parameterSpecs(parseTextConfig({ ...tinyConfig, num_hidden_layers: 1, ...fields }, 'x')).map(({ name }) => name);

describeWithShared('parameterSpecs', () => {
  it.each([
    ['llama-tiny', ['model.safetensors']],
    ['qwen2-tiny', ['model.safetensors']],
    ['qwen3-tiny', [1, 2, 3].map((shard) => `model-0000${shard}-of-00003.safetensors`)],
  ])('%s has exactly the tensors of its checkpoint', (name, files) => {
    const folder = sharedPath('fixtures', 'hf', name);
    const stored = files.flatMap((file) =>
      [...readSafetensorsHeader(`${folder}/${file}`).tensors.values()].map(({ name, shape }) => ({ name, shape })),
    );
    const specs = parameterSpecs(parseTextConfig(readJsonObject(`${folder}/config.json`), name));
    expect([...specs].sort(byName)).toEqual(stored.sort(byName));
  });
});

describe('parameterSpecs', () => {
  it('goes through the model in forward order', () => {
    expect(namesOf({ tie_word_embeddings: false })).toEqual([
      'model.embed_tokens.weight',
      'model.layers.0.input_layernorm.weight',
      'model.layers.0.self_attn.q_proj.weight',
      'model.layers.0.self_attn.k_proj.weight',
      'model.layers.0.self_attn.v_proj.weight',
      'model.layers.0.self_attn.q_norm.weight',
      'model.layers.0.self_attn.k_norm.weight',
      'model.layers.0.self_attn.o_proj.weight',
      'model.layers.0.post_attention_layernorm.weight',
      'model.layers.0.mlp.gate_proj.weight',
      'model.layers.0.mlp.up_proj.weight',
      'model.layers.0.mlp.down_proj.weight',
      'model.norm.weight',
      'lm_head.weight',
    ]);
  });

  it('lists every bias of a llama that has them all', () => {
    const names = namesOf({ model_type: 'llama', attention_bias: true, mlp_bias: true });
    const biases = names.filter((name) => name.endsWith('.bias')).map((name) => name.split('.').at(-2));
    expect(biases).toEqual(['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']);
  });

  it('counts a tied matrix once', () => {
    const untied = parameterCount(parseTextConfig({ ...tinyConfig, tie_word_embeddings: false }, 'x'));
    const tied = parameterCount(parseTextConfig(tinyConfig, 'x'));
    expect(untied - tied).toBe(20 * 8);
  });
});
