/**
 * The command line as a process of its own, for tests.
 */
import { type SpawnOptions, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';

export const mainFile = resolve(import.meta.dirname, '..', '..', 'core', 'cli', 'main.ts');

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `ares` to its end under the Node of the tests. */
export function runAres(...args: readonly string[]): Promise<Outcome> {
  return runProcess(process.execPath, [mainFile, ...args], {});
}

export function runProcess(file: string, args: readonly string[], options: SpawnOptions): Promise<Outcome> {
  return new Promise((resolvePromise, reject) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const outcome: Outcome = { code: null, stdout: '', stderr: '' };
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (outcome.stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (outcome.stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolvePromise({ ...outcome, code }));
  });
}

/** A folder that anybody may look into; removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ares-e2e-'));
  chmodSync(folder, 0o755);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
