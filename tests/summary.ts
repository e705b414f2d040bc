/**
 * What a test run amounts to, in figures and in words.
 *
 * Owns: counting, in particular of failures that are no test: a file that does not load, a hook that
 * throws, an error outside of any test. Nothing that went wrong may count as zero failures.
 */
import type { TestCase } from 'vitest/node';

/** The part of vitest's reported modules that is looked at. */
export interface ModuleResult {
  relativeModuleId: string;
  ok(): boolean;
  children: { allTests(): Iterable<TestResult> };
}

interface TestResult {
  result(): { state: ReturnType<TestCase['result']>['state'] };
  parent: { type: 'suite'; fullName: string } | { type: 'module' };
}

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** @param unhandledErrors errors that belong to no test */
export function tally(modules: readonly ModuleResult[], unhandledErrors: number): Tally {
  const total: Tally = { passed: 0, failed: unhandledErrors, skipped: 0 };
  for (const module of modules) {
    const counts: Tally = { passed: 0, failed: 0, skipped: 0 };
    for (const test of module.children.allTests()) counts[outcomeOf(test)]++;
    total.passed += counts.passed;
    total.skipped += counts.skipped;
    total.failed += counts.failed === 0 && !module.ok() ? 1 : counts.failed;
  }
  return total;
}

/** A test that never finished has failed. */
function outcomeOf(test: TestResult): keyof Tally {
  const { state } = test.result();
  return state === 'pending' ? 'failed' : state;
}

export function summaryLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

/** One line per suite with skipped tests: file, suite, how many. */
export function skippedSuites(modules: readonly ModuleResult[]): string[] {
  const counts = new Map<string, number>();
  for (const { relativeModuleId, children } of modules) {
    for (const test of children.allTests()) {
      if (outcomeOf(test) !== 'skipped') continue;
      const suite = test.parent.type === 'suite' ? `${relativeModuleId} > ${test.parent.fullName}` : relativeModuleId;
      counts.set(suite, (counts.get(suite) ?? 0) + 1);
    }
  }
  return [...counts].map(([suite, count]) => `${suite} (${count} ${count === 1 ? 'test' : 'tests'})`);
}
