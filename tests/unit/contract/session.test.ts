/** A connection, both ends of it, without a transport: frames go straight from one to the other. */
import { changeTopics } from '#core/contract/contract.ts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClient } from '#core/contract/client.ts';
import type { Dispatcher, ItemSink } from '#core/contract/dispatch.ts';
import { decodeFrame, encodeFrame, frameKinds, maxFrameBytes } from '#core/contract/frames.ts';
import { createSession } from '#core/contract/session.ts';
import { WireFormatError } from '#core/contract/wire.ts';
import { createFrameTransport } from '#renderer/transport/frameTransport.ts';

/** A host that answers with what it was asked, and lets the test feed its one stream. */
function echoHost() {
  const sinks: ItemSink[] = [];
  const calls: ((value: unknown) => void)[] = [];
  const log: string[] = [];
  const dispatcher: Dispatcher = {
    async call(name, { read }) {
      if (name === 'jobs.list') return new Promise((resolve) => calls.push((value) => resolve({ ok: true, value })));
      try {
        log.push(`${name} ${JSON.stringify(read())}`);
      } catch {
        log.push(`${name} unreadable`);
      }
      return { ok: false, error: { code: 'usage', message: 'Not like this.', where: name, hint: null } };
    },
    subscribe(name, _, sink) {
      log.push(`subscribe ${name}`);
      sinks.push(sink);
      return { acknowledge: () => void log.push('acknowledged'), cancel: () => void log.push('cancelled') };
    },
  };
  return { dispatcher, sinks, calls, log };
}

function connected() {
  const host = echoHost();
  const transport = createFrameTransport();
  const disconnects: string[] = [];
  const connect = () => {
    const session = createSession({
      dispatcher: host.dispatcher,
      send: (frame) => transport.received(frame),
      disconnect: (reason) => void disconnects.push(reason),
    });
    transport.opened((frame) => session.receive(frame));
    return session;
  };
  return { ...host, transport, client: createClient(transport), connect, disconnects };
}

describe('a connection', () => {
  it('answers every call with its own answer, in whatever order they come', async () => {
    const { client, connect, calls } = connected();
    connect();
    const first = client.call('jobs.list', {});
    const second = client.call('jobs.list', {});
    calls[1]!([]);
    calls[0]!([]);
    expect(await Promise.all([first, second])).toEqual([[], []]);
  });

  it('hands refusals on as errors with their fields', async () => {
    const { client, connect } = connected();
    connect();
    await expect(client.call('jobs.cancel', { jobId: 4 })).rejects.toMatchObject({
      name: 'ContractError',
      code: 'usage',
      message: 'Not like this.',
      where: 'jobs.cancel',
    });
  });

  it('keeps calls that are made before it is there', async () => {
    const { client, connect, calls } = connected();
    const answer = client.call('jobs.list', {});
    connect();
    calls[0]!([]);
    expect(await answer).toEqual([]);
  });

  it('acknowledges an item when the view has dealt with it', async () => {
    const { client, connect, sinks, log } = connected();
    connect();
    let finish!: () => void;
    client.subscribe('changes', {}, () => new Promise<void>((resolve) => (finish = resolve)));
    sinks[0]!.item({ topics: ['runs'] });
    await Promise.resolve();
    expect(log).toEqual(['subscribe changes']);
    finish();
    await expect.poll(() => log).toEqual(['subscribe changes', 'acknowledged']);
  });

  it('ends a subscription from either side', () => {
    const { client, connect, sinks, log } = connected();
    connect();
    const ends: unknown[] = [];
    const stop = client.subscribe('changes', {}, () => undefined);
    client.subscribe(
      'job',
      { jobId: 1 },
      () => undefined,
      (error) => ends.push(error?.message),
    );
    stop();
    sinks[1]!.end({ code: 'not-found', message: 'It is gone.', where: null, hint: null });
    expect(log).toEqual(['subscribe changes', 'subscribe job', 'cancelled']);
    expect(ends).toEqual(['It is gone.']);
  });

  it('that breaks fails what is under way, and subscribes again when it is back', async () => {
    const { client, connect, transport, log, calls } = connected();
    const session = connect();
    const topics: unknown[] = [];
    client.subscribe('changes', {}, (item) => void topics.push(item.topics.length));
    const lost = client.call('jobs.list', {});
    session.close();
    transport.closed();
    await expect(lost).rejects.toMatchObject({ code: 'connection' });
    const later = client.call('jobs.list', {});
    connect();
    calls.at(-1)!([]);
    expect(await later).toEqual([]);
    expect(log).toEqual(['subscribe changes', 'cancelled', 'subscribe changes']);
    // What was announced meanwhile is not known: every topic.
    expect(topics).toEqual([changeTopics.length]);
  });

  it('drops the answers of a front end that is gone', async () => {
    const { dispatcher, calls } = echoHost();
    const sent: unknown[] = [];
    const session = createSession({ dispatcher, send: (frame) => sent.push(frame), disconnect: () => undefined });
    session.receive(encodeFrame('call', 1, 'jobs.list', {}));
    session.close();
    calls[0]!([]);
    await new Promise((resolve) => void setImmediate(resolve));
    expect(sent).toEqual([]);
  });
});

