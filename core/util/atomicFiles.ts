/**
 * Files that are either the old version or the new one, never a half.
 *
 * Owns: write-to-temporary, fsync, rename, fsync of the parent, for single files and whole folders.
 * It does not know what is in them: the checkpoint protocol on top lives in runs/.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { AresError } from './errors.ts';

/** @throws AresError 'usage' when there is something at a path that is to be made */
export function refuseExisting(path: string): void {
  if (!existsSync(path)) return;
  throw new AresError('usage', 'This already exists.', {
    where: path,
    hint: 'Name a folder that does not exist yet.',
  });
}

/** Flushes one file or folder to disk. Folders cannot be flushed on Windows; there it is a no-op. */
export function flush(path: string): void {
  const isFolder = statSync(path).isDirectory();
  if (isFolder && process.platform === 'win32') return;
  // Windows flushes only what is open for writing; a folder can only be opened for reading.
  const handle = openSync(path, isFolder ? 'r' : 'r+');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Writes parts one after another to a new file and flushes it. Removes the file if that fails. */
export function writeFlushed(path: string, parts: readonly (string | Uint8Array)[]): void {
  const handle = openSync(path, 'w');
  try {
    for (const part of parts) {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      // writeSync may write less than asked (a nearly full disk does): go on until all is down or it throws.
      for (let offset = 0; offset < bytes.length;) offset += writeSync(handle, bytes, offset);
    }
    fsyncSync(handle);
  } catch (error) {
    closeSync(handle);
    rmSync(path, { force: true });
    throw error;
  }
  closeSync(handle);
}

/** Replaces a file atomically: readers see the old content or the new, also after a power loss. */
export function writeFileAtomic(path: string, ...parts: readonly (string | Uint8Array)[]): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFlushed(temporary, parts);
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  flush(dirname(path));
}

/**
 * Fills a folder atomically: `fill` writes into `<path>.tmp`, which is flushed and renamed to `path`.
 * When `fill` throws, the temporary folder is removed and nothing appears at `path`.
 */
export function writeFolderAtomic(path: string, fill: (temporary: string) => void): void {
  const temporary = freshFolder(path);
  try {
    fill(temporary);
    settle(temporary, path);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** As writeFolderAtomic, for work that gives way to other work. */
export async function fillFolderAtomic(path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = freshFolder(path);
  try {
    await fill(temporary);
    settle(temporary, path);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

function freshFolder(path: string): string {
  const temporary = `${path}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  return temporary;
}

function settle(temporary: string, path: string): void {
  for (const name of readdirSync(temporary)) flush(join(temporary, name));
  flush(temporary);
  renameSync(temporary, path);
  flush(dirname(path));
}
