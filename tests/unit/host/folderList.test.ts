/** Choosing a folder: what is shown of it, and that nothing in it is opened. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listFolder, requireAbsolute } from '#core/host/folderList.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ares-folder-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('shows folders first, by name with numbers in order, and tells models and projects', () => {
  for (const name of ['run 10', 'run 9', 'model', 'project']) mkdirSync(join(folder, name));
  // Neither is readable: names alone decide.
  for (const file of ['model/config.json', 'project/ares.db', 'data.jsonl', '.hidden']) {
    writeFileSync(join(folder, file), 'x');
    chmodSync(join(folder, file), 0);
  }
  const { entries, parent } = listFolder(folder);
  expect(entries.map(({ name }) => name)).toEqual(['model', 'project', 'run 9', 'run 10', 'data.jsonl']);
  expect(entries[0]).toMatchObject({ kind: 'folder', isModel: true, isProject: false });
  expect(entries[1]).toMatchObject({ isModel: false, isProject: true });
  expect(entries[4]).toMatchObject({ kind: 'file', sizeBytes: 1 });
  expect(parent).toBe(tmpdir());
});

it('follows links and leaves out those that lead nowhere', () => {
  mkdirSync(join(folder, 'there'));
  symlinkSync(join(folder, 'there'), join(folder, 'link'));
  symlinkSync(join(folder, 'nowhere'), join(folder, 'broken'));
  expect(listFolder(folder).entries.map(({ name, kind }) => [name, kind])).toEqual([
    ['link', 'folder'],
    ['there', 'folder'],
  ]);
});

it('has no parent at the root, and wants whole paths', () => {
  expect(listFolder('/').parent).toBeNull();
  expect(() => listFolder(join(folder, 'no'))).toThrow('no such file or folder');
  expect(() => requireAbsolute('models')).toThrow('whole path');
});
