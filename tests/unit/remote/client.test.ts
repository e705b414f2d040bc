// The client against a server that misbehaves: what is repeated, how long is waited, what a person reads.
import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '#core/remote/client.ts';
import { endpointUrl } from '#core/remote/endpoint.ts';
import { createGate } from '#core/remote/gate.ts';
import type { Misbehaviour } from './fakeServer.ts';
import { KEY, clientOf, endpointOf, failureOf, fakeServer, instantClock } from './helpers.ts';

const body = { model: 'm', messages: [{ role: 'user', content: '2 + 3?' }], max_tokens: 50 };

/** Bad at first, then as it should be. */
const firstBad =
  (...bad: Misbehaviour[]) =>
  (attempt: number) =>
    bad[attempt] ?? null;

describe('what helps to repeat is repeated', () => {
  it.each<[string, Misbehaviour]>([
    ['an error of the server', { kind: 'status', status: 500 }],
    ['a gateway without its server', { kind: 'status', status: 502 }],
    ['an answer that is cut off', { kind: 'truncated' }],
    ['JSON of another shape', { kind: 'shape', body: { hello: 1 } }],
    ['no choices', { kind: 'shape', body: { choices: [] } }],
    ['an error with status 200', { kind: 'shape', body: { error: { code: 502, message: 'upstream' } } }],
    ['a connection that breaks', { kind: 'drop' }],
  ])('%s', async (_what, bad) => {
    const server = await fakeServer({ misbehave: firstBad(bad, bad) });
    const clock = instantClock();
    const reply = await clientOf(server, {}, { clock }).post('chat/completions', body);
    expect(reply.kind).toBe('value');
    expect(server.asked).toHaveLength(3);
    // Twice as long the second time.
    expect(clock.waits).toEqual([500, 1000]);
  });

  it('gives up after six attempts, says what the server said and that nothing is lost', async () => {
    const server = await fakeServer({
      misbehave: () => ({ kind: 'status', status: 500, body: { error: { message: 'out of memory' } } }),
    });
    const error = await failureOf(clientOf(server, {}, { clock: instantClock() }).post('chat/completions', body));
    expect(error).toMatchObject({ code: 'endpoint', message: expect.stringContaining('out of memory') });
    expect(error.hint).toContain('resume');
    expect(server.asked).toHaveLength(6);
  });

  it('a silent server is given up on after the time limit', async () => {
    const server = await fakeServer({ misbehave: () => ({ kind: 'silence' }) });
    const error = await failureOf(
      clientOf(server, { timeoutMs: 30 }, { clock: instantClock() }).post('chat/completions', body),
    );
    expect(error.message).toContain('within 0.03 s');
  });

  it('nobody listening is an error of the endpoint', async () => {
    const server = await fakeServer();
    const client = clientOf(server, {}, { clock: instantClock() });
    await server.close();
    expect(await failureOf(client.post('chat/completions', body))).toMatchObject({
      code: 'endpoint',
      message: expect.stringContaining('nobody listens'),
    });
  });
});

describe('what does not help is not repeated', () => {
  it.each<[string, Misbehaviour, string]>([
    ['a wrong key', { kind: 'status', status: 401 }, 'key'],
    ['no credit', { kind: 'status', status: 402 }, 'credit'],
    ['a used-up quota', { kind: 'status', status: 429, body: { error: { code: 'insufficient_quota' } } }, 'quota'],
    ['a redirect', { kind: 'redirect', to: 'http://127.0.0.1:1/v1' }, 'redirects'],
    ['a giant answer', { kind: 'giant', bytes: 70 << 20 }, 'too much'],
  ])('%s', async (_what, bad, said) => {
    const server = await fakeServer({ misbehave: () => bad });
    const error = await failureOf(clientOf(server, {}, { key: KEY }).post('chat/completions', body));
    expect(error.message).toContain(said);
    expect(error.hint).toBeTruthy();
    expect(server.asked).toHaveLength(1);
  });

  it('a refusal of the request is an answer, with the field it is about', async () => {
    const bad: Misbehaviour = { kind: 'status', status: 400, body: { error: { message: 'no', param: 'n' } } };
    const server = await fakeServer({ misbehave: () => bad });
    expect(await clientOf(server).post('chat/completions', body)).toEqual({
      kind: 'refused',
      error: { status: 400, message: 'no', field: 'n' },
    });
  });

  it('a request that is aborted', async () => {
    const server = await fakeServer({ misbehave: () => ({ kind: 'silence' }) });
    const abort = new AbortController();
    const failure = failureOf(clientOf(server).post('chat/completions', body, abort.signal));
    await expect.poll(() => server.asked.length).toBe(1);
    abort.abort();
    expect((await failure).code).toBe('interrupted');
  });
});

