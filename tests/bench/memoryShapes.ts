/** The models and batches on which memory is measured, as data. */
import type { EngineOptions } from '#core/engine/localEngine.ts';

export interface MemoryShape {
  name: string;
  /** config.json */
  config: Record<string, unknown>;
  supervised: { sequences: number; length: number };
  policy: { prompts: number; samples: number; promptTokens: number; newTokens: number };
  /** One policy step is measured instead of two. */
  isLarge?: boolean;
  /** In place of what the planner would choose. */
  options?: Partial<EngineOptions>;
  adapter?: boolean;
}

const llama = (changes: Record<string, unknown>) => ({
  model_type: 'llama',
  hidden_size: 256,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  intermediate_size: 688,
  vocab_size: 4096,
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  hidden_act: 'silu',
  tie_word_embeddings: true,
  eos_token_id: 2,
  ...changes,
});

export const memoryShapes: readonly MemoryShape[] = [
  {
    name: 'sample',
    config: llama({
      model_type: 'qwen2',
      hidden_size: 128,
      num_attention_heads: 4,
      num_key_value_heads: 4,
      intermediate_size: 256,
      vocab_size: 64,
    }),
    supervised: { sequences: 32, length: 112 },
    policy: { prompts: 8, samples: 8, promptTokens: 32, newTokens: 96 },
  },
  {
    name: 'bench',
    config: llama({ tie_word_embeddings: false }),
    supervised: { sequences: 16, length: 128 },
    policy: { prompts: 8, samples: 8, promptTokens: 32, newTokens: 64 },
  },
  {
    name: 'deep',
    config: llama({
      num_hidden_layers: 16,
      hidden_size: 384,
      num_attention_heads: 6,
      num_key_value_heads: 2,
      intermediate_size: 1024,
    }),
    supervised: { sequences: 8, length: 512 },
    policy: { prompts: 4, samples: 8, promptTokens: 64, newTokens: 128 },
  },
  {
    name: 'wide',
    config: llama({ vocab_size: 151_936 }),
    supervised: { sequences: 4, length: 512 },
    policy: { prompts: 2, samples: 8, promptTokens: 64, newTokens: 128 },
  },
  {
    name: 'long',
    config: llama({}),
    supervised: { sequences: 1, length: 4096 },
    policy: { prompts: 1, samples: 4, promptTokens: 2048, newTokens: 64 },
  },
  {
    name: 'half',
    config: {
      ...llama({}),
      model_type: 'qwen2',
      hidden_size: 896,
      num_hidden_layers: 24,
      num_attention_heads: 14,
      num_key_value_heads: 2,
      intermediate_size: 4864,
      vocab_size: 151_936,
      max_position_embeddings: 32_768,
      rope_theta: 1_000_000,
    },
    supervised: { sequences: 4, length: 512 },
    policy: { prompts: 2, samples: 8, promptTokens: 64, newTokens: 128 },
    isLarge: true,
  },
];

/** Small enough for a test, and each large in another way. */
export const testShapes: readonly MemoryShape[] = [
  {
    name: 'vocabulary',
    config: llama({ vocab_size: 32_768, hidden_size: 128, num_hidden_layers: 2, intermediate_size: 256 }),
    supervised: { sequences: 4, length: 256 },
    policy: { prompts: 2, samples: 4, promptTokens: 16, newTokens: 48 },
  },
  {
    name: 'layers',
    config: llama({ vocab_size: 512, hidden_size: 128, num_hidden_layers: 12, intermediate_size: 384 }),
    supervised: { sequences: 16, length: 128 },
    policy: { prompts: 2, samples: 16, promptTokens: 64, newTokens: 16 },
  },
  {
    name: 'recomputed',
    config: llama({ vocab_size: 512, hidden_size: 256, num_hidden_layers: 8, intermediate_size: 1024 }),
    supervised: { sequences: 16, length: 128 },
    policy: { prompts: 2, samples: 8, promptTokens: 32, newTokens: 32 },
    options: { tokenBudget: 1024, checkpointBlocks: true, releaseBetween: true },
  },
  {
    name: 'length',
    config: llama({ vocab_size: 512, hidden_size: 128, num_hidden_layers: 2, intermediate_size: 256 }),
    supervised: { sequences: 1, length: 4096 },
    policy: { prompts: 1, samples: 8, promptTokens: 1500, newTokens: 16 },
  },
  {
    name: 'adapter',
    config: llama({
      vocab_size: 8192,
      hidden_size: 512,
      num_hidden_layers: 4,
      num_key_value_heads: 2,
      intermediate_size: 1536,
      tie_word_embeddings: false,
    }),
    supervised: { sequences: 4, length: 128 },
    policy: { prompts: 2, samples: 8, promptTokens: 32, newTokens: 32 },
    adapter: true,
  },
];
