/**
 * `ares serve` against everybody it was not started for: other sites, other users, other programs, and a
 * page that was tampered with. The rules are those of a desktop shell, plus what a server adds.
 */
import { connect } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { encodeFrame, maxFrameBytes } from '#core/contract/frames.ts';
import { temporaryFolder } from './ares.ts';
import { tryAll } from './pageAttempts.ts';
import { type Served, ask, cookieOf, describeWithChromium, openChromium, startServe } from './serve.ts';

let home: string;
let served: Served;
let cookie: string;
/** The headers with which its own page asks. */
let own: Record<string, string>;
let port: number;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'ares-security-'));
  served = await startServe(home);
  ({ port } = served);
  cookie = await cookieOf(served);
  own = { cookie, origin: `http://127.0.0.1:${port}` };
});
afterAll(async () => {
  await served.stop();
  rmSync(home, { recursive: true, force: true });
});

const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

describe('who may talk to the server', () => {
  it('is decided by Host, Origin, token and path, for pages and sockets alike', async () => {
    const statusOf = async (path: string, headers: Record<string, string>, method?: string) =>
      (await ask(port, path, headers, method)).status;

    // Its own page.
    expect(await statusOf('/', { cookie })).toBe(200);
    expect(await statusOf('/', own)).toBe(200);
    expect(await statusOf('/socket', { ...own, ...upgrade })).toBe(101);
    // Through a tunnel that begins at another port.
    expect(await statusOf('/', { cookie, host: 'localhost:9999', origin: 'http://localhost:9999' })).toBe(200);
    expect(await statusOf('/', { cookie, host: '[::1]:9999' })).toBe(200);

    // Names that were made to point here.
    for (const host of [
      'evil.example',
      `127.0.0.1.evil.example:${port}`,
      `evil.example:${port}`,
      '127.0.0.1@evil',
      'localhost.evil',
      '0.0.0.0',
      '127.1',
    ]) {
      expect(await statusOf('/', { cookie, host }), host).toBe(403);
      expect(await statusOf('/socket', { ...own, ...upgrade, host }), host).toBe(403);
    }
    // Other sites, with the cookie that a careless browser would send.
    for (const origin of [
      'https://evil.example',
      'null',
      `https://127.0.0.1:${port}`,
      `http://127.0.0.1:${port + 1}`,
      `http://localhost:${port}`,
      'file://',
    ]) {
      expect(await statusOf('/', { cookie, origin }), origin).toBe(403);
      expect(await statusOf('/socket', { cookie, ...upgrade, origin }), origin).toBe(403);
    }
    // No browser leaves it out.
    expect(await statusOf('/socket', { cookie, ...upgrade })).toBe(403);
    // Without the token, or with another.
    const name = cookie.split('=')[0]!;
    for (const wrong of [
      '',
      `${name}=`,
      `${name}=${'A'.repeat(43)}`,
      `other=${cookie.split('=')[1]}`,
      `${name}=${cookie.split('=')[1]}x`,
    ]) {
      expect(await statusOf('/', { cookie: wrong }), wrong).toBe(401);
      expect(await statusOf('/index.html', { cookie: wrong }), wrong).toBe(401);
      expect(await statusOf('/socket', { ...own, ...upgrade, cookie: wrong }), wrong).toBe(401);
    }
    expect(await statusOf('/?token=wrong', {})).toBe(401);
    expect(await statusOf('/?token=', {})).toBe(401);
    expect(await statusOf(`/index.html?${new URL(served.url).search.slice(1)}`, {})).toBe(401);
    // Anything but reading.
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'])
      expect(await statusOf('/', own, method)).toBe(405);
    expect(await statusOf('/elsewhere', { ...own, ...upgrade })).toBe(404);
  });

  it('is nobody on the network', async () => {
    const others = Object.values(networkInterfaces())
      .flat()
      .filter((address) => address !== undefined && !address.internal && address.family === 'IPv4');
    for (const { address } of others as { address: string }[]) {
      const outcome = await new Promise((resolve) => {
        const socket = connect(port, address);
        socket.on('connect', () => resolve('connected')).on('error', () => resolve('refused'));
      });
      expect(outcome, address).toBe('refused');
    }
  });

  it('knows a token that is new and long at every start, and keeps it from scripts and other sites', async () => {
    const other = await startServe(temporaryFolder());
    onTestFinished(other.stop);
    const tokenOf = ({ url }: Served) => new URL(url).searchParams.get('token')!;
    expect(tokenOf(served)).not.toBe(tokenOf(other));
    expect(Buffer.from(tokenOf(served), 'base64url').length).toBeGreaterThanOrEqual(16);
    const { headers, text } = await ask(port, `/?token=${tokenOf(served)}`);
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^ares-[0-9a-f]{8}=[\w-]+; HttpOnly; SameSite=Strict; Path=\/$/),
    ]);
    expect(text).not.toContain(tokenOf(served));
  });
});

