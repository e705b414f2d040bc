/** `npm start` with a display, and `ares serve`, as processes. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createRun } from '#core/host/createRun.ts';
import { listRuns } from '#core/host/runList.ts';
import { parseRecipe } from '#core/runs/recipe.ts';
import { resourcesFolder } from '#core/util/programFolder.ts';
import { mainFile, runAres, temporaryFolder } from './ares.ts';
import { chromiumExecutable, describeWithChromium, startServe } from './serve.ts';

const sample = (...parts: string[]) => join(resourcesFolder, 'sample', ...parts);

/** `ares start` with a display that only pretends, and a `chromium` on the path that shows it headless. */
function startWithDisplay(home: string) {
  const bin = join(home, 'bin');
  mkdirSync(bin);
  const log = join(home, 'arguments');
  writeFileSync(
    join(bin, 'chromium'),
    `#!/bin/sh\nprintf '%s\\n' "$@" > "${log}"\nexec ${chromiumExecutable} --headless=new --remote-debugging-port=0 --no-sandbox "$@"\n`,
  );
  chmodSync(join(bin, 'chromium'), 0o755);
  const child = spawn(process.execPath, [mainFile, 'start'], {
    env: {
      ...process.env,
      ARES_HOME: join(home, 'user'),
      DISPLAY: ':99',
      PATH: `${bin}:${process.env['PATH']}`,
      // Nowhere: Electron cannot be fetched.
      ELECTRON_MIRROR: 'http://127.0.0.1:9/',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<number | null>((resolve) => void child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, stderr: () => stderr, log };
}

describeWithChromium('npm start with a display, without Electron', () => {
  it('says so in one sentence and opens the same app in a Chromium window, on the sample project', async () => {
    const home = temporaryFolder();
    const { child, ended, stderr, log } = startWithDisplay(home);
    await expect.poll(stderr, { timeout: 60_000 }).toContain('Address: http://127.0.0.1:');
    expect(
      stderr().match(/The desktop shell cannot be used here \(.+\); the same app opens in a Chromium window\.\n/g),
    ).toHaveLength(1);
    await expect.poll(() => existsSync(log)).toBe(true);
    const url = /Address: (\S+)/.exec(stderr())![1]!;
    await expect.poll(() => readFileSync(log, 'utf8')).toContain(`--app=${url}\n`);
    const portFile = join(home, 'user', 'chromium', 'DevToolsActivePort');
    await expect.poll(() => existsSync(portFile), { timeout: 20_000 }).toBe(true);
    const browser = await chromium.connectOverCDP(`http://127.0.0.1:${readFileSync(portFile, 'utf8').split('\n')[0]}`);
    const page = browser.contexts()[0]!.pages()[0]!;
    await page.waitForSelector('main');
    expect(await page.title()).toMatch(/^sample/);
    // The token is not in the address any more.
    expect(new URL(page.url()).search).toBe('');
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });
});

describe('ares serve --headless', () => {
  it('prints one address and ends with Ctrl-C', async () => {
    const served = await startServe(temporaryFolder());
    expect(served.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/);
    await expect.poll(served.stderr).toContain(`ssh -L ${served.port}:127.0.0.1:${served.port}`);
    served.child.kill('SIGINT');
    expect(await served.ended).toBe(0);
  });

  it.each(['SIGINT', 'SIGHUP'] as const)('pauses the run at work on %s, with all that was done', async (signal) => {
    const home = temporaryFolder();
    const project = join(home, 'project');
    await createRun({
      projectFolder: project,
      kind: 'label',
      recipe: parseRecipe(readFileSync(sample('recipe.yaml'), 'utf8'), 'the sample'),
      dataFile: sample('problems-train.jsonl'),
      modelFolder: sample('base'),
    });
    const served = await startServe(home, project);
    await expect.poll(() => listRuns(project)[0]!.fraction, { timeout: 60_000 }).toBeGreaterThan(0);
    served.child.kill(signal);
    expect(await served.ended).toBe(0);
    expect(listRuns(project)[0]).toMatchObject({ state: 'paused' });
    expect(listRuns(project)[0]!.fraction).toBeGreaterThan(0);
  });

  it('refuses a project that is not there and a port that is none', async () => {
    const home = temporaryFolder();
    const missing = await runAres('serve', join(home, 'nowhere'), '--headless');
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('There is no project in this folder');
    const other = await runAres('serve', '--headless', '--port', '99999');
    expect(other.code).toBe(2);
  });
});
