/**
 * `npm test`: unit, parity and end-to-end tests, or those whose path contains one of the arguments.
 *
 * Owns: which suites make up the tests of this repository, and what is printed after them: every suite
 * that was skipped, and as the last line how many tests passed and failed.
 */
import { resolve } from 'node:path';
import { startVitest } from 'vitest/node';
import { findSoftwareAdapter } from './softwareAdapter.ts';
import { skippedSuites, summaryLine, tally } from './summary.ts';

const SUITES = ['tests/unit/', 'tests/parity/', 'tests/e2e/'];

const adapter = findSoftwareAdapter();
// The workers, and the engine processes that tests start, inherit it.
if ('environment' in adapter) Object.assign(process.env, adapter.environment);

const wanted = process.argv.slice(2);
const vitest = await startVitest(wanted.length > 0 ? wanted : SUITES, {
  root: resolve(import.meta.dirname, '..'),
  watch: false,
});
const modules = vitest.state.getTestModules();
const result = tally(modules, vitest.state.getUnhandledErrors().length);
await vitest.close();

for (const line of skippedSuites(modules)) process.stdout.write(`SKIPPED  ${line}\n`);
process.stdout.write(`${summaryLine(result)}\n`);
process.exitCode = result.failed === 0 && result.passed > 0 ? 0 : 1;
