/** What a rollout may and may not depend on, and that the sampler agrees with the scorer. */
import { describe, expect, it } from 'vitest';
import type { RolloutColumns, RolloutJob, SamplingOptions } from '#core/engine/api.ts';
import type { ModelState } from '#core/engine/modelState.ts';
import { type SamplerOptions, generateRollouts } from '#core/engine/sampler.ts';
import { scoreSequences } from '#core/engine/scorer.ts';
import { SessionCache } from '#core/engine/sessionCache.ts';
import { randomModel } from './fixtures.ts';

const sessions = new SessionCache(1);
const sampling: SamplingOptions = {
  temperature: 0.9,
  topK: 0,
  topP: 1,
  greedy: false,
  maxNewTokens: 24,
  stopIds: [2, 7],
  alternatives: 0,
};
const options: SamplerOptions = { maxRows: 16, chunkTokens: 8, prefillTokenBudget: 256 };

/** Ragged prompts, three samples of each. */
const jobs: RolloutJob[] = [[5], [9, 8, 7, 6], [11, 12], [3, 4, 5, 6, 7, 8, 9, 10, 11]].flatMap((prompt, promptKey) =>
  [0, 1, 2].map((sampleKey) => ({
    promptIds: Int32Array.from(prompt),
    prefixIds: new Int32Array(0),
    promptKey,
    sampleKey,
  })),
);

function run(
  state: ModelState,
  changes: {
    sampling?: Partial<SamplingOptions>;
    options?: Partial<SamplerOptions>;
    jobs?: RolloutJob[];
    seed?: number;
    step?: number;
  } = {},
) {
  return generateRollouts(
    sessions,
    state,
    {
      jobs: changes.jobs ?? jobs,
      seed: changes.seed ?? 5,
      step: changes.step ?? 3,
      sampling: { ...sampling, ...changes.sampling },
    },
    { ...options, ...changes.options },
  );
}

