/** A hub that cannot be reached is told at once: refused, unknown, or swallowed by the network. */
import { createServer, Socket } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { requireReachable } from '#core/remote/reachable.ts';

async function listening() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return { server, url: `http://127.0.0.1:${port}` };
}

it('lets a server pass that takes connections, and leaves none open', async () => {
  const { server, url } = await listening();
  const arrived = once(server, 'connection') as Promise<[Socket]>;
  await requireReachable(url);
  const [socket] = await arrived;
  socket.resume();
  if (!socket.destroyed) await once(socket, 'close');
  server.close();
  await once(server, 'close');
});

it('says that a port is closed', async () => {
  const { server, url } = await listening();
  server.close();
  await once(server, 'close');
  await expect(requireReachable(url)).rejects.toMatchObject({
    code: 'network',
    where: url,
    message: expect.stringContaining('ECONNREFUSED'),
    hint: expect.any(String),
  });
});

it('does not wait for a network that swallows connections', async () => {
  const socket = new Socket();
  const swallowed = requireReachable('https://hub.example', { limitMs: 20, connect: () => socket });
  await expect(swallowed).rejects.toMatchObject({
    code: 'network',
    where: 'https://hub.example',
    message: 'The hub cannot be reached: nothing answers within a second.',
  });
  expect(socket.destroyed).toBe(true);
});

it('asks the port of the scheme where the address names none', async () => {
  const asked: object[] = [];
  const connect = (where: { host: string; port: number }) => {
    asked.push(where);
    return new Socket();
  };
  for (const url of ['https://hub.example', 'http://hub.example/mirror', 'http://[::1]:8080'])
    await expect(requireReachable(url, { limitMs: 1, connect })).rejects.toMatchObject({ code: 'network' });
  expect(asked).toEqual([
    { host: 'hub.example', port: 443 },
    { host: 'hub.example', port: 80 },
    { host: '::1', port: 8080 },
  ]);
});
