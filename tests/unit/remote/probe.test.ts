// What a probe claims of every dialect is what the server was seen to do.
import { describe, expect, it } from 'vitest';
import { entropyLowerBounds } from '#core/ares/entropy.ts';
import { readCompletion, readTokens } from '#core/remote/chat.ts';
import type { Capabilities } from '#core/remote/endpoint.ts';
import { probeModel } from '#core/remote/probe.ts';
import { type Dialect, dialects, trueEntropyNats } from './fakeServer.ts';
import { KEY, clientOf, failureOf, fakeServer } from './helpers.ts';

async function probed(dialect: Dialect) {
  const server = await fakeServer({ dialect });
  const probe = await probeModel(clientOf(server), null, 'm', 1);
  return { server, probe, status: Object.fromEntries(probe.findings.map(({ name, status }) => [name, status])) };
}

describe('a probe', () => {
  it.each<[keyof typeof dialects, Partial<Capabilities>]>([
    [
      'openAi',
      { tokenLimit: 'max_tokens', topLogprobs: 20, choices: true, seed: 'repeats', images: true, logprobsAt: 'before' },
    ],
    [
      'openAiReasoning',
      { tokenLimit: 'max_completion_tokens', temperature: false, topLogprobs: 0, choices: false, seed: 'accepted' },
    ],
    [
      'vllm',
      { topLogprobs: 20, choices: true, images: false, logprobsAt: 'before', countsTokens: true, keepsLimit: true },
    ],
    ['vllmFewLogprobs', { topLogprobs: 5, logprobsAt: 'after' }],
    ['ollama', { topLogprobs: 0, choices: false, images: null, seed: 'repeats' }],
    ['llamaCpp', { topLogprobs: 20, choices: false, images: false }],
    ['deepSeek', { topLogprobs: 0, choices: false, seed: 'accepted' }],
    ['bare', { topLogprobs: 0, choices: false, countsTokens: false, keepsLimit: false, seed: 'refused' }],
  ])('of %s', async (name, expected) => {
    const { probe } = await probed(dialects[name]);
    expect(probe.capabilities).toMatchObject(expected);
    for (const { detail } of probe.findings) expect(detail).toMatch(/^[A-Z].*\S$/);
  });

  it('says how many positions the server lists, and nothing where it lists none', async () => {
    const vllm = await probed(dialects.vllm);
    expect(vllm.probe.findings.find(({ name }) => name === 'Context')?.detail).toContain('4096');
    expect((await probed(dialects.llamaCpp)).probe.findings.find(({ name }) => name === 'Context')?.detail).toContain(
      '8192',
    );
    expect((await probed(dialects.bare)).status['Context']).toBeUndefined();
  });

  it('costs few short requests', async () => {
    const { server } = await probed(dialects.openAi);
    expect(server.asked.length).toBeLessThanOrEqual(12);
    for (const { body } of server.asked) expect(Number(body['max_tokens'])).toBeLessThanOrEqual(256);
  });

  it('of a model that the server does not have is an error', async () => {
    const server = await fakeServer({
      misbehave: () => ({ kind: 'status', status: 404, body: { error: { message: 'model not found' } } }),
    });
    expect(await failureOf(probeModel(clientOf(server), null, 'x', 1))).toMatchObject({
      code: 'endpoint',
      message: expect.stringContaining('model not found'),
    });
  });
});

describe('log-probs of a server', () => {
  it('give entropies that never exceed the true ones, and come closer with k', async () => {
    let previous = 0;
    for (const k of [1, 2, 5, 20]) {
      const server = await fakeServer();
      const reply = await clientOf(server).post('chat/completions', {
        model: 'm',
        messages: [{ role: 'user', content: 'x' }],
        logprobs: true,
        top_logprobs: k,
      });
      const tokens = readCompletion((reply as { value: unknown }).value, null).choices[0]!.tokens!;
      // The token itself is listed only where it is among the most likely: it counts beside the others.
      expect(tokens.topK).toBe(k);
      const mean = tokens.entropiesNats.reduce((sum, each) => sum + each, 0) / tokens.pieces.length;
      for (const each of tokens.entropiesNats) expect(each).toBeLessThanOrEqual(trueEntropyNats() + 1e-6);
      expect(mean).toBeGreaterThan(previous);
      previous = mean;
    }
    expect(entropyLowerBounds([]).k).toBe(0);
  });

  it.each([
    ['positive', { token: 'a', logprob: 0.5, top_logprobs: [] }],
    ['no number', { token: 'a', logprob: null, top_logprobs: [] }],
    ['a broken alternative', { token: 'a', logprob: -1, top_logprobs: [{ token: 'b', logprob: 'x' }] }],
    ['no token', { logprob: -1 }],
  ])('that are %s are no measurement', (_what, entry) => {
    expect(readTokens({ content: [entry] })).toBeNull();
  });

  it('listed twice do not count twice', () => {
    const top = [
      { token: 'a', logprob: Math.log(0.5) },
      { token: 'a', logprob: Math.log(0.5) },
    ];
    const tokens = readTokens({ content: [{ token: 'a', logprob: Math.log(0.5), top_logprobs: top }] })!;
    expect(tokens.entropiesNats[0]).toBeCloseTo(Math.LN2, 6);
    expect(tokens.topK).toBe(1);
  });
});

describe('a completion', () => {
  const completion = (message: unknown) => ({ choices: [{ message, finish_reason: 'stop' }] });
  it('joins reasoning that comes apart', () => {
    const { choices } = readCompletion(completion({ content: 'So 5.', reasoning_content: 'two and three' }), null);
    expect(choices[0]!.text).toBe('<think>\ntwo and three\n</think>\n\nSo 5.');
    expect(readCompletion(completion({ content: 'x', reasoning: 'y' }), null).choices[0]!.text).toContain('y');
    expect(readCompletion(completion({ content: null }), null).choices[0]!.text).toBe('');
  });

  it('leaves out what has no message, and takes the key out', () => {
    expect(readCompletion({ choices: [null, { message: 5 }, { message: { content: 7 } }] }, null).choices).toEqual([]);
    const echoed = {
      choices: [
        {
          message: { content: `your key is ${KEY}` },
          logprobs: { content: [...KEY].map((token) => ({ token, logprob: -1, top_logprobs: [] })) },
        },
      ],
    };
    const [choice] = readCompletion(echoed, KEY).choices;
    expect(choice!.text).toBe('your key is [key]');
    expect(choice!.tokens).toBeNull();
  });
});
