/**
 * The desktop shell's security, rule by rule: what a page may not do, what nobody but our page may ask,
 * and what is refused whoever asks. Runs main and preload as they are built.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeFrame, maxFrameBytes } from '#core/contract/frames.ts';
import { contentSecurityPolicy } from '#core/host/rendererFiles.ts';
import { channels } from '../../electron/channels.ts';
import { temporaryFolder } from './ares.ts';
import { type StandIn, announceShell, callFromPage, startDesktop, startStandIn } from './desktop.ts';
import { tryAll } from './pageAttempts.ts';
import { describeWithChromium } from './serve.ts';

announceShell('security');

describeWithChromium('a page of the desktop shell', () => {
  it('runs and loads nothing but its own files, and knows no Node', async () => {
    const { page, quit } = await startDesktop(temporaryFolder());
    await page.waitForSelector('main');
    const { came, expected } = await tryAll(page);
    expect(came).toEqual(expected);
    expect(await page.evaluate('[typeof ares, Object.isFrozen(ares)].join()')).toBe('object,true');
    await quit();
  });
});

describeWithChromium('main and preload under the stand-in', () => {
  let home: string;
  let shell: StandIn;
  let page: Page;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'ares-desktop-'));
    shell = await startStandIn(home);
    ({ page } = shell);
    await page.waitForSelector('main');
  });
  afterAll(async () => {
    await shell.quit();
    rmSync(home, { recursive: true, force: true });
  });

  it('show pages that are sandboxed and isolated', async () => {
    expect((await shell.ask('state')).isSandboxed).toBe(true);
    expect((await shell.ask('window')).preferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
    });
    expect(await shell.ask('wouldAttachWebview')).toBe(false);
  });

  it('serve the built front end with the policy and nothing else', async () => {
    const own = await shell.ask('request', { url: 'app://ares/index.html' });
    expect(own.status).toBe(200);
    expect(own.headers['content-security-policy']).toBe(contentSecurityPolicy);
    const others = [
      'app://ares/..%2f..%2fpackage.json',
      'app://ares/../electron/main.js',
      'app://ares/%2e%2e/electron/main.js',
      'app://ares/..\\electron\\main.js',
      'app://ares/..%5celectron%5cmain.js',
      'app://ares/index.html%00.js',
      'app://ares/.built-from',
      'app://x/index.html',
      'app://ares.x/index.html',
      'app://x@ares/index.html',
    ];
    for (const url of others) expect((await shell.ask('request', { url })).status, url).toBe(404);
    expect((await shell.ask('request', { url: 'app://ares/', method: 'POST' })).status).toBe(405);
    // The same from within the page, through Chromium's own reading of addresses.
    const paths = [
      '/..%2f..%2fpackage.json',
      '/../electron/main.js',
      '/..\\..\\package.json',
      '/index.html%00',
      '//etc/passwd',
    ];
    const statuses = await page.evaluate(
      `Promise.all(${JSON.stringify(paths)}.map((path) => fetch(new URL(path, location.origin + '/').pathname).then(({ status }) => status, () => 404)))`,
    );
    expect(statuses).toEqual(paths.map(() => 404));
  });

  it('do not navigate, and hand web addresses to the browser', async () => {
    const before = page.url();
    await page.evaluate(`location.href = 'https://evil.example/away'`);
    await page.evaluate(
      `{ const a = document.createElement('a'); a.href = 'https://arxiv.org/abs/2510.08457'; document.body.append(a); a.click(); a.remove() }`,
    );
    await expect
      .poll(async () => (await shell.ask('asked')).openedExternally)
      .toEqual(expect.arrayContaining(['https://arxiv.org/abs/2510.08457']));
    expect(page.url()).toBe(before);
    expect(await page.evaluate('document.querySelector("main") !== null')).toBe(true);
  });

  it('open no window, for pages of their own neither', async () => {
    const pages = page.context().pages().length;
    await page.evaluate(`window.open('https://evil.example/popup')`);
    await page.evaluate(`window.open(location.href)`);
    await expect
      .poll(async () => (await shell.ask('asked')).openedExternally)
      .toEqual(expect.arrayContaining(['https://evil.example/popup']));
    await expect.poll(() => page.context().pages().length).toBe(pages);
    expect((await shell.ask('state')).windows).toBe(1);
  });

  it('hand nothing to the system but http and https', async () => {
    const before = (await shell.ask('asked')).openedExternally.length;
    const open = (url: string) =>
      page.evaluate(`ares.openExternal(${JSON.stringify(url)}).then(() => 'opened', () => 'refused')`);
    for (const url of [
      'file:///etc/passwd',
      'javascript:alert(1)',
      'smb://host/share',
      'data:text/html,x',
      'ms-settings:x',
      'app://ares/',
      '\\\\host\\share',
      '',
    ])
      expect(await open(url), url).toBe('refused');
    expect((await shell.ask('asked')).openedExternally).toHaveLength(before);
    expect(await open('https://example.org/')).toBe('opened');
  });

  it('grant nothing but copying text, to nobody but the own page', async () => {
    const own = 'app://ares/';
    expect(await shell.ask('permission', { permission: 'clipboard-sanitized-write', url: own })).toEqual({
      request: true,
      check: true,
      device: false,
    });
    for (const permission of [
      'media',
      'geolocation',
      'notifications',
      'midi',
      'clipboard-read',
      'fullscreen',
      'openExternal',
      'fileSystem',
      'hid',
      'usb',
      'unknown',
    ])
      expect(await shell.ask('permission', { permission, url: own }), permission).toEqual({
        request: false,
        check: false,
        device: false,
      });
    for (const url of ['https://evil.example/', 'app://evil/', 'null', ''])
      expect(await shell.ask('permission', { permission: 'clipboard-sanitized-write', url })).toMatchObject({
        request: false,
        check: false,
      });
  });

  it('do not listen to a frame within the page', async () => {
    await page.evaluate(
      `{ const f = document.createElement('iframe'); f.src = URL.createObjectURL(new Blob(['<p>within</p>'], { type: 'text/html' })); document.body.append(f) }`,
    );
    await expect.poll(() => page.frames().length).toBe(2);
    const frame = page.frames()[1]!;
    await frame.waitForFunction('typeof ares === "object"');
    const refused = await frame.evaluate(
      `Promise.all([ares.connect(() => undefined), ares.chooseFolder('x'), ares.reveal('/etc'), ares.openExternal('https://evil.example/')].map((each) => each.then(() => 'answered', ({ message }) => message)))`,
    );
    expect(new Set(refused as string[])).toEqual(
      new Set(['Error invoking remote method: This page may not ask the workbench for anything.']),
    );
    await page.evaluate('document.querySelector("iframe").remove()');
  });

  it('refuse payloads that do not fit, on every channel', async () => {
    const attempt = (call: string) => page.evaluate(`${call}.then(() => 'answered', ({ message }) => message)`);
    const malformed = /^Error invoking remote method: The request to "[\w-]+" is malformed\.$/;
    for (const call of [
      'ares.chooseFolder({})',
      'ares.chooseFolder("x".repeat(1000))',
      'ares.chooseFile("x", "json")',
      'ares.chooseFile("x", Array(1000).fill("a"))',
      'ares.reveal(7)',
      'ares.reveal("x".repeat(100000))',
      'ares.openExternal(null)',
    ]) {
      expect(await attempt(call), call).toMatch(malformed);
    }
    expect(await page.evaluate('document.querySelector("main") !== null')).toBe(true);
  });

  it('survive any frame that the page may send', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }).map((each) => [...each]),
      fc.constantFrom(
        [...encodeFrame('call', 1, '__proto__', {})],
        [...encodeFrame('call', 1, 'jobs.list', { a: 1 })],
        [...encodeFrame('end', 1, '', {})],
      ),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (frame) => {
        await page.evaluate(
          `ares.connect(() => undefined).then(() => ares.send(Uint8Array.from(${JSON.stringify(frame)})))`,
        );
        expect(shell.child.exitCode).toBeNull();
      }),
      { numRuns: 30 },
    );
    await page.evaluate(`ares.send(new Uint8Array(${maxFrameBytes + 1}))`);
    await page.evaluate(`ares.send('text')`);
    // A new connection is answered as if nothing had been.
    expect(await callFromPage(page, 'jobs.list', {})).toEqual([]);
    await page.reload();
    await page.waitForSelector('main');
  });

  it('do not listen to a page from elsewhere in the window itself', async () => {
    await shell.ask('loadElsewhere', 'https://evil.example/');
    await page.waitForFunction('typeof ares === "object"');
    expect(
      await page.evaluate(`ares.connect(() => undefined).then(() => 'answered', ({ message }) => message)`),
    ).toContain('may not ask');
    await shell.ask('loadElsewhere', 'app://ares.evil/');
    await page.waitForFunction('typeof ares === "object"');
    expect(await page.evaluate(`ares.chooseFolder('x').then(() => 'answered', ({ message }) => message)`)).toContain(
      'may not ask',
    );
    await shell.ask('loadElsewhere', 'app://ares/');
    await page.waitForSelector('main');
  });
});

describe('the channels', () => {
  it('are these', () => {
    // Each has a row in the tests above.
    expect(Object.values(channels).sort()).toEqual([
      'choose-file',
      'choose-folder',
      'command',
      'connect',
      'frame',
      'open-external',
      'reveal',
    ]);
  });
});
