/**
 * The desktop shell for tests: main and preload as they are built, under Electron where its binary is
 * there, else under plain Node with a stand-in for `electron` that shows the windows in Chromium.
 *
 * Owns: building it, starting and ending it, and saying which of the two it is.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Page, _electron, chromium } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { decodeFrame, encodeFrame } from '#core/contract/frames.ts';
import { rendererBuild, shellBuild, upToDate } from '#core/cli/builds.ts';
import type { Commands } from './electronStandIn/control.ts';

const root = resolve(import.meta.dirname, '..', '..');
const launcher = join(import.meta.dirname, 'electronStandIn', 'launch.ts');
const START_MS = 60_000;
/** A number that no front end gets to. */
const OWN_ID = 4_000_000_000;

/** Whether Electron itself can be started here. */
export const hasElectron =
  existsSync(join(root, 'node_modules', 'electron', 'path.txt')) &&
  (process.platform !== 'linux' || Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY']));

export function announceShell(suite: string): void {
  const which = hasElectron ? 'Electron itself (_electron)' : 'the stand-in for Electron, in Chromium';
  process.stderr.write(`DESKTOP  ${suite}: main and preload run under ${which}\n`);
}

/** The built shell's main file; its front end is built too. */
export async function builtMain(): Promise<string> {
  await upToDate(rendererBuild, () => undefined);
  return join(await upToDate(shellBuild, () => undefined), 'main.js');
}

export interface Desktop {
  page: Page;
  /** Ends it as a person would; waits until it has. */
  quit(): Promise<void>;
}

export interface StandIn extends Desktop {
  ask<C extends keyof Commands>(
    command: C,
    ...argument: Parameters<Commands[C]>
  ): Promise<Awaited<ReturnType<Commands[C]>>>;
  child: ChildProcess;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
}

/** Starts whichever there is. @param home where it keeps settings; a folder of the test's own */
export async function startDesktop(home: string): Promise<Desktop> {
  if (!hasElectron) return startStandIn(home);
  const args = [await builtMain(), ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
  const electron = await _electron.launch({ args, env: { ...process.env, ARES_HOME: home } as Record<string, string> });
  onTestFinished(() => electron.close());
  return { page: await electron.firstWindow(), quit: () => electron.close() };
}

export interface StandInOptions {
  /** Of another build than the repository's. */
  main?: string;
  /** Of the command line. */
  switches?: readonly string[];
}

export async function startStandIn(home: string, options: StandInOptions = {}): Promise<StandIn> {
  const { child, ask, ended } = await launchStandIn(home, options);
  const endpoint = await until(() => ask('endpoint'), 'the browser of the stand-in');
  const browser = await chromium.connectOverCDP(endpoint);
  const [context] = browser.contexts();
  const page = await until(
    async () => context!.pages().find((each) => each.url().startsWith('https://ares.app.invalid/')),
    'the window',
  );
  return {
    page,
    ask,
    child,
    ended,
    async quit() {
      await ask('quit').catch(() => undefined);
      await ended;
    },
  };
}

/** As startStandIn, without waiting for a window. It ends with the process of the test at the latest. */
export async function launchStandIn(
  home: string,
  { main, switches = [] }: StandInOptions = {},
): Promise<Omit<StandIn, 'page' | 'quit'>> {
  const child = fork(launcher, [main ?? (await builtMain()), ...switches], {
    env: { ...process.env, ARES_HOME: home },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [],
  });
  const ended = new Promise<number | null>((done) => void child.once('exit', done));
  let asked = 0;
  const waiting = new Map<number, (reply: { value?: unknown; error?: string }) => void>();
  child.on('message', (reply: { id: number; value?: unknown; error?: string }) => waiting.get(reply.id)?.(reply));
  const ask: StandIn['ask'] = (command, ...[argument]) =>
    new Promise((done, reject) => {
      const id = ++asked;
      waiting.set(id, ({ value, error }) => {
        if (error === undefined) done(value as never);
        else reject(new Error(error));
      });
      child.send({ id, command, argument }, (failed) => {
        if (failed !== null) reject(failed);
      });
      void ended.then(() => reject(new Error('The stand-in has ended.')));
    });
  return { child, ask, ended };
}

/**
 * A call of the contract from within the page, past the front end, whose connection this one replaces.
 * @returns the answer; a refusal is thrown as its sentence
 */
export async function callFromPage(page: Page, name: string, request: unknown): Promise<unknown> {
  const frame = JSON.stringify([...encodeFrame('call', OWN_ID, name, request)]);
  // The front end goes on asking, on the new connection; its answers are not meant.
  const bytes = (await page.evaluate(`new Promise((done) => {
    const listen = (frame) => { if (new DataView(frame.buffer, frame.byteOffset).getUint32(4, true) === ${OWN_ID}) done([...frame]) };
    void ares.connect(listen).then(() => ares.send(Uint8Array.from(${frame})));
  })`)) as number[];
  const { kind, read } = decodeFrame(Uint8Array.from(bytes));
  if (kind === 'answer') return read();
  throw new Error((read() as { message: string }).message);
}

/** Asks again and again until there is something. */
export async function until<T>(ask: () => Promise<T | null | undefined>, what: string): Promise<T> {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    const value = await ask();
    if (value != null) return value;
    await new Promise((done) => void setTimeout(done, 25));
  }
  throw new Error(`Waited in vain for ${what}.`);
}
