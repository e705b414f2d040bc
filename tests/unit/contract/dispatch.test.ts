/** The host's end: what is refused, what errors look like, and that nothing a front end sends makes it throw. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CallName, type Handlers, type Job, calls } from '#core/contract/contract.ts';
import { type StreamListener, type StreamSources, createDispatcher } from '#core/contract/dispatch.ts';
import type { WireError } from '#core/contract/transport.ts';
import { AresError } from '#core/util/errors.ts';

const body = (value: unknown, sizeBytes = 100) => ({ sizeBytes, read: () => value });

/** A host that knows the handlers given; the others fail the test that reaches them. */
function dispatcherOf(handlers: Partial<Handlers> = {}, sources: Partial<StreamSources> = {}) {
  const reports: [string, unknown][] = [];
  const unexpected = (name: string) => () => {
    throw new Error(`${name} was not expected to be reached`);
  };
  const all = Object.fromEntries(Object.keys(calls).map((name) => [name, unexpected(name)]));
  const streams = { changes: unexpected('changes'), run: unexpected('run'), job: unexpected('job') };
  const dispatcher = createDispatcher(
    { ...all, ...handlers } as unknown as Handlers,
    { ...streams, ...sources } as unknown as StreamSources,
    (what, thrown) => void reports.push([what, thrown]),
  );
  return { dispatcher, reports };
}

describe('a call', () => {
  it('is answered by its handler', async () => {
    const { dispatcher } = dispatcherOf({ 'uploads.begin': ({ sizeBytes }) => ({ uploadId: sizeBytes }) });
    expect(await dispatcher.call('uploads.begin', body({ name: 'a', sizeBytes: 7 }))).toEqual({
      ok: true,
      value: { uploadId: 7 },
    });
  });

  it.each(['nothing.here', 'constructor', '__proto__', 'toString', ''])('named "%s" is refused', async (name) => {
    const { dispatcher, reports } = dispatcherOf();
    expect(await dispatcher.call(name, body({}))).toMatchObject({ ok: false, error: { code: 'unsupported' } });
    expect(reports).toEqual([]);
  });

  it('that is too large is refused before it is read', async () => {
    const { dispatcher } = dispatcherOf();
    let isRead = false;
    const answer = await dispatcher.call('jobs.list', {
      sizeBytes: calls['jobs.list'].maxRequestBytes + 1,
      read: () => (isRead = true),
    });
    expect(answer).toMatchObject({ ok: false, error: { code: 'usage' } });
    expect(isRead).toBe(false);
  });

  it('that does not fit is refused with the place, and never reaches the handler', async () => {
    const { dispatcher } = dispatcherOf();
    const answer = await dispatcher.call('uploads.begin', body({ name: 'a', sizeBytes: 1, more: true }));
    expect(answer).toMatchObject({ ok: false, error: { code: 'usage', where: 'uploads.begin' } });
    expect(await dispatcher.call('jobs.cancel', body({ jobId: '1' }))).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('jobId') as string },
    });
  });

  it('hands the errors of its handler on with code, place and hint', async () => {
    const { dispatcher, reports } = dispatcherOf({
      'jobs.cancel': () => {
        throw new AresError('not-found', 'There is no job 3.', { where: 'job 3', hint: 'Start it again.' });
      },
    });
    expect(await dispatcher.call('jobs.cancel', body({ jobId: 3 }))).toEqual({
      ok: false,
      error: { code: 'not-found', message: 'There is no job 3.', where: 'job 3', hint: 'Start it again.' },
    });
    expect(reports).toEqual([]);
  });

  it('reports a bug of the handler to the host, and no stack to the front end', async () => {
    const bug = new TypeError('x is undefined');
    const { dispatcher, reports } = dispatcherOf({ 'jobs.list': () => Promise.reject(bug) });
    const answer = await dispatcher.call('jobs.list', body({}));
    expect(answer).toMatchObject({ ok: false, error: { code: 'internal' } });
    expect(JSON.stringify(answer)).not.toContain('dispatch.test');
    expect(reports).toEqual([['jobs.list', bug]]);
  });

  it('whose handler answers what the contract does not allow fails', async () => {
    const { dispatcher, reports } = dispatcherOf({ 'uploads.finish': () => ({ path: 7 }) as never });
    expect(await dispatcher.call('uploads.finish', body({ uploadId: 1 }))).toMatchObject({
      ok: false,
      error: { code: 'internal', message: expect.stringContaining('path') as string },
    });
    expect(reports).toHaveLength(1);
  });

  it('of any name with anything in it never throws', async () => {
    const { dispatcher } = dispatcherOf();
    const names = fc.oneof(fc.string(), fc.constantFrom(...(Object.keys(calls) as CallName[])));
    await fc.assert(
      fc.asyncProperty(
        names,
        fc.anything({ withBigInt: true, withTypedArray: true, withNullPrototype: true }),
        async (name, value) => {
          expect(await dispatcher.call(name, body(value))).toMatchObject({ ok: expect.any(Boolean) as boolean });
        },
      ),
      { numRuns: 500 },
    );
    const throwing = { sizeBytes: 1, read: () => JSON.parse('{') as unknown };
    expect(await dispatcher.call('jobs.list', throwing)).toMatchObject({ ok: false, error: { code: 'usage' } });
  });
});

