/** The server with a host of the test's own: its pace, its end, and what it prints nothing about. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Server, startServer } from '#core/cli/serve/server.ts';
import type { Dispatcher } from '#core/contract/dispatch.ts';
import { decodeFrame, encodeFrame } from '#core/contract/frames.ts';
import { listRendererFiles } from '#core/host/rendererFiles.ts';

const MiB = 1024 * 1024;
let folder: string;
let server: Server;
let answered: number;
let cancelled: number;

const dispatcher: Dispatcher = {
  async call(name) {
    if (name === 'ping') return { ok: true, value: null };
    answered++;
    return { ok: true, value: { bytes: new Uint8Array(MiB) } };
  },
  subscribe: () => ({ acknowledge: () => undefined, cancel: () => void cancelled++ }),
};

beforeEach(async () => {
  answered = 0;
  cancelled = 0;
  folder = mkdtempSync(join(tmpdir(), 'ares-server-'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>x</title>');
  server = await startServer({ dispatcher, files: listRendererFiles(folder), port: 0 });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function opened(): Promise<WebSocket> {
  const { headers } = await fetch(server.url);
  const origin = new URL(server.url).origin;
  const cookie = headers.get('set-cookie')!.split(';')[0]!;
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/socket`, { headers: { origin, cookie } });
  await new Promise((resolve, reject) => void socket.on('open', resolve).on('error', reject));
  return socket;
}

describe('the server', () => {
  it('stops reading from a front end that does not read, and goes on when it does', async () => {
    const socket = await opened();
    const ids = new Set<number>();
    socket.on('message', (data) => void ids.add(decodeFrame(data as Buffer).id));
    socket.pause();
    const CALLS = 100;
    for (let id = 1; id <= CALLS; id++) socket.send(encodeFrame('call', id, 'any', { padding: 'x'.repeat(20_000) }));
    // Others are answered as before; when that brings no progress here, it has stopped.
    const other = await opened();
    const counted = () => answered;
    let before = -1;
    while (counted() !== before || before === 0) {
      before = counted();
      for (let round = 0; round < 200; round++) {
        const pong = new Promise((resolve) => void other.once('message', resolve));
        other.send(encodeFrame('call', 1, 'ping', {}));
        await pong;
      }
    }
    expect(answered).toBeLessThan(CALLS / 2);
    socket.resume();
    await expect.poll(() => ids.size, { timeout: 20_000 }).toBe(CALLS);
    socket.close();
  });

  it('ends the subscriptions of a front end that is gone', async () => {
    const socket = await opened();
    socket.send(encodeFrame('subscribe', 1, 'any', {}));
    socket.send(encodeFrame('subscribe', 2, 'any', {}));
    socket.send(encodeFrame('call', 3, 'any', {}));
    await expect.poll(() => answered).toBe(1);
    socket.terminate();
    await expect.poll(() => cancelled).toBe(2);
  });

  it('closes with connections open', async () => {
    const socket = await opened();
    const closed = new Promise<number>((resolve) => void socket.on('close', resolve));
    await server.close();
    expect([1001, 1006]).toContain(await closed);
    await expect(fetch(server.url)).rejects.toThrow();
  });

  it('lets in a limited number of windows', async () => {
    const sockets = await Promise.all(Array.from({ length: 32 }, opened));
    await expect(opened()).rejects.toThrow('503');
    sockets[0]!.close();
    await new Promise((resolve) => void sockets[0]!.on('close', resolve));
    await expect
      .poll(() =>
        opened().then(
          () => 'in',
          () => 'out',
        ),
      )
      .toBe('in');
  });

  it('says so when its port is taken', async () => {
    await expect(
      startServer({ dispatcher, files: listRendererFiles(folder), port: server.port }),
    ).rejects.toMatchObject({ name: 'AresError', code: 'usage', hint: expect.stringContaining('--port') as string });
  });

  it('does not serve a folder that was not built', () => {
    rmSync(join(folder, 'index.html'));
    expect(() => listRendererFiles(folder)).toThrow('not built');
  });
});
