/** The other commands as processes: grading, inspecting, doctor, and a reader that goes away. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Finding } from '#core/host/checks.ts';
import type { ProviderFinding } from '#core/host/providers.ts';
import { describeWithShared, sharedPath } from '../shared.ts';
import { mainFile, runAres, runProcess, temporaryFolder } from './ares.ts';

it('grades a file of cases', async () => {
  const path = join(temporaryFolder(), 'cases.jsonl');
  const cases = [
    { gold: '#### 42', response: 'Therefore \\boxed{42}' },
    { gold: '\\frac{1}{3}', response: 'The answer is 0.3' },
    { gold: '5', response: '' },
  ];
  writeFileSync(path, cases.map((line) => JSON.stringify(line)).join('\n'));
  const { code, stdout, stderr } = await runAres('grade', '--in', path);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const grades = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { verdict: string });
  expect(grades.map(({ verdict }) => verdict)).toEqual(['correct', 'wrong', 'no_answer']);
});

it('finds the runtime, the database and Node in order, and trains on the CPU', { timeout: 180_000 }, async () => {
  const { stdout } = await runAres('doctor', '--json');
  const { ok, checks, providers } = JSON.parse(stdout) as Record<'checks', Finding[]> &
    Record<'providers', ProviderFinding[]> & { ok: boolean };
  const byName = new Map(checks.map((check) => [check.name, check]));
  for (const name of ['node', 'runtime', 'database']) expect(byName.get(name)).toMatchObject({ ok: true, next: null });
  expect(ok).toBe(checks.every((check) => check.ok));
  expect(providers.map(({ provider }) => provider)).toEqual(['cpu', 'webgpu', 'cuda', 'dml', 'coreml']);
  expect(providers[0]).toMatchObject({ works: true, next: null });
  // Whether or not there is a GPU here: a reason for each that does not work.
  for (const { detail, about } of providers) expect([detail, about]).not.toContain('');
  // As npm test starts them, processes find the adapter in software where there is one.
  if (process.env['VK_ICD_FILENAMES'] !== undefined) expect(providers[1]).toMatchObject({ works: true });
});

it.skipIf(process.platform === 'win32')('does not complain when its reader goes away', async () => {
  const path = join(temporaryFolder(), 'cases.jsonl');
  // More than a pipe holds, so that the writer is still writing when the reader leaves.
  writeFileSync(path, `${JSON.stringify({ gold: '5', response: '\\boxed{6}' })}\n`.repeat(20_000));
  const { stdout, stderr } = await runProcess(
    'bash',
    ['-c', '"$@" | head -n 1', 'bash', process.execPath, mainFile, 'grade', '--in', path],
    {},
  );
  expect({ stdout, stderr }).toEqual({ stdout: '{"verdict":"wrong","extracted":"6"}\n', stderr: '' });
});

describeWithShared('ares data inspect', () => {
  it('describes good files and refuses dangerous ones', async () => {
    const [images, slip] = await Promise.all([
      runAres('data', 'inspect', sharedPath('fixtures', 'data', 'images_hf.parquet'), '--json'),
      runAres('data', 'inspect', sharedPath('fixtures', 'data', 'zip_slip.zip')),
    ]);
    expect(images).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(images.stdout)).toMatchObject({ format: 'parquet', rows: 12, images: 12, bad: [] });
    expect(slip).toMatchObject({ code: 2, stdout: '' });
    expect(slip.stderr).toMatch(/^ares: .*path traversal.*\.\n/);
  });
});
