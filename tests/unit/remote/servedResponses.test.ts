// Labelling with a server: every response once, stored as it comes, whatever happens in between.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CollectContext, StageEnd } from '#core/runs/context.ts';
import { runLabelStage } from '#core/runs/labelStage.ts';
import { recipeOfKind } from '#core/runs/pipeline.ts';
import type { RunProblem } from '#core/runs/prompts.ts';
import { parseRecipe } from '#core/runs/recipe.ts';
import type { Capabilities } from '#core/remote/endpoint.ts';
import { servedResponses } from '#core/remote/servedResponses.ts';
import { createKeys } from '#core/remote/keys.ts';
import type { Endpoint } from '#core/remote/endpoint.ts';
import { openStore } from '#core/store/store.ts';
import { addProblems, run, temporaryFolder } from '../store/helpers.ts';
import type { FakeOptions, FakeServer } from './fakeServer.ts';
import { KEY, clientOf, endpointOf, failureOf, fakeServer, instantClock } from './helpers.ts';

const PROBLEMS = 10;
const capabilities: Capabilities = {
  tokenLimit: 'max_tokens',
  temperature: true,
  topP: true,
  topLogprobs: 20,
  logprobsAt: 'before',
  choices: false,
  seed: 'repeats',
  images: false,
  countsTokens: true,
  keepsLimit: true,
};

/** Problem i asks "What is i + 1?"; it is solved in its first i samples. */
const answer = (question: string, times: number): string => {
  const i = Number(/(\d+) \+ 1/.exec(question)![1]);
  return times < i ? `It is \\boxed{${i + 1}}.` : 'It is \\boxed{-1}.';
};

async function labelling(
  options: FakeOptions = {},
  changes: Partial<Capabilities> = {},
  settings = 'samples: 8',
  endpoint: Partial<Endpoint> = {},
) {
  const server = await fakeServer({ answer, ...options });
  const folder = temporaryFolder();
  const store = openStore(join(folder, 'project.db'));
  onTestFinished(() => store.close());
  const ids = addProblems(store, PROBLEMS);
  const url = server.url;
  const modelId = store.models.add({
    folder: `${url} m`,
    weightsHash: '',
    served: { url, model: 'm' },
    parentId: null,
    createdMs: 1,
  });
  const runId = store.runs.create(run, [{ name: 'label', plannedUnits: PROBLEMS * 8 }]);
  const recipe = recipeOfKind(parseRecipe(`version: 1\nlabel: {extraSamples: 0, ${settings}}`, 'test'), 'label');
  const messages: string[] = [];
  let isStopped = () => false;
  const context: CollectContext = {
    store,
    runId,
    recipe,
    base: { folder: `${url} m` },
    baseModelId: modelId,
    train: ids.map((problemId, key): RunProblem => ({
      problemId,
      key,
      id: `p${key}`,
      prompt: `What is ${key} + 1?`,
      answer: String(key + 1),
      source: 's',
    })),
    listener: {
      progress: () => undefined,
      metrics: () => undefined,
      message: (_level, text) => void messages.push(text),
    },
    stopRequested: () => isStopped(),
  };
  const label = (key: string | null = null): Promise<StageEnd> => {
    const clock = instantClock();
    const client = clientOf(server, endpoint, { key, clock });
    const source = servedResponses<RunProblem>({
      client,
      key,
      model: 'm',
      capabilities: { ...capabilities, ...changes },
      decoding: recipe.label,
      seed: recipe.seed,
      randomStep: 1,
    });
    return runLabelStage(context, 0, source, false);
  };
  const stored = () =>
    store.rollouts.steps(runId, 0).flatMap((step) => {
      const { problemId, sample } = store.rollouts.columns({ runId, stage: 0, step });
      return Array.from(problemId, (id, i) => `${id}:${sample[i]}`);
    });
  return {
    folder,
    server,
    store,
    runId,
    label,
    messages,
    stored,
    stopWhen: (condition: () => boolean) => void (isStopped = condition),
    labels: () => store.labels.newest(1, modelId),
  };
}

const asked = (server: FakeServer): number => server.asked.length;

