// Shared by the tests of remote/: a server, a client of it, and a clock that does not wait.
import { onTestFinished } from 'vitest';
import { type Client, type ClientOptions, createClient } from '#core/remote/client.ts';
import { type Endpoint, endpointUrl } from '#core/remote/endpoint.ts';
import type { Clock } from '#core/remote/gate.ts';
import { AresError } from '#core/util/errors.ts';
import { type FakeOptions, type FakeServer, startFakeServer } from './fakeServer.ts';

export const KEY = 'sk-secret-0123456789';

export async function fakeServer(options: FakeOptions = {}): Promise<FakeServer> {
  const server = await startFakeServer(options);
  onTestFinished(() => server.close());
  return server;
}

export function endpointOf(url: string, changes: Partial<Endpoint> = {}): Endpoint {
  return { name: 'test', url: endpointUrl(url), keyVariable: null, concurrency: 4, timeoutMs: 20_000, ...changes };
}

/** Waits pass at once, and are written down. */
export function instantClock(): Clock & { waits: number[] } {
  let nowMs = 0;
  const waits: number[] = [];
  return {
    waits,
    nowMs: () => nowMs,
    async wait(ms) {
      waits.push(ms);
      nowMs += ms;
    },
  };
}

export function clientOf(
  server: FakeServer,
  changes: Partial<Endpoint> = {},
  options: Partial<ClientOptions> = {},
): Client {
  return createClient({ endpoint: endpointOf(server.url, changes), key: null, random: () => 0, ...options });
}

/** The AresError that a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<AresError> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof AresError) return thrown;
    throw thrown;
  }
  throw new Error('It was not rejected.');
}
