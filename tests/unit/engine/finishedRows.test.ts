// Rows that reach their limit inside a chunk run on with their batch; that must not need positions they do not have.
import { describe, expect, it } from 'vitest';
import { generateRollouts } from '#core/engine/sampler.ts';
import { SessionCache } from '#core/engine/sessionCache.ts';
import { randomModel } from './fixtures.ts';

describe('generation', () => {
  it('lets forks near their limit share a chunk with fresh responses', async () => {
    const sessions = new SessionCache(1);
    const promptIds = Int32Array.from({ length: 100 }, (_, i) => i % 60);
    const jobs = [0, 20, 27].map((prefix, sampleKey) => ({
      promptIds,
      prefixIds: promptIds.slice(0, prefix),
      promptKey: 1,
      sampleKey,
    }));
    // 100 + 28 are all 128 positions of the model.
    const sampling = {
      temperature: 1,
      topK: 0,
      topP: 1,
      greedy: false,
      maxNewTokens: 28,
      stopIds: [],
      alternatives: 0,
    };
    const options = { maxRows: 8, chunkTokens: 32, prefillTokenBudget: 512 };
    try {
      const { lengths } = await generateRollouts(
        sessions,
        randomModel('llama'),
        { jobs, seed: 1, step: 0, sampling },
        options,
      );
      expect([...lengths]).toEqual([28, 8, 1]);
    } finally {
      await sessions.close();
    }
  });
});