describe('labelling with a server', () => {
  it('labels every problem with its model, grader, samples, temperature, interval and entropy', async () => {
    const { server, label, labels } = await labelling();
    expect(await label()).toBe('finished');
    expect(labels().map(({ correct, samples }) => [correct, samples])).toEqual(
      Array.from({ length: PROBLEMS }, (_, i) => [Math.min(i, 8), 8]),
    );
    const [first] = labels();
    expect(first).toMatchObject({ grader: 'ares-1', temperature: 1, entropyTopK: 20 });
    expect(first!.meanEntropyNats).toBeGreaterThan(0);
    expect(asked(server)).toBe(PROBLEMS * 8);
    expect(server.asked[0]!.body).toMatchObject({
      model: 'm',
      max_tokens: 512,
      temperature: 1,
      logprobs: true,
      top_logprobs: 20,
    });
    // Different samples, different seeds; the same sample would have the same again.
    expect(new Set(server.asked.map(({ body }) => body['seed'])).size).toBe(PROBLEMS * 8);
  });

  it('asks for several responses at once where lengths are known apart', async () => {
    const { server, label, stored } = await labelling({}, { choices: true });
    await label();
    expect(asked(server)).toBe(PROBLEMS);
    expect(new Set(stored()).size).toBe(PROBLEMS * 8);
  });

  it('asks again for those that a server left out of several', async () => {
    const { dialects } = await import('./fakeServer.ts');
    const { server, label, stored } = await labelling(
      { dialect: { ...dialects.ollama, topLogprobs: 20 } },
      { choices: true },
    );
    await label();
    expect(stored()).toHaveLength(PROBLEMS * 8);
    expect(new Set(stored()).size).toBe(PROBLEMS * 8);
    expect(asked(server)).toBe(PROBLEMS * 8);
  });

  it('draws more only while the bucket is open, and says what that saved', async () => {
    const early = await labelling({}, {}, 'samples: 8, stopEarly: {rule: settled}');
    await early.label();
    expect(asked(early.server)).toBeLessThan(PROBLEMS * 8);
    expect(early.messages.at(-1)).toContain(
      `saved by stopping where the bucket was known: ${PROBLEMS * 8 - asked(early.server)} of`,
    );
  });

  it('measures on although requests fail in every way, and no response is lost or doubled', async () => {
    const bad = [
      { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
      { kind: 'truncated' },
      { kind: 'status', status: 503 },
      { kind: 'drop' },
      { kind: 'shape', body: { choices: [{ message: null }, {}] } },
    ] as const;
    const { server, label, stored, labels } = await labelling({
      misbehave: (attempt) => (attempt % 3 === 1 && attempt < 60 ? (bad[((attempt / 3) % 4) | 0] ?? null) : null),
    });
    await label();
    expect(stored()).toHaveLength(PROBLEMS * 8);
    expect(new Set(stored()).size).toBe(PROBLEMS * 8);
    expect(labels()).toHaveLength(PROBLEMS);
    expect(asked(server)).toBe(PROBLEMS * 8 + 20);
  });

  it('keeps what was answered when the server goes away, and asks only for the rest afterwards', async () => {
    let isDown = false;
    const { server, label, stored, labels } = await labelling({
      misbehave: (attempt) => {
        if (attempt === 33) isDown = true;
        return isDown ? { kind: 'status', status: 500 } : null;
      },
    });
    expect(await failureOf(label())).toMatchObject({ code: 'endpoint', hint: expect.stringContaining('resume') });
    const kept = stored();
    expect(kept).toHaveLength(33);
    const before = asked(server);
    isDown = false;
    expect(await label()).toBe('finished');
    expect(asked(server) - before).toBe(PROBLEMS * 8 - kept.length);
    expect(stored()).toEqual(expect.arrayContaining(kept));
    expect(new Set(stored()).size).toBe(PROBLEMS * 8);
    expect(labels()).toHaveLength(PROBLEMS);
  });

  it('pauses with the answers of the requests in flight, and goes on without repeating one', async () => {
    const { server, label, stored, stopWhen } = await labelling();
    stopWhen(() => asked(server) >= 17);
    expect(await label()).toBe('paused');
    expect(stored()).toHaveLength(asked(server));
    expect(asked(server)).toBeLessThan(17 + 4);
    stopWhen(() => false);
    await label();
    expect(asked(server)).toBe(PROBLEMS * 8);
    expect(new Set(stored()).size).toBe(PROBLEMS * 8);
  });

  it('leaves a problem unlabelled that the server refuses, and says why', async () => {
    const { label, labels, messages } = await labelling({
      misbehave: (_attempt, { body }) =>
        JSON.stringify(body['messages']).includes('What is 3 + 1?')
          ? { kind: 'status', status: 400, body: { error: { message: 'maximum context length exceeded' } } }
          : null,
    });
    expect(await label()).toBe('finished');
    expect(labels()).toHaveLength(PROBLEMS - 1);
    expect(messages.filter((text) => text.includes('p3') && text.includes('context length'))).toHaveLength(1);
  });

  it('fails where the server refuses everything', async () => {
    const { label, server } = await labelling({
      misbehave: () => ({ kind: 'status', status: 400, body: { error: { message: 'no such model' } } }),
    });
    expect(await failureOf(label())).toMatchObject({
      code: 'endpoint',
      message: expect.stringContaining('no such model'),
    });
    expect(asked(server)).toBeLessThan(16);
  });

  it('labels again beside the old labels', async () => {
    const { store, label, labels, runId } = await labelling();
    await label();
    const before = labels();
    const again = store.runs.create({ ...run, folder: 'runs/second' }, [{ name: 'label', plannedUnits: 80 }]);
    store.labels.add(before.map((old) => ({ ...old, runId: again, correct: 0 })));
    const history = store.labels.history(before[5]!.problemId);
    expect(history.map(({ runId, correct }) => [runId, correct])).toEqual([
      [runId, before[5]!.correct],
      [again, 0],
    ]);
  });

  it('keeps the key out of everything that is stored or told, even where the server echoes it', async () => {
    const echo = await labelling({ key: KEY, answer: () => `Your key is ${KEY}, \\boxed{1}` });
    await echo.label(KEY);
    const { folder } = echo;
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name), 'latin1')).not.toContain(KEY);
    expect(JSON.stringify(echo.messages)).not.toContain(KEY);
    expect(
      echo.store.rollouts.ofProblem({ runId: echo.runId, stage: 0, step: 0 }, 1)[0]?.response ?? '[key]',
    ).toContain('[key]');
  });
});

