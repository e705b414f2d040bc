/** What a policy step asks of the engine, and what it does not: nothing is computed twice, nothing without a signal. */
import { describe, expect, it } from 'vitest';
import { initialState } from '#core/ares/controllers.ts';
import { presetOptions } from '#core/ares/presets.ts';
import type { Engine, PolicyLoss, ScoreRequest, TrainStepRequest } from '#core/engine/api.ts';
import type { Tokenizer } from '#core/model/tokenizer.ts';
import { policyStep } from '#core/runs/policyStep.ts';
import type { PreparedProblem } from '#core/runs/prompts.ts';
import type { Sampler } from '#core/runs/responses.ts';

const RESPONSE = 3;
const SAMPLES = 4;

/**
 * An engine that answers a problem by its key: 0 always right, 1 right and wrong in turn, 2 always wrong. The
 * log-prob of a token tells where it was sampled.
 */
function stub() {
  const scored: ScoreRequest[] = [];
  const trained: TrainStepRequest[] = [];
  const engine: Partial<Engine> = {
    generate: ({ jobs }) => {
      const answers = jobs.map(({ promptKey, sampleKey }) =>
        promptKey === 0 ? 1 : promptKey === 1 ? sampleKey % 2 : 0,
      );
      const count = jobs.length * RESPONSE;
      return Promise.resolve({
        lengths: new Int32Array(jobs.length).fill(RESPONSE),
        ids: Int32Array.from({ length: count }, (_, i) => answers[Math.floor(i / RESPONSE)]!),
        logprobs: Float32Array.from({ length: count }, (_, i) => -(1 + i / 64)),
        entropiesNats: new Float32Array(count).fill(1),
        stopped: new Uint8Array(jobs.length).fill(1),
      });
    },
    score: (request) => {
      scored.push(request);
      const count = request.sequences.reduce((sum, { responseIds }) => sum + responseIds.length, 0);
      return Promise.resolve({ logprobs: new Float32Array(count).fill(-1), entropiesNats: new Float32Array(count) });
    },
    trainStep: (request) => {
      trained.push(request);
      const count = request.sequences.reduce((sum, { responseIds }) => sum + responseIds.length, 0);
      return Promise.resolve({ loss: 0, klLoss: 0, gradientNorm: 1, logprobs: new Float32Array(count) });
    },
  };
  return { engine: engine as Engine, scored, trained };
}

const tokenizer: Tokenizer = {
  vocabSize: 8,
  specialIds: new Set(),
  encode: () => new Int32Array(0),
  decode: (ids) => `\\boxed{${ids[0]}}`,
  decodeToken: () => '',
};
const sampling = {
  temperature: 1,
  topK: 0,
  topP: 1,
  greedy: false,
  maxNewTokens: RESPONSE,
  stopIds: [],
  alternatives: 0,
};
const problems = [0, 1, 2].map((key): PreparedProblem => ({
  problemId: key,
  key,
  id: String(key),
  prompt: '',
  answer: '1',
  source: 'test',
  promptIds: Int32Array.of(7, key),
}));

async function run(klMode: 'none' | 'loss', epochs = 1) {
  const { engine, scored, trained } = stub();
  const preset = presetOptions('grpo');
  const method = {
    ...preset,
    groupSize: SAMPLES,
    kl: { ...preset.kl, ...(klMode === 'none' ? { mode: 'none' as const } : {}) },
  };
  const sampler: Sampler = {
    engine,
    model: 'policy',
    tokenizer,
    sampling,
    seed: 1,
    triggers: new Uint8Array(8),
  };
  await policyStep(sampler, klMode === 'none' ? null : 'reference', () => problems, initialState(method), 1, {
    method,
    promptsPerStep: problems.length,
    maxDraws: 1,
    miniBatches: 1,
    epochs,
    learningRate: 1e-3,
  });
  return { scored, trained };
}

describe('a policy step', () => {
  it('leaves groups that teach nothing out of the update, before any gradient is computed', async () => {
    const { trained } = await run('none');
    expect(trained).toHaveLength(1);
    const { sequences } = trained[0]!;
    expect(sequences).toHaveLength(SAMPLES);
    for (const { promptIds } of sequences) expect([...promptIds]).toEqual([7, 1]);
  });

  it('takes old log-probs from the rollouts, and scores nothing where no reference is asked for', async () => {
    const { scored, trained } = await run('none', 2);
    expect(scored).toHaveLength(0);
    expect(trained).toHaveLength(2);
    for (const { loss } of trained) {
      // The second group's tokens, as they were sampled.
      const expected = Array.from({ length: SAMPLES * RESPONSE }, (_, i) =>
        Math.fround(-(1 + (SAMPLES * RESPONSE + i) / 64)),
      );
      expect([...(loss as PolicyLoss).oldLogprobs]).toEqual(expected);
    }
  });

  it('scores under the reference alone, once, where the loss has a KL term', async () => {
    const { scored, trained } = await run('loss', 2);
    expect(scored.map(({ model }) => model)).toEqual(['reference']);
    expect(trained).toHaveLength(2);
  });
});