describe('a front end that breaks the protocol is disconnected', () => {
  const reasonsFor = (...frames: Uint8Array[]) => {
    const { dispatcher, log } = echoHost();
    const reasons: string[] = [];
    const session = createSession({
      dispatcher,
      send: () => undefined,
      disconnect: (reason) => void reasons.push(reason),
    });
    for (const frame of frames) session.receive(frame);
    return { reasons, log };
  };

  it('for frames that are none, and for those that only a host sends', () => {
    expect(reasonsFor(new Uint8Array(3)).reasons).toHaveLength(1);
    expect(reasonsFor(Uint8Array.of(99, 0, 0, 0, 0, 0, 0, 0)).reasons).toHaveLength(1);
    expect(reasonsFor(encodeFrame('answer', 1, '', {})).reasons).toHaveLength(1);
  });

  it('for one number for two subscriptions, and for more than anybody needs', () => {
    const subscribe = (id: number) => encodeFrame('subscribe', id, 'changes', {});
    const twice = reasonsFor(subscribe(1), subscribe(1), subscribe(2));
    expect(twice.reasons).toHaveLength(1);
    // Its subscription is ended, and it is not listened to any more.
    expect(twice.log).toEqual(['subscribe changes', 'cancelled']);
    expect(reasonsFor(...Array.from({ length: 300 }, (_, id) => subscribe(id))).reasons).toHaveLength(1);
  });

  it('for more calls at once than anybody makes', () => {
    const call = (_: unknown, id: number) => encodeFrame('call', id, 'jobs.list', {});
    expect(reasonsFor(...Array.from({ length: 512 }, call)).reasons).toEqual([]);
    expect(reasonsFor(...Array.from({ length: 513 }, call)).reasons).toHaveLength(1);
  });

  it('and no bytes make it throw', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc
        .tuple(
          fc.constantFrom(...frameKinds),
          fc.nat(),
          fc.string({ maxLength: 20, unit: 'binary-ascii' }),
          fc.jsonValue(),
        )
        .map(([kind, id, name, value]) => encodeFrame(kind, id, name, value)),
    );
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 8 }), (frames) => void reasonsFor(...frames)),
      { numRuns: 500 },
    );
  });
});

describe('frames', () => {
  it('come back as they were', () => {
    const frame = decodeFrame(encodeFrame('call', 4_000_000_000, 'uploads.chunk', { bytes: Uint8Array.of(1, 2) }));
    expect(frame).toMatchObject({ kind: 'call', id: 4_000_000_000, name: 'uploads.chunk' });
    expect(frame.read()).toEqual({ bytes: Uint8Array.of(1, 2) });
    expect(decodeFrame(encodeFrame('acknowledge', 7)).read()).toBeUndefined();
  });

  it('say how large their value is without reading it', () => {
    const frame = encodeFrame('call', 1, 'jobs.list', { a: 1 });
    frame.fill(0xff, 24);
    const { sizeBytes, read } = decodeFrame(frame);
    expect(sizeBytes).toBe(frame.length - 24);
    expect(read).toThrow(WireFormatError);
  });

  it('have room for the largest request', () => {
    expect(maxFrameBytes).toBeGreaterThan(8 * 1024 * 1024);
    expect(maxFrameBytes).toBeLessThan(9 * 1024 * 1024);
  });
});
