/** bootstrap.mjs passes arguments, exit codes and signals through to the file it runs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const source = resolve(import.meta.dirname, '..', '..', '..', 'core', 'cli');
let root: string;

/** A project with nothing in it but the bootstrap, a lockfile, and the stamp that says it is installed. */
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'ares-bootstrap-'));
  mkdirSync(join(root, 'core', 'cli'), { recursive: true });
  mkdirSync(join(root, 'node_modules'));
  for (const name of ['bootstrap.mjs', 'ares.mjs']) copyFileSync(join(source, name), join(root, 'core', 'cli', name));
  writeFileSync(join(root, 'package-lock.json'), '{}');
  writeFileSync(join(root, 'node_modules', '.ares-installed'), createHash('sha256').update('{}').digest('hex'));
  writeFileSync(
    join(root, 'core', 'cli', 'main.ts'),
    'console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 7;',
  );
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function start(entry: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [join(root, 'core', 'cli', entry), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function outcome(child: ChildProcess): Promise<{ stdout: string; code: number }> {
  let stdout = '';
  child.stdout!.on('data', (chunk) => (stdout += String(chunk)));
  const [code] = (await once(child, 'close')) as [number];
  return { stdout, code };
}

it('hands arguments down and the exit code up', async () => {
  const arguments_ = ['two words', '--flag', ''];
  const direct = outcome(start('bootstrap.mjs', 'core/cli/main.ts', ...arguments_));
  const executable = outcome(start('ares.mjs', ...arguments_));
  for (const result of [await direct, await executable]) {
    expect(result).toEqual({ stdout: `${JSON.stringify(arguments_)}\n`, code: 7 });
  }
});

it.skipIf(process.platform === 'win32')(
  'forwards SIGINT and SIGTERM, and reports a death by signal as the shell does',
  async () => {
    writeFileSync(
      join(root, 'wait.mjs'),
      `setInterval(() => {}, 1000);
     process.on('SIGINT', () => process.exit(42));
     console.log('ready');`,
    );
    for (const [signal, code] of [['SIGINT', 42] as const, ['SIGTERM', 143] as const]) {
      const child = start('bootstrap.mjs', 'wait.mjs');
      await once(child.stdout!, 'data');
      child.kill(signal);
      expect((await once(child, 'close'))[0], signal).toBe(code);
    }
  },
);
