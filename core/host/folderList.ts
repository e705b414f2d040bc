/**
 * What a folder of this machine holds, for choosing one.
 *
 * Owns: names, sizes, and whether a folder is a model or a project, told by the names in it. No file is
 * opened: looking at a folder must not fetch what lies in a cloud.
 */
import { type Dirent, existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { FolderEntry, ResponseOf } from '#core/contract/contract.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import { isProjectFolder } from './project.ts';

/** The contract's limit; nobody chooses from more. */
const MOST = 10_000;

/** @throws AresError 'not-found' or 'disk' when the folder cannot be read */
export function listFolder(folder: string): ResponseOf<'files.list'> {
  const path = resolve(folder);
  try {
    const entries = readdirSync(path, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith('.'))
      .flatMap((entry) => describe(path, entry) ?? [])
      .sort((a, b) => Number(a.kind === 'file') - Number(b.kind === 'file') || byName(a.name, b.name));
    const parent = dirname(path);
    return { folder: path, parent: parent === path ? null : parent, entries: entries.slice(0, MOST) };
  } catch (thrown) {
    throw toAresError(thrown);
  }
}

const { compare: byName } = new Intl.Collator('en', { numeric: true });

/** Null for what is neither a folder nor a file, and for links that lead nowhere. */
function describe(parent: string, { name }: Dirent): FolderEntry | null {
  const path = join(parent, name);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !(found.isDirectory() || found.isFile())) return null;
  const isFolder = found.isDirectory();
  return {
    name,
    path,
    kind: isFolder ? 'folder' : 'file',
    sizeBytes: isFolder ? 0 : found.size,
    isModel: isFolder && existsSync(join(path, 'config.json')),
    isProject: isFolder && isProjectFolder(path),
  };
}

/** A front end does not share this process's working folder. @throws AresError 'usage' */
export function requireAbsolute(folder: string): string {
  if (isAbsolute(folder)) return resolve(folder);
  throw new AresError('usage', 'This is not the whole path of a folder.', {
    where: folder,
    hint: 'Write the path from the root on.',
  });
}
