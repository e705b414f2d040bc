/** The tests' own tools: nothing that went wrong may look like success. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { typeStep } from '../../checkSteps.ts';
import { type ModuleResult, skippedSuites, summaryLine, tally } from '../../summary.ts';

type State = 'passed' | 'failed' | 'skipped' | 'pending';

function moduleOf(states: readonly State[], ok = !states.includes('failed')): ModuleResult {
  const suite = { type: 'suite', fullName: 'a suite' } as const;
  return {
    relativeModuleId: 'some.test.ts',
    ok: () => ok,
    children: { allTests: () => states.map((state) => ({ result: () => ({ state }), parent: suite })) },
  };
}

describe('the summary of a test run', () => {
  it('counts tests by outcome', () => {
    const total = tally([moduleOf(['passed', 'failed', 'skipped']), moduleOf(['passed'])], 0);
    expect(total).toEqual({ passed: 2, failed: 1, skipped: 1 });
    expect(summaryLine(total)).toBe('2 passed, 1 failed, 1 skipped');
    expect(summaryLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed');
  });

  it('counts files that do not load, stray errors and tests that never ended as failures', () => {
    expect(tally([moduleOf([], false)], 0).failed).toBe(1);
    expect(tally([moduleOf(['passed', 'skipped'], false)], 0).failed).toBe(1);
    expect(tally([moduleOf(['passed'])], 2).failed).toBe(2);
    expect(tally([moduleOf(['pending'], true)], 0).failed).toBe(1);
  });

  it('lists skipped suites once, with the number of their tests', () => {
    expect(skippedSuites([moduleOf(['skipped', 'passed', 'skipped'])])).toEqual(['some.test.ts > a suite (2 tests)']);
    expect(skippedSuites([moduleOf(['passed'])])).toEqual([]);
  });
});

it('the type check passes a clean copy and notices a seeded error', () => {
  const root = resolve(import.meta.dirname, '..', '..', '..');
  const copy = mkdtempSync(join(tmpdir(), 'ares-types-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  mkdirSync(join(copy, 'core'));
  cpSync(join(root, 'core', 'util'), join(copy, 'core', 'util'), { recursive: true });
  cpSync(join(root, 'tsconfig.json'), join(copy, 'tsconfig.json'));
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const check = () =>
    spawnSync(process.execPath, [join(root, typeStep.file), ...typeStep.args], { cwd: copy, encoding: 'utf8' });

  expect(check()).toMatchObject({ status: 0, stdout: '' });
  const file = join(copy, 'core', 'util', 'statistics.ts');
  writeFileSync(file, `${readFileSync(file, 'utf8')}\nexport const seeded: number = median;\n`);
  const { status, stdout } = check();
  expect(status).not.toBe(0);
  expect(stdout).toContain('core/util/statistics.ts');
  expect(stdout).toContain('TS2322');
});
