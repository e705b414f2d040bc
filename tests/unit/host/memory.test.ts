// The memory estimate: it grows with everything that needs memory, and decides what is run.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseEngineOptions, estimateMemory, workloadOf } from '#core/host/memory.ts';
import { parseTextConfig } from '#core/model/config.ts';

const config = parseTextConfig(
  {
    model_type: 'qwen2',
    hidden_size: 128,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    intermediate_size: 256,
    vocab_size: 300,
    max_position_embeddings: 16_384,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    hidden_act: 'silu',
    eos_token_id: 2,
  },
  'test',
);
const sampled = { longestSequence: 512, rollouts: Infinity };
const policy = { sequences: 64, length: 512 };
const workload = workloadOf(config, sampled, { coldStart: null, policy, adapter: null });
const GIB = 1024 ** 3;

describe('chooseEngineOptions', () => {
  it('chooses something that fits, and refuses only where nothing does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 * GIB }), fc.boolean(), (limitBytes, trains) => {
        const own = trains ? workload : { ...workload, trainedParameters: 0, policy: null };
        const last = { tokenBudget: 512, checkpointBlocks: true, maxRows: 64, releaseBetween: true };
        const smallest = estimateMemory(own, last).totalBytes;
        let chosen;
        try {
          chosen = chooseEngineOptions(own, { threads: 2, tokenBudget: null }, limitBytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'memory' });
          expect(limitBytes).toBeLessThan(smallest);
          return;
        }
        expect(estimateMemory(own, chosen).totalBytes).toBeLessThanOrEqual(limitBytes);
      }),
    );
  });

  it('takes the largest micro-batch; then lets graphs go; then recomputes blocks', () => {
    const workload = workloadOf(
      config,
      { longestSequence: 512, rollouts: 4 },
      { coldStart: null, policy, adapter: null },
    );
    const needs = (tokenBudget: number, releaseBetween = false, checkpointBlocks = false) =>
      estimateMemory(workload, { tokenBudget, checkpointBlocks, maxRows: 64, releaseBetween }).totalBytes;
    const chosenWithin = (bytes: number) => chooseEngineOptions(workload, { threads: 1, tokenBudget: null }, bytes);
    expect(needs(512, true, true)).toBeLessThan(needs(512, true));
    expect(needs(512, true)).toBeLessThan(needs(512));
    expect(chosenWithin(needs(4096))).toMatchObject({ tokenBudget: 4096, releaseBetween: false });
    expect(chosenWithin(needs(4096) - 1)).toMatchObject({ tokenBudget: 2048, releaseBetween: false });
    expect(chosenWithin(needs(512) - 1)).toMatchObject({ releaseBetween: true, checkpointBlocks: false });
    expect(chosenWithin(needs(512, true, true))).toMatchObject({ releaseBetween: true, checkpointBlocks: true });
  });

  it('trains half a billion weights on sequences of 4,096 tokens within 20 GiB, and says how', () => {
    const half = parseTextConfig(
      {
        model_type: 'qwen2',
        hidden_size: 896,
        num_hidden_layers: 24,
        num_attention_heads: 14,
        num_key_value_heads: 2,
        intermediate_size: 4864,
        vocab_size: 151_936,
        max_position_embeddings: 32_768,
        rms_norm_eps: 1e-6,
        rope_theta: 1_000_000,
        hidden_act: 'silu',
        tie_word_embeddings: true,
        eos_token_id: 2,
      },
      'test',
    );
    const long = workloadOf(
      half,
      { longestSequence: 4096, rollouts: 2 },
      { coldStart: null, policy: { sequences: 8, length: 4096, responseLength: 3584 }, adapter: null },
    );
    const wanted = { threads: 2, tokenBudget: null };
    const chosen = chooseEngineOptions(long, wanted, 20 * GIB);
    expect(chosen).toMatchObject({ checkpointBlocks: true });
    // Weights, reference, gradients and moments alone are 9.2 GiB.
    expect(() => chooseEngineOptions(long, wanted, 9 * GIB)).toThrow('GiB');
  });

  it('keeps the budget that a recipe asks for', () => {
    expect(chooseEngineOptions(workload, { threads: 1, tokenBudget: 777 }, 64 * GIB).tokenBudget).toBe(777);
  });
});

describe('estimateMemory', () => {
  it('holds weights, gradients and moments of a large model, and says which is which', () => {
    const parameters = 1_000_000_000;
    const estimate = estimateMemory(
      { ...workload, parameters, trainedParameters: parameters },
      { tokenBudget: 512, checkpointBlocks: false, maxRows: 1 },
    );
    expect(estimate.optimizerBytes).toBe(2 * 4 * parameters);
    expect(estimate.gradientsBytes).toBeGreaterThanOrEqual(4 * parameters);
    // The model and the reference policy.
    expect(estimate.weightsBytes).toBe(2 * 4 * parameters);
    const { totalBytes, ...parts } = estimate;
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(totalBytes);
  });

  it('counts keys and values of every row over the whole length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 64, max: 4096 }), fc.integer({ min: 1, max: 64 }), (longestSequence, maxRows) => {
        const estimate = estimateMemory(
          workloadOf(config, { longestSequence, rollouts: Infinity }, { coldStart: null, policy: null, adapter: null }),
          { tokenBudget: 1024, checkpointBlocks: false, maxRows },
        );
        const once = 4 * 2 * config.layers * config.kvHeads * config.headDim * longestSequence * maxRows;
        expect(estimate.keyValueBytes).toBeGreaterThanOrEqual(once);
        expect(estimate.keyValueBytes).toBeLessThanOrEqual(2 * once);
      }),
      { numRuns: 10 },
    );
  });

  it('needs no second copy of the weights under an adapter, and moments of the adapter alone', () => {
    const options = { tokenBudget: 1024, checkpointBlocks: false, maxRows: 8 };
    const adapter = { rank: 8, targets: 'all' } as const;
    const whole = estimateMemory(workload, options);
    const adapted = estimateMemory(workloadOf(config, sampled, { coldStart: null, policy, adapter }), options);
    expect(adapted.optimizerBytes).toBeLessThan(0.2 * whole.optimizerBytes);
    expect(adapted.weightsBytes).toBeLessThan(whole.weightsBytes);
  });
});