/** Subscribes to `changes`, whose source the test plays. */
function subscribed() {
  let listener!: StreamListener<{ topics: ('runs' | 'jobs' | 'labels')[] }>;
  let stops = 0;
  const { dispatcher, reports } = dispatcherOf(
    {},
    {
      changes: (_, given) => {
        listener = given;
        return () => void stops++;
      },
    },
  );
  const items: unknown[] = [];
  const ends: (WireError | null)[] = [];
  const subscription = dispatcher.subscribe('changes', body({}), {
    item: (item) => void items.push(item),
    end: (error) => void ends.push(error),
  });
  return { source: listener, subscription, items, ends, reports, stops: () => stops };
}

describe('a subscription', () => {
  it('gets one item, and the next only after it has acknowledged', () => {
    const { source, subscription, items } = subscribed();
    source.item({ topics: ['runs'] });
    source.item({ topics: ['jobs'] });
    expect(items).toEqual([{ topics: ['runs'] }]);
    subscription.acknowledge();
    expect(items).toEqual([{ topics: ['runs'] }, { topics: ['jobs'] }]);
    subscription.acknowledge();
    expect(items).toHaveLength(2);
  });

  it('gets what happened in between as one: topics united', () => {
    const { source, subscription, items } = subscribed();
    source.item({ topics: ['runs'] });
    for (let i = 0; i < 1000; i++) source.item({ topics: i % 2 === 0 ? ['jobs', 'runs'] : ['labels'] });
    subscription.acknowledge();
    expect(items[1]).toEqual({ topics: ['jobs', 'runs', 'labels'] });
    subscription.acknowledge();
    expect(items).toHaveLength(2);
  });

  it('gets the newest state of a job and then the end', () => {
    const job = (done: number): Job => ({
      jobId: 1,
      kind: 'import',
      title: 'x',
      state: 'running',
      done,
      total: null,
      unit: 'rows',
      remainingMs: null,
      error: null,
      result: null,
    });
    let source!: StreamListener<Job>;
    const { dispatcher } = dispatcherOf({}, { job: (_, given) => ((source = given), () => undefined) });
    const seen: unknown[] = [];
    const subscription = dispatcher.subscribe('job', body({ jobId: 1 }), {
      item: (item) => void seen.push((item as Job).done),
      end: (error) => void seen.push(error),
    });
    for (const done of [1, 2, 3]) source.item(job(done));
    source.end();
    expect(seen).toEqual([1]);
    subscription.acknowledge();
    expect(seen).toEqual([1, 3]);
    subscription.acknowledge();
    expect(seen).toEqual([1, 3, null]);
  });

  it('ends the source when it is cancelled, once, and is told nothing more', () => {
    const { source, subscription, items, ends, stops } = subscribed();
    subscription.cancel();
    subscription.cancel();
    source.item({ topics: ['runs'] });
    source.end(new Error('late'));
    subscription.acknowledge();
    expect([items, ends, stops()]).toEqual([[], [], 1]);
  });

  it('ends with the error of its source', () => {
    const { source, ends, stops } = subscribed();
    source.end(new AresError('not-found', 'It is gone.'));
    expect(ends).toEqual([{ code: 'not-found', message: 'It is gone.', where: null, hint: null }]);
    expect(stops()).toBe(1);
  });

  it('ends with an error when the source sends what the contract does not allow', () => {
    const { source, ends, items, reports } = subscribed();
    source.item({ topics: ['weather' as 'runs'] });
    expect(items).toEqual([]);
    expect(ends).toMatchObject([{ code: 'internal' }]);
    expect(reports).toHaveLength(1);
  });

  it('to an unknown stream, with wrong parameters or to a source that throws ends at once', () => {
    const { dispatcher } = dispatcherOf(
      {},
      {
        run: () => {
          throw new AresError('not-found', 'There is no run 9.');
        },
      },
    );
    const endOf = (name: string, params: unknown) => {
      const ends: unknown[] = [];
      dispatcher.subscribe(name, body(params), { item: () => undefined, end: (error) => void ends.push(error?.code) });
      return ends;
    };
    expect(endOf('weather', {})).toEqual(['unsupported']);
    expect(endOf('__proto__', {})).toEqual(['unsupported']);
    expect(endOf('run', { runId: 0 })).toEqual(['usage']);
    expect(endOf('run', { runId: 9 })).toEqual(['not-found']);
  });

  it('whose source ends before it has begun is ended too', () => {
    let stops = 0;
    const { dispatcher } = dispatcherOf(
      {},
      {
        job: (_, { end }) => {
          end();
          return () => void stops++;
        },
      },
    );
    const ends: unknown[] = [];
    dispatcher.subscribe('job', body({ jobId: 1 }), { item: () => undefined, end: (error) => void ends.push(error) });
    expect([ends, stops]).toEqual([[null], 1]);
  });
});
