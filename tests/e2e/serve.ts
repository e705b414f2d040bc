/**
 * `ares serve` as a process of its own, and a browser to look at it, for tests.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { type Browser, chromium } from 'playwright-core';
import { describe, onTestFinished } from 'vitest';
import { mainFile } from './ares.ts';

export interface Served {
  /** With the token. */
  url: string;
  port: number;
  child: ChildProcess;
  stderr(): string;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
  /** Ends it at once; for what comes after the test. */
  stop(): Promise<void>;
}

/**
 * Starts it headless.
 * @param home where it keeps settings; a folder of the test's own
 */
export async function startServe(home: string, ...args: string[]): Promise<Served> {
  const child = spawn(process.execPath, [mainFile, 'serve', '--headless', '--json', ...args], {
    env: { ...process.env, ARES_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<number | null>((resolve) => void child.once('exit', resolve));
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').once('data', resolve);
    void ended.then((code) => reject(new Error(`ares serve ended with ${code}: ${stderr}`)));
  });
  const { url, port } = JSON.parse(line) as { url: string; port: number };
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { url, port, child, stderr: () => stderr, ended, stop };
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** One request with exactly this path and these headers, as no browser would send it. */
export function ask(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, headers, method, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    });
    outgoing.on('error', reject);
    outgoing.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode!, headers: response.headers, text: '' });
    });
    outgoing.end();
  });
}

/** The cookie that the address with the token gives. */
export async function cookieOf({ url, port }: Pick<Served, 'url' | 'port'>): Promise<string> {
  const { pathname, search } = new URL(url);
  const { headers } = await ask(port, pathname + search);
  return headers['set-cookie']![0]!.split(';')[0]!;
}

export const chromiumExecutable = process.env['ARES_CHROMIUM'] ?? '/usr/bin/chromium';
export const hasChromium = existsSync(chromiumExecutable);

/** `describe`, or a suite that is skipped with a line on stderr where there is no Chromium. */
export function describeWithChromium(name: string, body: () => void): void {
  if (!hasChromium)
    process.stderr.write(`SKIPPED: "${name}" needs Chromium at ${chromiumExecutable} (or ARES_CHROMIUM)\n`);
  describe.skipIf(!hasChromium)(name, body);
}

export async function openChromium(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: chromiumExecutable,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'],
  });
  onTestFinished(() => browser.close());
  return browser;
}
