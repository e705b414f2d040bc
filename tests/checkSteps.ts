/**
 * The steps of `npm run check` as data, so that a test can prove that a step notices what it is there for, and
 * running them.
 *
 * Owns: which steps there are and what is printed of each. What follows from their failures is for the caller.
 */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';

export interface CheckStep {
  name: string;
  /** A file that Node runs, relative to the root of the project. */
  file: string;
  args: readonly string[];
}

export const typeStep: CheckStep = { name: 'types', file: 'node_modules/typescript/bin/tsc', args: ['-p', '.'] };

export const rendererTypeStep: CheckStep = {
  name: 'types of the front end',
  file: 'node_modules/svelte-check/bin/svelte-check',
  args: ['--workspace', 'renderer', '--tsconfig', 'tsconfig.json', '--fail-on-warnings'],
};

/** What can be said of the code without running it. */
export const staticSteps: readonly CheckStep[] = [
  { name: 'format', file: 'node_modules/oxfmt/bin/oxfmt', args: ['--check', '.'] },
  { name: 'lint', file: 'node_modules/oxlint/bin/oxlint', args: [] },
  typeStep,
  rendererTypeStep,
  // They run functions in the page, so they know the names of both.
  { ...typeStep, name: 'types of the tests in the window', args: ['-p', 'tests/e2e/window'] },
];

export const unitStep: CheckStep = { name: 'unit tests', file: 'tests/run.ts', args: ['tests/unit/'] };

const root = resolve(import.meta.dirname, '..');

/**
 * Runs all of them one after another, even if one fails; a signal that ends a step ends this process.
 * @returns per step a line with the time it took, and how many failed
 */
export function runSteps(steps: readonly CheckStep[]): { lines: string[]; failed: number } {
  const lines: string[] = [];
  let failed = 0;
  for (const { name, file, args } of steps) {
    process.stdout.write(`--- ${name}\n`);
    const startMs = performance.now();
    const { status, signal } = spawnSync(process.execPath, [join(root, file), ...args], {
      cwd: root,
      stdio: 'inherit',
    });
    if (signal !== null) process.exit(128 + constants.signals[signal]);
    if (status !== 0) failed++;
    lines.push(`${status === 0 ? 'ok    ' : 'FAILED'}  ${seconds(startMs)}  ${name}`);
  }
  return { lines, failed };
}

export function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1).padStart(6)} s`;
}
