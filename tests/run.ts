/**
 * `npm test`: format, lint and types, then unit, parity and end-to-end tests; with arguments only the tests whose
 * path contains one of them.
 *
 * Owns: which suites make up the tests of this repository, and what is printed after them: every suite
 * that was skipped, and as the last line how many tests passed and failed. A step of the checks counts as one.
 */
import { resolve } from 'node:path';
import { startVitest } from 'vitest/node';
import { findSoftwareAdapter } from './softwareAdapter.ts';
import { runSteps, staticSteps } from './checkSteps.ts';
import { skippedSuites, summaryLine, tally } from './summary.ts';

const SUITES = ['tests/unit/', 'tests/parity/', 'tests/e2e/'];

const adapter = findSoftwareAdapter();
// The workers, and the engine processes that tests start, inherit it.
if ('environment' in adapter) Object.assign(process.env, adapter.environment);

const wanted = process.argv.slice(2);
const isAll = wanted.length === 0;
const checks = isAll ? runSteps(staticSteps) : { lines: [], failed: 0 };
const vitest = await startVitest(isAll ? SUITES : wanted, {
  root: resolve(import.meta.dirname, '..'),
  watch: false,
});
const modules = vitest.state.getTestModules();
const tests = tally(modules, vitest.state.getUnhandledErrors().length);
const result = {
  ...tests,
  passed: tests.passed + checks.lines.length - checks.failed,
  failed: tests.failed + checks.failed,
};
await vitest.close();

for (const line of checks.lines) process.stdout.write(`${line}\n`);
for (const line of skippedSuites(modules)) process.stdout.write(`SKIPPED  ${line}\n`);
process.stdout.write(`${summaryLine(result)}\n`);
process.exitCode = result.failed === 0 && result.passed > 0 ? 0 : 1;