function responses({ lengths, ids }: RolloutColumns): number[][] {
  let offset = 0;
  return Array.from(lengths, (length) => [...ids.subarray(offset, (offset += length))]);
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

for (const family of ['llama', 'qwen2', 'qwen3'] as const) {
  describe(`${family} rollouts`, () => {
    const state = randomModel(family);

    it('carry the log-probs and entropies that teacher forcing gives', async () => {
      const rollouts = await run(state);
      const sequences = responses(rollouts).map((response, i) => ({
        promptIds: jobs[i]!.promptIds,
        responseIds: Int32Array.from(response),
      }));
      const scores = await scoreSequences(sessions, state, { sequences, temperature: sampling.temperature }, 100);
      expect(largestDifference(rollouts.logprobs, scores.logprobs)).toBeLessThanOrEqual(1e-5);
      expect(largestDifference(rollouts.entropiesNats, scores.entropiesNats)).toBeLessThanOrEqual(1e-5);
    });

    it('name the alternatives that the scorer names, with the rank of the token itself', async () => {
      const k = 6;
      const rollouts = await run(state, { sampling: { alternatives: k } });
      const sequences = responses(rollouts).map((response, i) => ({
        promptIds: jobs[i]!.promptIds,
        responseIds: Int32Array.from(response),
      }));
      const request = { sequences, temperature: sampling.temperature, alternatives: k };
      // A small budget: several micro-batches, whose rows must find their places.
      const scores = await scoreSequences(sessions, state, request, 60);
      expect(largestDifference(rollouts.alternativeLogprobs!, scores.alternativeLogprobs!)).toBeLessThanOrEqual(1e-5);
      expect(scores.alternativeIds).toEqual(rollouts.alternativeIds);
      rollouts.ids.forEach((id, i) => {
        const place = scores.alternativeIds!.subarray(k * i, k * i + k).indexOf(id);
        if (place >= 0) expect(scores.ranks![i]).toBe(place + 1);
        else expect(scores.ranks![i]).toBeGreaterThan(k);
      });
      expect(Math.max(...scores.ranks!)).toBeGreaterThan(1);
      expect(scores.logprobs).toEqual(
        (await scoreSequences(sessions, state, { sequences, temperature: sampling.temperature }, 60)).logprobs,
      );
    });

    it('do not depend on chunk size, number of rows, prefill budget or the company of other jobs', async () => {
      const reference = responses(await run(state));
      for (const change of [
        { chunkTokens: 1 },
        { chunkTokens: 5 },
        { chunkTokens: 100 },
        { maxRows: 1 },
        { maxRows: 5 },
        { prefillTokenBudget: 1 },
      ]) {
        expect(responses(await run(state, { options: change })), JSON.stringify(change)).toEqual(reference);
      }
      const alone = await run(state, { jobs: [jobs[4]!] });
      expect(responses(alone)[0]).toEqual(reference[4]);
    });

    it('repeat exactly, numbers included', async () => {
      expect(await run(state)).toEqual(await run(state));
    });
  });
}

describe('rollouts', () => {
  const state = randomModel('qwen2');

  it('change with seed, step and sample', async () => {
    const reference = responses(await run(state));
    expect(responses(await run(state, { seed: 6 }))).not.toEqual(reference);
    expect(responses(await run(state, { step: 4 }))).not.toEqual(reference);
    expect(reference[0]).not.toEqual(reference[1]);
  });

  it('end at a stop token, which is included, or at the limit', async () => {
    const rollouts = await run(state);
    const all = responses(rollouts);
    all.forEach((response, i) => {
      const stop = response.findIndex((id) => sampling.stopIds.includes(id));
      expect(rollouts.stopped[i] === 1).toBe(stop >= 0);
      expect(response.length).toBe(stop >= 0 ? stop + 1 : sampling.maxNewTokens);
    });
    expect(new Set(rollouts.stopped)).toEqual(new Set([0, 1]));
  });

  it("continue a fork exactly as its parent went on, given the parent's coordinates", async () => {
    const parent = responses(await run(state));
    const index = parent.findIndex((response) => response.length > 10);
    const fork: RolloutJob = { ...jobs[index]!, prefixIds: Int32Array.from(parent[index]!.slice(0, 6)) };
    const [continued] = responses(await run(state, { jobs: [fork] }));
    expect(continued).toEqual(parent[index]!.slice(6));
  });

  it('follow the distribution: token frequencies lie within five standard errors of the probabilities', async () => {
    const samples = 4000;
    const many = Array.from({ length: samples }, (_, sampleKey) => ({ ...jobs[3]!, sampleKey }));
    const rollouts = await run(state, {
      jobs: many,
      sampling: { maxNewTokens: 1, temperature: 1 },
      options: { maxRows: 1000 },
    });
    const probability = new Map<number, number>();
    const count = new Map<number, number>();
    rollouts.ids.forEach((id, i) => {
      probability.set(id, Math.exp(rollouts.logprobs[i]!));
      count.set(id, (count.get(id) ?? 0) + 1);
    });
    for (const [id, p] of probability) {
      const error = Math.sqrt((p * (1 - p)) / samples);
      expect(Math.abs(count.get(id)! / samples - p), `token ${id}`).toBeLessThan(5 * error + 1 / samples);
    }
  });

  it('with top-k stay within the k most likely, and report whole-vocabulary log-probs', async () => {
    const rollouts = await run(state, { sampling: { topK: 3, alternatives: 5, temperature: 1.5 } });
    rollouts.ids.forEach((id, i) => {
      const rank = [...rollouts.alternativeIds!.subarray(5 * i, 5 * i + 5)].indexOf(id);
      expect(rank).toBeGreaterThanOrEqual(0);
      expect(rank).toBeLessThan(3);
      expect(rollouts.alternativeLogprobs![5 * i + rank]).toBe(rollouts.logprobs[i]);
    });
    expect(rollouts.ids.some((id, i) => id !== rollouts.alternativeIds![5 * i])).toBe(true);
  });

  it('with top-p never leave the nucleus, and use more than one token of it', async () => {
    const topP = 0.5;
    const rollouts = await run(state, { sampling: { topP, alternatives: 60, temperature: 1.5 } });
    let notFirst = 0;
    rollouts.ids.forEach((id, i) => {
      const ids = [...rollouts.alternativeIds!.subarray(60 * i, 60 * i + 60)];
      const rank = ids.indexOf(id);
      const before = rollouts
        .alternativeLogprobs!.subarray(60 * i, 60 * i + rank)
        .reduce((sum, logprob) => sum + Math.exp(logprob), 0);
      expect(before).toBeLessThan(topP + 1e-5);
      if (rank > 0) notFirst++;
    });
    expect(notFirst).toBeGreaterThan(0);
  });

  it('when greedy take the most likely token', async () => {
    const rollouts = await run(state, { sampling: { greedy: true, alternatives: 1 } });
    expect([...rollouts.ids]).toEqual([...rollouts.alternativeIds!]);
  });

  it('refuse nonsense with a sentence', async () => {
    await expect(run(state, { sampling: { temperature: 0 } })).rejects.toThrow(/temperature must be above 0/);
    await expect(run(state, { sampling: { maxNewTokens: 1000 } })).rejects.toThrow(
      /longer than the model's 128 positions/,
    );
    const stranger = { ...jobs[0]!, promptIds: Int32Array.of(5, 60) };
    await expect(run(state, { jobs: [stranger] })).rejects.toThrow(/token 60, but the model knows only 60 tokens/);
  });
});