describe('what is served', () => {
  it('is the built front end, whatever the path says', async () => {
    const paths = [
      '/../package.json',
      '/..%2fpackage.json',
      '/%2e%2e/package.json',
      '/%2e%2e%2fpackage.json',
      '/assets/../../package.json',
      '/assets/..%2f..%2f..%2fpackage.json',
      '/..\\package.json',
      '/..%5cpackage.json',
      '//etc/passwd',
      '/etc/passwd',
      '/index.html%00',
      '/index.html/',
      '/.built-from',
      '/%69ndex.html',
      'http://evil.example/',
      '/C:/Windows/win.ini',
      '/~root/.ssh/id_rsa',
    ];
    for (const path of paths) {
      const { status, text } = await ask(port, path, own);
      expect(status, path).toBe(404);
      expect(text).toBe('There is no such page.\n');
    }
  });

  it('carries the policy on every answer, refusals included', async () => {
    for (const [path, headers] of [
      ['/', own],
      ['/nothing', own],
      ['/', {}],
      ['/', { host: 'evil.example' }],
    ] as const) {
      const reply = await ask(port, path, headers);
      expect(reply.headers['content-security-policy'], path).toBe(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; style-src-attr 'unsafe-inline'; " +
          "img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; worker-src 'self'; frame-src 'self' blob:; " +
          "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      expect(reply.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
      });
      expect(reply.headers['access-control-allow-origin']).toBeUndefined();
      expect(reply.headers['x-powered-by']).toBeUndefined();
    }
  });
});

describe('a front end that misbehaves', () => {
  /** A socket as the page has one. */
  async function opened(): Promise<WebSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, { headers: own });
    await new Promise((resolve, reject) => void socket.on('open', resolve).on('error', reject));
    socket.on('error', () => undefined);
    return socket;
  }
  const closeOf = (socket: WebSocket) => new Promise<number>((resolve) => void socket.on('close', resolve));

  it('is disconnected, and nobody else notices', async () => {
    const bystander = await opened();
    const behaviours: [(socket: WebSocket) => void, number][] = [
      [(socket) => socket.send('text'), 1008],
      [(socket) => socket.send(Uint8Array.of(1, 2, 3)), 1008],
      [(socket) => socket.send(new Uint8Array(64).fill(255)), 1008],
      [(socket) => socket.send(new Uint8Array(maxFrameBytes + 1)), 1009],
      [(socket) => socket.send(encodeFrame('answer', 1, '', {})), 1008],
      [
        (socket) => {
          for (let id = 0; id < 300; id++) socket.send(encodeFrame('subscribe', id, 'changes', {}));
        },
        1008,
      ],
    ];
    for (const [behave, code] of behaviours) {
      const socket = await opened();
      const closed = closeOf(socket);
      behave(socket);
      expect(await closed).toBe(code);
    }
    const answer = new Promise((resolve) => void bystander.once('message', resolve));
    bystander.send(encodeFrame('call', 1, 'jobs.list', {}));
    expect(Buffer.from((await answer) as Buffer)[0]).toBe(4);
    expect(served.stderr()).not.toContain('    at ');
  });

  it('gets refusals for calls that do not exist, do not fit or are too large', async () => {
    const socket = await opened();
    const kinds: number[] = [];
    socket.on('message', (data) => kinds.push((data as Buffer)[0]!));
    socket.send(encodeFrame('call', 1, 'no.such.call', {}));
    socket.send(encodeFrame('call', 2, '__proto__', {}));
    socket.send(encodeFrame('call', 3, 'jobs.cancel', { jobId: -1 }));
    socket.send(encodeFrame('call', 4, 'jobs.list', { padding: 'x'.repeat(100_000) }));
    socket.send(encodeFrame('subscribe', 5, 'no.such.stream', {}));
    await expect.poll(() => kinds.toSorted()).toEqual([5, 5, 5, 5, 7]);
    socket.close();
  });
});

describeWithChromium('a page in a browser', () => {
  /** The page, and what it writes to its console. */
  async function open(): Promise<{ page: Page; log: string[] }> {
    const log: string[] = [];
    const context = await (await openChromium()).newContext();
    const page = await context.newPage();
    page.on('console', (message) => log.push(message.text()));
    await page.goto(served.url);
    await page.waitForSelector('main');
    return { page, log };
  }

  it('has no token in its address, its history or its scripts', async () => {
    const { page } = await open();
    const token = new URL(served.url).searchParams.get('token')!;
    expect(page.url()).not.toContain(token);
    expect(
      await page.evaluate(
        '[document.cookie, document.referrer, performance.getEntries().map(({ name }) => name)].join()',
      ),
    ).not.toContain(token);
  });

  it('runs and loads nothing but its own files', async () => {
    const { page, log } = await open();
    const { came, expected } = await tryAll(page);
    expect(came).toEqual(expected);
    expect(log.filter((text) => text.includes('Content Security Policy')).length).toBeGreaterThanOrEqual(7);
  });

  it('cannot be framed by another site, nor reach the server from there', async () => {
    const { page } = await open();
    const other = await page.context().newPage();
    await other.route('https://evil.example/**', (route) =>
      route.fulfill({ contentType: 'text/html', body: `<iframe src="http://127.0.0.1:${port}/"></iframe>` }),
    );
    await other.goto('https://evil.example/');
    const frame = other.frames()[1]!;
    expect(await frame.evaluate('document.body?.innerText ?? ""')).not.toContain('Settings');
    const outcome = (attempt: string) => other.evaluate(`new Promise((done) => { ${attempt} })`);
    const fetched = await outcome(
      `fetch('http://127.0.0.1:${port}/', { credentials: 'include' }).then(() => done('read'), () => done('refused'))`,
    );
    const socket = await outcome(
      `const line = new WebSocket('ws://127.0.0.1:${port}/socket'); line.onopen = () => done('open'); line.onerror = () => done('refused')`,
    );
    expect([fetched, socket]).toEqual(['refused', 'refused']);
  });
});
