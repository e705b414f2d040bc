// The memory estimate: it grows with everything that needs memory, and decides what is run.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Workload, chooseEngineOptions, estimateMemory } from '#core/host/memory.ts';

const config = {
  layers: 4,
  heads: 4,
  kvHeads: 4,
  headDim: 32,
  hiddenSize: 128,
  intermediateSize: 256,
  vocabSize: 300,
};
const workload: Workload = {
  config,
  parameters: 700_000,
  trainedParameters: 700_000,
  hasAdapter: false,
  longestSequence: 512,
  rollouts: Infinity,
  coldStart: null,
  policy: { sequences: 64, length: 512 },
};
const GIB = 1024 ** 3;

describe('chooseEngineOptions', () => {
  it('chooses something that fits, and refuses only where nothing does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 * GIB }), fc.boolean(), (limitBytes, trains) => {
        const own = trains ? workload : { ...workload, trainedParameters: 0, policy: null };
        const smallest = estimateMemory(own, { tokenBudget: 512, checkpointBlocks: true, maxRows: 64 }).totalBytes;
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

  it('prefers large micro-batches, and recomputes blocks only when even the smallest is too large', () => {
    const needs = (tokenBudget: number, checkpointBlocks: boolean) =>
      estimateMemory(workload, { tokenBudget, checkpointBlocks, maxRows: 64 }).totalBytes;
    const wanted = { threads: 1, tokenBudget: null };
    expect(chooseEngineOptions(workload, wanted, needs(4096, false))).toMatchObject({ tokenBudget: 4096 });
    expect(chooseEngineOptions(workload, wanted, needs(4096, false) - 1)).toMatchObject({
      tokenBudget: 2048,
      checkpointBlocks: false,
    });
    expect(needs(512, true)).toBeLessThan(needs(512, false));
    expect(chooseEngineOptions(workload, wanted, needs(512, true))).toMatchObject({ checkpointBlocks: true });
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
    expect(estimate.weightsBytes).toBeGreaterThanOrEqual(3 * 4 * parameters);
    const { totalBytes, ...parts } = estimate;
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(totalBytes);
  });

  it('never falls when sequences become longer or rows more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4096 }), fc.integer({ min: 1, max: 64 }), (longestSequence, maxRows) => {
        const at = (length: number, rows: number) =>
          estimateMemory(
            { ...workload, policy: null, trainedParameters: 0, longestSequence: length },
            { tokenBudget: 1024, checkpointBlocks: false, maxRows: rows },
          ).totalBytes;
        // Micro-batches hold whole sequences, so a little longer may mean one fewer; twice as long never does.
        expect(at(2 * longestSequence, maxRows)).toBeGreaterThan(at(longestSequence, maxRows));
        expect(at(longestSequence, 2 * maxRows)).toBeGreaterThan(at(longestSequence, maxRows));
      }),
    );
  });
});
