/** config.json: family defaults, both styles of RoPE, and refusals that name field and value. */
import { describe, expect, it } from 'vitest';
import { parseTextConfig } from '#core/model/config.ts';
import { AresError } from '#core/util/errors.ts';

const qwen2 = {
  model_type: 'qwen2',
  vocab_size: 100,
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 3,
  num_attention_heads: 8,
  num_key_value_heads: 2,
};
const qwen3 = { ...qwen2, model_type: 'qwen3' };
const llama = { ...qwen2, model_type: 'llama' };

const parse = (json: unknown) => parseTextConfig(json, 'config.json');

function errorOf(json: unknown): AresError {
  try {
    parse(json);
  } catch (error) {
    if (error instanceof AresError) return error;
    throw error;
  }
  throw new Error('accepted');
}

describe('family defaults', () => {
  it('qwen2 has biases on q, k, v and nowhere else, whatever attention_bias says', () => {
    const expected = { qkvBias: true, outputBias: false, mlpBias: false, qkNorm: false, headDim: 8 };
    expect(parse({ ...qwen2, attention_bias: false, mlp_bias: true })).toMatchObject(expected);
  });

  it('qwen3 has norms on queries and keys and heads of 128 unless told otherwise', () => {
    expect(parse(qwen3)).toMatchObject({ qkvBias: false, outputBias: false, qkNorm: true, headDim: 128 });
    expect(parse({ ...qwen3, head_dim: null }).headDim).toBe(128);
    expect(parse({ ...qwen3, attention_bias: true })).toMatchObject({ qkvBias: true, outputBias: true });
  });

  it('llama: attention_bias covers o_proj too, mlp_bias the three MLP matrices', () => {
    expect(parse({ ...llama, attention_bias: true, mlp_bias: true })).toMatchObject({
      qkvBias: true,
      outputBias: true,
      mlpBias: true,
      qkNorm: false,
    });
  });

  it('fills in what a minimal file leaves out as transformers does', () => {
    const { num_key_value_heads: _, ...noGroups } = llama;
    expect(parse(noGroups)).toMatchObject({
      kvHeads: 8,
      rmsNormEps: 1e-6,
      tiedEmbeddings: false,
      maxPositions: 2048,
      eosIds: [2],
      bosId: 1,
      padId: null,
      dtype: 'float32',
      rope: { theta: 10000, scaling: null },
    });
    expect(parse({ ...qwen2, num_key_value_heads: 8 })).toMatchObject({ maxPositions: 32768, eosIds: [], bosId: null });
  });

  it('an explicit null is not an absent token', () => {
    expect(parse({ ...llama, eos_token_id: null, bos_token_id: null })).toMatchObject({ eosIds: [], bosId: null });
  });

  it('takes lists of end tokens, and negative ids as none', () => {
    expect(parse({ ...llama, eos_token_id: [9, 7], pad_token_id: -1 })).toMatchObject({ eosIds: [9, 7], padId: null });
  });

  it('dtype goes before torch_dtype', () => {
    expect(parse({ ...llama, dtype: 'bfloat16', torch_dtype: 'float32' }).dtype).toBe('bfloat16');
    expect(parse({ ...llama, torch_dtype: 'float16' }).dtype).toBe('float16');
  });
});

describe('RoPE', () => {
  const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 };
  const expected = { kind: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 64 };

  it.each([
    ['rope_scaling with type', { rope_theta: 5e5, rope_scaling: { type: 'llama3', ...llama3 } }],
    ['rope_scaling with rope_type', { rope_theta: 5e5, rope_scaling: { rope_type: 'llama3', ...llama3 } }],
    ['rope_parameters', { rope_parameters: { rope_theta: 5e5, rope_type: 'llama3', ...llama3 } }],
    [
      'both, agreeing',
      {
        rope_theta: 5e5,
        rope_scaling: { type: 'llama3', ...llama3 },
        rope_parameters: { rope_theta: 5e5, rope_type: 'llama3', ...llama3 },
      },
    ],
  ])('reads %s', (_, fields) => {
    expect(parse({ ...llama, ...fields }).rope).toEqual({ theta: 5e5, scaling: expected });
  });

  it('reads linear scaling and ignores an empty section', () => {
    const rope = parse({ ...llama, rope_scaling: { type: 'linear', factor: 2 }, rope_parameters: {} }).rope;
    expect(rope).toEqual({ theta: 10000, scaling: { kind: 'linear', factor: 2 } });
  });

  it('takes the original context from the top level first, and max_position_embeddings last', () => {
    const { original_max_position_embeddings: _, ...withoutOriginal } = llama3;
    const rope_scaling = { rope_type: 'llama3', ...withoutOriginal };
    expect(parse({ ...llama, rope_scaling, max_position_embeddings: 512 }).rope.scaling).toMatchObject({
      originalMaxPositions: 512,
    });
    expect(
      parse({ ...llama, rope_scaling: { rope_type: 'llama3', ...llama3 }, original_max_position_embeddings: 32 }).rope
        .scaling,
    ).toMatchObject({ originalMaxPositions: 32 });
  });

  it.each([
    ['two values of theta', { rope_theta: 10000, rope_parameters: { rope_theta: 1e6, rope_type: 'default' } }],
    ['two scalings', { rope_scaling: { type: 'linear', factor: 2 }, rope_parameters: { rope_type: 'default' } }],
    ['no factor', { rope_scaling: { type: 'linear' } }],
    ['a ramp without width', { rope_scaling: { rope_type: 'llama3', ...llama3, high_freq_factor: 1 } }],
    ['theta of 0', { rope_theta: 0 }],
    ['a list', { rope_scaling: [2] }],
  ])('refuses %s as a bad file', (_, fields) => {
    expect(errorOf({ ...llama, ...fields }).code).toBe('bad-file');
  });

  it.each([
    ['"yarn"', { rope_scaling: { type: 'yarn', factor: 4 } }],
    ['"dynamic"', { rope_scaling: { rope_type: 'dynamic', factor: 4 } }],
    ['"longrope"', { rope_parameters: { rope_type: 'longrope' } }],
    ['mrope_section', { rope_parameters: { rope_type: 'default', mrope_section: [2, 2, 2] } }],
    ['"mrope"', { rope_parameters: { rope_type: 'default', type: 'mrope' } }],
    ['partial_rotary_factor', { partial_rotary_factor: 0.5 }],
    ['partial_rotary_factor', { rope_parameters: { partial_rotary_factor: 0.25 } }],
    ['full_attention', { rope_parameters: { full_attention: { rope_theta: 1e4 } } }],
  ])('does not support %s', (named, fields) => {
    const error = errorOf({ ...llama, ...fields });
    expect(error.code).toBe('unsupported');
    expect(error.message).toContain(named);
  });
});