describe('the pace', () => {
  it('waits as long as the server asks, halves the requests in flight, and comes back', async () => {
    const slow: Misbehaviour = { kind: 'status', status: 429, headers: { 'retry-after': '7' } };
    const server = await fakeServer({ misbehave: firstBad(slow) });
    const clock = instantClock();
    const slowed: number[] = [];
    const client = clientOf(
      server,
      { concurrency: 8 },
      { clock, onSlowDown: (limit, pauseMs) => slowed.push(limit, pauseMs) },
    );
    await client.post('chat/completions', body);
    expect(clock.waits).toEqual([7000]);
    expect(slowed).toEqual([4, 7000]);
    for (let i = 0; i < 40; i++) await client.post('chat/completions', body);
    expect(client.limit()).toBe(8);
  });

  it('a burst of refusals is one request to slow down', () => {
    const gate = createGate(16, instantClock());
    for (let i = 0; i < 16; i++) gate.slowDown(1000);
    expect(gate.limit()).toBe(8);
  });

  it('never has more requests in flight than allowed', async () => {
    const server = await fakeServer();
    const client = clientOf(server, { concurrency: 3 });
    await Promise.all(Array.from({ length: 20 }, () => client.post('chat/completions', body)));
    expect(server.mostAtOnce()).toBeLessThanOrEqual(3);
    expect(server.asked).toHaveLength(20);
  });

  it('a server that wants hours is reported instead of waited for', async () => {
    const server = await fakeServer({
      misbehave: () => ({ kind: 'status', status: 429, headers: { 'retry-after': '7200' } }),
    });
    const error = await failureOf(clientOf(server).post('chat/completions', body));
    expect(error.message).toContain('120 minutes');
  });

  it('reads seconds, fractions, milliseconds and dates', () => {
    expect(retryAfterMs({ 'retry-after': '3' }, 0)).toBe(3000);
    expect(retryAfterMs({ 'retry-after': '0.05' }, 0)).toBe(50);
    expect(retryAfterMs({ 'retry-after': '9', 'retry-after-ms': '120' }, 0)).toBe(120);
    expect(retryAfterMs({ 'retry-after': new Date(10_000).toUTCString() }, 4000)).toBe(6000);
    expect(retryAfterMs({ 'retry-after': 'soon' }, 0)).toBeNull();
    expect(retryAfterMs({}, 0)).toBeNull();
  });
});

describe('the key', () => {
  it('goes into the header, and is taken out of what the server says', async () => {
    const server = await fakeServer({ key: 'another' });
    const error = await failureOf(clientOf(server, {}, { key: KEY }).post('chat/completions', body));
    expect(error.message).toContain('Incorrect API key provided: Bearer [key]');
    expect(JSON.stringify([error.message, error.where, error.hint, error.cause])).not.toContain(KEY);
    const right = await fakeServer({ key: KEY });
    expect((await clientOf(right, {}, { key: KEY }).post('chat/completions', body)).kind).toBe('value');
  });
});

describe('addresses', () => {
  it('have one spelling', () => {
    expect(endpointUrl('127.0.0.1:8000')).toBe('http://127.0.0.1:8000/v1');
    expect(endpointUrl(' https://api.example.com/v1/ ')).toBe('https://api.example.com/v1');
    expect(endpointUrl('http://h/openai/v1/chat/completions')).toBe('http://h/openai/v1');
    expect(endpointOf('http://h').url).toBe('http://h/v1');
  });

  it.each(['', 'ftp://h/v1', 'file:///etc/passwd', 'http://user:pass@h/v1', 'http://h/v1?api-key=x', 'http://'])(
    'refuses %j',
    (text) => {
      expect(() => endpointUrl(text)).toThrow(expect.objectContaining({ code: 'usage' }));
    },
  );
});
