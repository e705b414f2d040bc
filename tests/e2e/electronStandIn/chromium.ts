/**
 * The Chromium in which the stand-in's windows are pages.
 *
 * Owns: its process, and the addresses: Chromium knows no app://, so `app://HOST/…` is shown as
 * `https://HOST.app.invalid/…`, which is a secure origin and reaches no network, since every request of
 * every page is answered here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { cleanups, state } from './app.ts';

const SUFFIX = '.app.invalid';

export function toChromium(url: string): string {
  return url.replace(/^app:\/\/([^/?#]*)/, (_, host: string) => `https://${host}${SUFFIX}`);
}

export function fromChromium(url: string): string {
  return url.replace(
    /^((?:blob:)?)https:\/\/([^/?#]*)\.app\.invalid/,
    (_, blob: string, host: string) => `${blob}app://${host}`,
  );
}

export const executablePath = process.env['ARES_CHROMIUM'] ?? '/usr/bin/chromium';
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
  // Electron asks the main process instead.
  '--disable-popup-blocking',
];

/** Where a debugger, here the test, can take hold of the pages; null before the first window. */
export let endpoint: string | null = null;
let starting: Promise<BrowserContext> | null = null;

export function browserContext(): Promise<BrowserContext> {
  starting ??= startChromium();
  return starting;
}

async function startChromium(): Promise<BrowserContext> {
  const profile = join(state.userData, 'chromium');
  mkdirSync(profile, { recursive: true });
  const portFile = join(profile, 'DevToolsActivePort');
  // Of an earlier start.
  rmSync(portFile, { force: true });
  const child = spawn(
    executablePath,
    [...chromiumArguments, '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
    { stdio: 'ignore' },
  );
  cleanups.push(() => end(child));
  endpoint = `http://127.0.0.1:${await portOf(portFile)}`;
  const browser = await chromium.connectOverCDP(endpoint);
  // A page that another page has opened: windows.ts has been told and does not allow any.
  const targets = await browser.newBrowserCDPSession();
  targets.on('Target.targetCreated', ({ targetInfo: { type, targetId, openerId } }) => {
    if (type === 'page' && openerId !== undefined) void targets.send('Target.closeTarget', { targetId });
  });
  await targets.send('Target.setDiscoverTargets', { discover: true });
  return browser.contexts()[0]!;
}

async function portOf(file: string): Promise<string> {
  for (;;) {
    try {
      const [port] = readFileSync(file, 'utf8').split('\n');
      if (port) return port;
    } catch {
      // Not written yet.
    }
    await sleep(20);
  }
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => void child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
