/**
 * The real app for tests: `ares serve` as a process of its own and Debian's, or anybody's, Chromium before it.
 *
 * Owns: starting and ending both, a folder for the person's settings that is thrown away, what the page
 * complained about, screenshots, and finding the engine of a run at work. What the window can do is for
 * the tests to say.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, type BrowserContext, type Page, chromium } from 'playwright-core';
import { rendererBuild, upToDate } from '#core/cli/builds.ts';
import { findChromium } from '#core/cli/serve/browser.ts';
import { type RoomName, formatRoute } from '#renderer/app/router.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');
const main = join(root, 'core', 'cli', 'main.ts');
const START_MS = 60_000;
/** A condition that has not come true by then never will, on two busy cores. */
export const PATIENCE_MS = 60_000;

/** Longer than an answer of the host takes to begin to show. */
const QUIET_FRAMES = 15;

/** Null where there is none: then nothing of the window can be tested. */
export const chromiumPath = findChromium(process.platform, process.env);
export const screenshots = join(root, 'dist', 'screenshots');
/** Data sets that lie beside a checkout of this repository, where they do. */
export const sharedData = resolve(root, '..', 'shared', 'data');

export function announceWindow(suite: string): void {
  const which = chromiumPath === null ? 'no Chromium is found, so it is SKIPPED' : `ares serve in ${chromiumPath}`;
  process.stderr.write(`WINDOW  ${suite}: ${which}\n`);
}

export type Theme = 'light' | 'dark';

export interface App {
  readonly page: Page;
  readonly context: BrowserContext;
  /** The folder of the person's settings, and of the sample project once it was opened. */
  readonly home: string;
  /** The address with its token, which lets another browser in. */
  readonly url: string;
  /** Errors of the console and of the page since the last time they were taken. */
  takeComplaints(): string[];
  go(room: RoomName, params?: Record<string, string | number>): Promise<void>;
  /** @returns the file */
  screenshot(name: string): Promise<string>;
  /** Closes the window, and opens another one at the same address. */
  reopen(): Promise<void>;
  /** Processes that work for the server: the engine while a run is at work. */
  engines(): number[];
  close(): Promise<void>;
}

export interface AppOptions {
  /** Opened at the start; null for what a first start opens. */
  project?: string | null;
  theme?: Theme;
}

/** Builds the front end where it is not up to date; the first start after a change takes that long. */
export async function startApp({ project = null, theme = 'light' }: AppOptions = {}): Promise<App> {
  await upToDate(rendererBuild, (text) => process.stderr.write(`${text}\n`));
  const home = mkdtempSync(join(tmpdir(), 'ares-window-'));
  const server = await startServer(home, project);
  const browser = await chromium.launch({
    executablePath: chromiumPath!,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'],
  });
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    colorScheme: theme,
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  const open = async () => {
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => complaints.push(`page: ${error.stack ?? error.message}`));
    await page.goto(server.url);
    await page.getByRole('navigation').first().waitFor();
    return page;
  };
  const app = {
    page: await open(),
    context,
    home,
    url: server.url,
    takeComplaints: () => complaints.splice(0),
    async go(room: RoomName, params: Record<string, string | number> = {}) {
      await app.page.evaluate(
        (hash) => {
          location.hash = hash;
        },
        formatRoute(room, params),
      );
      await settled(app.page);
    },
    async screenshot(name: string) {
      mkdirSync(screenshots, { recursive: true });
      const path = join(screenshots, `${name}.png`);
      await app.page.screenshot({ path });
      return path;
    },
    async reopen() {
      const hash = new URL(app.page.url()).hash;
      await app.page.close();
      app.page = await open();
      await app.page.evaluate((before) => {
        location.hash = before;
      }, hash);
      await settled(app.page);
    },
    engines: () => childrenOf(server.pid),
    async close() {
      await end(browser, server);
      rmSync(home, { recursive: true, force: true });
    },
  };
  return app;
}

/** The page has come to rest: nothing is loading, and for some frames nothing changes any more. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(
    ({ quietFrames, busy }) =>
      new Promise<boolean>((done) => {
        let quiet = 0;
        const observer = new MutationObserver(() => (quiet = 0));
        observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
        const look = () => {
          if (document.querySelector(busy) !== null || document.fonts.status !== 'loaded') quiet = 0;
          if (++quiet < quietFrames) requestAnimationFrame(look);
          else {
            observer.disconnect();
            done(true);
          }
        };
        requestAnimationFrame(look);
      }),
    { quietFrames: QUIET_FRAMES, busy: '[aria-busy="true"], .spinner' },
  );
}

/** Waits until a question has an answer that is true; for what is not on the page. */
export async function until<T>(ask: () => T | Promise<T>, what: string): Promise<NonNullable<T>> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const value = await ask();
    if (value) return value;
    await new Promise((done) => void setTimeout(done, 25));
  }
  throw new Error(`Waited in vain for ${what}.`);
}

interface ServerProcess {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

async function startServer(home: string, project: string | null): Promise<ServerProcess> {
  const args = [main, 'serve', '--headless', '--json', ...(project === null ? [] : [project])];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ARES_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let notes = '';
  child.stderr.on('data', (text: Buffer) => (notes += text.toString()));
  let output = '';
  const line = new Promise<string>((done) => {
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
      if (output.includes('\n')) done(output);
    });
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
  const first = await Promise.race([line, exited.then(() => null)]);
  clearTimeout(timer);
  if (first === null) throw new Error(`ares serve ended before it gave an address:\n${notes}`);
  const { url } = JSON.parse(first.split('\n')[0]!) as { url: string };
  return {
    url,
    pid: child.pid!,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), START_MS);
      await exited;
      clearTimeout(hard);
    },
  };
}

async function end(browser: Browser, server: ServerProcess): Promise<void> {
  await browser.close();
  await server.stop();
}

function childrenOf(pid: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,command='], { encoding: 'utf8' });
  return table
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && Number(match[2]) === pid && !match[3]!.startsWith('ps '))
    .map((match) => Number(match![1]));
}
