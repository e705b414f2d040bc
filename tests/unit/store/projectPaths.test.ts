// Paths in the database: relative inside the project folder, absolute outside, absolute for everybody who asks.
import { cpSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { projectPaths } from '#core/store/projectPaths.ts';
import { openStore } from '#core/store/store.ts';
import { run, temporaryFolder } from './helpers.ts';

test.each([
  ['/p/runs/1', 'runs/1'],
  ['/p/..odd', '..odd'],
  ['/p', '/p'],
  ['/', '/'],
  ['/q/model', '/q/model'],
  ['/p2/model', '/p2/model'],
  ['/p/../q', '/q'],
])('%s is kept as %s', (path, stored) => {
  const paths = projectPaths('/p');
  expect(paths.toStored(path)).toBe(stored);
  expect(projectPaths('/moved').toAbsolute(stored)).toBe(stored.startsWith('/') ? stored : join('/moved', stored));
});

test('a folder that was copied, and one that was moved, find what is theirs where they are', () => {
  const parent = temporaryFolder();
  const [first, copied, moved] = ['first', 'copied', 'moved'].map((name) => join(parent, name)) as [
    string,
    string,
    string,
  ];
  const store = openStore(join(first, 'ares.db'));
  const runId = store.runs.create({ ...run, folder: join(first, 'runs', '1') }, []);
  const inside = store.models.add({
    folder: join(first, 'models', 'base'),
    weightsHash: 'w',
    parentId: null,
    createdMs: 1,
  });
  const outside = store.models.add({ folder: '/elsewhere/base', weightsHash: 'w', parentId: null, createdMs: 1 });
  store.close();
  cpSync(first, copied, { recursive: true });
  renameSync(first, moved);
  for (const folder of [copied, moved]) {
    const found = openStore(join(folder, 'ares.db'));
    onTestFinished(() => found.close());
    expect(found.runs.get(runId)!.folder).toBe(join(folder, 'runs', '1'));
    expect(found.models.get(inside)!.folder).toBe(join(folder, 'models', 'base'));
    expect(found.models.get(outside)!.folder).toBe('/elsewhere/base');
    // The same model added again is the same model.
    const again = { folder: join(folder, 'models', 'base'), weightsHash: 'w', parentId: null, createdMs: 2 };
    expect(found.models.add(again)).toBe(inside);
  }
});