describe('keys', () => {
  const none = () => Promise.reject(new Error('no bus'));
  it('are kept by the system where it has a store, per name and host', async () => {
    const kept = new Map<string, string>();
    const keys = createKeys(
      async () => ({
        get: (account) => kept.get(account) ?? null,
        set: (account, secret) => void kept.set(account, secret),
        remove: (account) => void kept.delete(account),
      }),
      {},
    );
    const endpoint = endpointOf('https://a.example/v1');
    expect(await keys.keep(endpoint, ` ${KEY}\n`)).toBe('system');
    expect(await keys.read(endpoint)).toBe(KEY);
    // Another host does not get it.
    expect(await keys.read(endpointOf('https://b.example/v1'))).toBeNull();
    await keys.forget(endpoint);
    expect(await keys.placeOf(endpoint)).toBe('none');
  });

  it('stay in the process where there is none, and it says why', async () => {
    const keys = createKeys(none, { OPENAI_API_KEY: KEY });
    expect(await keys.systemProblem()).toContain('no bus');
    expect(await keys.keep(endpointOf('http://h'), 'abc')).toBe('process');
    expect(await keys.read(endpointOf('http://h'))).toBe('abc');
    expect(await keys.placeOf(endpointOf('http://h', { keyVariable: 'OPENAI_API_KEY' }))).toBe('environment');
    expect(await keys.read(endpointOf('http://h', { keyVariable: 'MISSING' }))).toBeNull();
  });

  it.each(['', 'two words', 'line\nbreak', 'ümlaut'])('%j is none', async (text) => {
    await expect(createKeys(none).keep(endpointOf('http://h'), text)).rejects.toMatchObject({ code: 'usage' });
  });
});
