/**
 * The file operations of the checkpoint protocol, as an interface and on the real disk.
 *
 * Owns: flushing, hashing and renaming without blocking the process (checkpoints are gigabytes, and
 * the host must keep answering). An interface, because the protocol is tested by failing every one
 * of these operations in turn.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

export interface FileDigest {
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

export interface FileSystem {
  /** With its parents; that they exist is on disk when it returns. */
  makeFolder(path: string): Promise<void>;
  /** Names in a folder; empty when there is none. */
  list(folder: string): Promise<string[]>;
  /** Null when there is no such file. */
  readText(path: string): Promise<string | null>;
  writeText(path: string, text: string): Promise<void>;
  /** Null when there is no such file. */
  digest(path: string): Promise<FileDigest | null>;
  /** Puts the content of a file, or the names in a folder, on disk. */
  flush(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A file or a whole folder; nothing happens when there is none. */
  remove(path: string): Promise<void>;
}

const READ_BYTES = 1024 * 1024;

export const nodeFileSystem: FileSystem = {
  async makeFolder(path) {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    for (let made = resolve(path); made !== dirname(resolve(first)); made = dirname(made)) await flush(dirname(made));
  },
  list: (folder) => absentAs([], readdir(folder)),
  readText: (path) => absentAs(null, readFile(path, 'utf8')),
  writeText: (path, text) => writeFile(path, text),
  digest: (path) => absentAs(null, digest(path)),
  flush,
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
};

async function digest(path: string): Promise<FileDigest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function flush(path: string): Promise<void> {
  const isFolder = (await stat(path)).isDirectory();
  // Windows cannot flush a folder (and orders its names itself), and flushes only files open for writing.
  if (isFolder && process.platform === 'win32') return;
  const handle = await open(path, isFolder ? 'r' : 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function absentAs<A, T>(absent: A, operation: Promise<T>): Promise<A | T> {
  try {
    return await operation;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return absent;
    throw error;
  }
}