describe('what would change the numbers is refused by name and value', () => {
  it.each([
    [{ model_type: 'qwen2_vl' }, 'model_type', 'qwen2_vl'],
    [{ model_type: 'toString' }, 'model_type', 'toString'],
    [{ architectures: ['Qwen2ForSequenceClassification'] }, 'architectures', 'Qwen2ForSequenceClassification'],
    [{ hidden_act: 'gelu' }, 'hidden_act', 'gelu'],
    [{ quantization_config: { bits: 4 } }, 'quantization_config', 'bits'],
    [{ use_mrope: true }, 'use_mrope', 'true'],
    [{ final_logit_softcapping: 30 }, 'final_logit_softcapping', '30'],
    [{ num_experts: 8 }, 'num_experts', '8'],
    [{ layer_types: ['full_attention', 'sliding_attention', 'full_attention'] }, 'layer_types', 'sliding_attention'],
    [{ use_sliding_window: true, sliding_window: 4096, max_window_layers: 2 }, 'sliding_window', '4096'],
    [{ use_sliding_window: true, sliding_window: 4096 }, 'sliding_window', '4096'],
    [{ dtype: 'float8_e4m3fn' }, 'dtype', 'float8_e4m3fn'],
  ])('%j', (fields, name, value) => {
    const error = errorOf({ ...qwen2, ...fields });
    expect(error.code).toBe('unsupported');
    expect(error.where).toContain('config.json');
    expect(error.message).toContain(`"${name}"`);
    expect(error.message).toContain(value);
    expect(error.hint).toBeTruthy();
  });

  it.each([
    { use_sliding_window: false, sliding_window: 4096, max_window_layers: 0 },
    { use_sliding_window: true, sliding_window: 4096, max_window_layers: 3 },
    { use_sliding_window: true, sliding_window: null },
    { layer_types: ['full_attention', 'full_attention', 'full_attention'] },
    { hidden_act: 'silu', quantization_config: null, use_mrope: false, partial_rotary_factor: 1 },
    { pretraining_tp: 4, attention_dropout: 0.1, use_cache: false },
  ])('but %j changes nothing', (fields) => {
    expect(parse({ ...qwen2, ...fields })).toEqual(parse(qwen2));
  });
});

describe('a configuration that lies is a bad file', () => {
  it.each([
    ['heads that do not divide', { ...qwen2, hidden_size: 60 }],
    ['llama heads that do not divide although head_dim is given', { ...llama, hidden_size: 60, head_dim: 8 }],
    ['groups that do not divide', { ...qwen2, num_key_value_heads: 3 }],
    ['more groups than heads', { ...qwen2, num_key_value_heads: 16 }],
    ['odd heads', { ...qwen2, head_dim: 7 }],
    ['a negative size', { ...qwen2, hidden_size: -64 }],
    ['a fractional size', { ...qwen2, intermediate_size: 1.5 }],
    ['no size', { ...qwen2, vocab_size: undefined }],
    ['a size as text', { ...qwen2, vocab_size: '100' }],
    ['a billion layers', { ...qwen2, num_hidden_layers: 1e9 }],
    ['layer types for other layers', { ...qwen2, layer_types: ['full_attention'] }],
    ['an end token that is none', { ...qwen2, eos_token_id: 'eos' }],
    ['an epsilon of 0', { ...qwen2, rms_norm_eps: 0 }],
    ['no model type', { ...qwen2, model_type: undefined }],
    ['no object', [qwen2]],
  ])('%s', (_, json) => {
    expect(errorOf(json).code).toBe('bad-file');
  });

  it('though qwen heads need not divide when their width is given', () => {
    expect(parse({ ...qwen3, hidden_size: 60, head_dim: 16 })).toMatchObject({ hiddenSize: 60, headDim: 16 });
  });
});
