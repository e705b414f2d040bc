/**
 * `npm run check`: format, lint, types and unit tests, each with the time it took. Meant to be run
 * before every commit, so it must stay under two minutes.
 *
 * Owns: running the steps one after another and the exit code. All of them run even if one fails.
 */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { checkSteps } from './checkSteps.ts';

const root = resolve(import.meta.dirname, '..');
const lines: string[] = [];
let failed = 0;
const startMs = performance.now();
for (const { name, file, args } of checkSteps) {
  process.stdout.write(`--- ${name}\n`);
  const stepStartMs = performance.now();
  const { status, signal } = spawnSync(process.execPath, [join(root, file), ...args], { cwd: root, stdio: 'inherit' });
  if (signal !== null) process.exit(128 + constants.signals[signal]);
  if (status !== 0) failed++;
  lines.push(`${status === 0 ? 'ok    ' : 'FAILED'}  ${seconds(stepStartMs)}  ${name}`);
}
process.stdout.write(`\n${lines.join('\n')}\n${failed === 0 ? 'ok    ' : 'FAILED'}  ${seconds(startMs)}  in all\n`);
process.exitCode = failed === 0 ? 0 : 1;

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1).padStart(6)} s`;
}
