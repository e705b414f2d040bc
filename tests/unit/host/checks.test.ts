/** What `ares doctor` counts as enough, and what it says where it is not. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkDisk, checkMemory, checkNode } from '#core/host/checks.ts';
import { findingLines } from '#core/cli/commands/doctor.ts';

it('wants the pinned Node, and a new enough one where none is pinned', () => {
  expect(checkNode({ node: '24.21.0' }, '24.21.0')).toMatchObject({ ok: true, next: null });
  expect(checkNode({ node: '24.20.0' }, '24.21.0')).toMatchObject({
    ok: false,
    detail: expect.stringContaining('24.21.0'),
  });
  expect(checkNode({ node: '24.0.0' }, null).ok).toBe(true);
  expect(checkNode({ node: '24.0.0', electron: '45.5.0' }, '24.21.0')).toMatchObject({ ok: true });
  expect(checkNode({ node: '20.20.0' }, null)).toMatchObject({ ok: false, next: 'Install Node 24 or newer.' });
});

it('wants a gibibyte of memory', () => {
  expect(checkMemory(2 ** 30).ok).toBe(true);
  expect(checkMemory(2 ** 30 - 1)).toMatchObject({ ok: false, next: expect.stringContaining('1.0 GiB') });
});

it('looks at the disk of the folder it is given', () => {
  expect(checkDisk(tmpdir()).detail).toContain(tmpdir());
  expect(() => checkDisk(join(tmpdir(), 'no-such-folder'))).toThrow('ENOENT');
});

it('puts the advice under the problem', () => {
  const lines = findingLines([
    { name: 'node', ok: true, detail: '24', next: null },
    { name: 'memory', ok: false, detail: 'little', next: 'Close something.' },
  ]);
  expect(lines).toEqual(['ok       node    24', 'problem  memory  little', '         next: Close something.']);
});
