// Responses as stages get them: graded without the token that ended them, forks joined to their parents.
import { describe, expect, it } from 'vitest';
import { presetOptions } from '#core/ares/presets.ts';
import type { Engine, RolloutColumns, RolloutRequest } from '#core/engine/api.ts';
import type { Tokenizer } from '#core/model/tokenizer.ts';
import type { PreparedProblem } from '#core/runs/prompts.ts';
import { type Sampler, sampleGroups, sampleResponses } from '#core/runs/responses.ts';

const STOP = 2;
/** As text, so that a response reads as its ids do. */
const texts = ['1', '8', '<|im_end|>', ' so', ' the', ' answer', ' is '];

const tokenizer: Tokenizer = {
  vocabSize: texts.length,
  specialIds: new Set([STOP]),
  encode: () => new Int32Array(0),
  decode: (ids, options) =>
    Array.from(ids)
      .filter((id) => options?.skipSpecial !== true || id !== STOP)
      .map((id) => texts[id])
      .join(''),
  decodeToken: (id) => texts[id]!,
};

const problem: PreparedProblem = {
  problemId: 1,
  key: 99,
  id: 'p',
  prompt: 'Which?',
  answer: '18',
  source: 's',
  promptIds: Int32Array.of(3),
};

/** An engine that only generates, what `idsOf` says for each job. */
function engineOf(idsOf: (request: RolloutRequest, job: number) => number[], seen: RolloutRequest[] = []): Engine {
  const generate = async (request: RolloutRequest): Promise<RolloutColumns> => {
    seen.push(request);
    const ids = request.jobs.map((_, job) => idsOf(request, job));
    return {
      lengths: Int32Array.from(ids, (own) => own.length),
      ids: Int32Array.from(ids.flat()),
      logprobs: Float32Array.from(ids.flat(), (_, i) => -i),
      entropiesNats: Float32Array.from(ids.flat(), (id) => (id === 3 ? 5 : 0.1)),
      stopped: Uint8Array.from(ids, (own) => Number(own.at(-1) === STOP)),
    };
  };
  return { generate } as unknown as Engine;
}

function samplerOf(engine: Engine): Sampler {
  return {
    engine,
    model: 'model',
    tokenizer,
    sampling: { temperature: 1, topK: 0, topP: 1, greedy: false, maxNewTokens: 9, stopIds: [STOP], alternatives: 0 },
    seed: 1,
    triggers: new Uint8Array(texts.length),
  };
}

describe('sampleResponses', () => {
  it.each([
    ['a bare number', [0, 1, STOP], 'correct'],
    ['a sentence', [4, 5, 6, 0, 1, STOP], 'correct'],
    ['a number that the limit cut off', [0, 1], 'correct'],
    ['nothing', [STOP], 'no_answer'],
    ['another number', [1, STOP], 'wrong'],
  ] as const)('grades %s without the token that ended it', async (_what, ids, verdict) => {
    const sampler = samplerOf(engineOf(() => [...ids]));
    const [response] = await sampleResponses(sampler, [problem], { step: 0, firstSample: 4, count: 1 });
    expect(response).toMatchObject({ sample: 4, verdict, stopped: ids.at(-1) === STOP });
    // The token itself stays: training has to teach when to stop.
    expect([...response!.ids]).toEqual([...ids]);
  });
});

describe('sampleGroups', () => {
  it('forks behind high entropy, and keeps the parent’s columns for the shared tokens', async () => {
    const options = presetOptions('aepo', { groupSize: 4, entropy: { window: { size: 2 } } });
    const seen: RolloutRequest[] = [];
    const engine = engineOf(
      ({ jobs }, job) => (jobs[job]!.prefixIds.length > 0 ? [1, STOP] : [0, 0, 0, 3, 3, 1, STOP]),
      seen,
    );
    const [group] = await sampleGroups(samplerOf(engine), [problem], 7, options, 1);
    expect(group!.responses).toHaveLength(4);
    expect(new Set(group!.responses.map(({ sample }) => sample)).size).toBe(4);
    const forked = group!.tree!.flatMap((node, i) =>
      node.parent === null ? [] : [{ node, response: group!.responses[i]! }],
    );
    expect(forked.length).toBeGreaterThan(0);
    for (const { node, response } of forked) {
      const parent = group!.responses[node.parent!]!;
      const at = node.forkPosition!;
      expect(response.ids.slice(0, at)).toEqual(parent.ids.slice(0, at));
      expect(response.logprobs.slice(0, at)).toEqual(parent.logprobs.slice(0, at));
      expect(response.logprobs).toHaveLength(response.ids.length);
      expect(response.entropiesNats).toHaveLength(response.ids.length);
    }
    expect(seen.map(({ step }) => step)).toEqual([7, 7]);
  });
});
