// Disks for the tests of the checkpoint protocol: one that fails at a chosen operation, one that can lose its power.
import { dirname, join } from 'node:path';
import { createHash } from 'node:crypto';
import type { FileSystem } from '#core/runs/fileSystem.ts';

/** The operations that change something: between any two of them a process may die. */
const changes = ['makeFolder', 'writeText', 'flush', 'rename', 'remove'] as const;

export class Killed extends Error {}

/**
 * The same disk for a process that dies at its n-th changing operation, halfway through it where
 * that is possible. Nothing it does afterwards happens either, cleaning up included.
 */
export function killedAt(disk: FileSystem, n: number): { disk: FileSystem; operations: () => number } {
  let operations = 0;
  const dying: FileSystem = { ...disk };
  for (const name of changes) {
    const operation = disk[name].bind(disk) as (...inputs: string[]) => Promise<void>;
    dying[name] = async (...inputs: string[]) => {
      if (operations++ < n) return operation(...inputs);
      if (operations === n + 1 && name === 'writeText') {
        await operation(inputs[0]!, inputs[1]!.slice(0, inputs[1]!.length / 2));
      }
      if (operations === n + 1 && name === 'remove') {
        const [first] = await disk.list(inputs[0]!);
        if (first !== undefined) await operation(join(inputs[0]!, first));
      }
      throw new Killed();
    };
  }
  return { disk: dying, operations: () => operations };
}

/** A disk on which one operation fails with an error code, and everything else works. */
export function failingAt(disk: FileSystem, n: number, code: string): FileSystem {
  let operations = 0;
  const failing: FileSystem = { ...disk };
  for (const name of changes) {
    const operation = disk[name].bind(disk) as (...inputs: string[]) => Promise<void>;
    failing[name] = async (...inputs: string[]) => {
      if (operations++ !== n) return operation(...inputs);
      throw Object.assign(new Error(`${code}: ${name}`), { code, syscall: name, path: inputs[0] });
    };
  }
  return failing;
}

type Entry = { kind: 'file'; text: string; flushed: string } | Folder;
interface Folder {
  kind: 'folder';
  entries: Map<string, Entry>;
  flushed: Map<string, Entry>;
}

function emptyFolder(): Folder {
  return { kind: 'folder', entries: new Map(), flushed: new Map() };
}

/**
 * A disk in memory that remembers what was flushed. At a power loss the content of a file falls back
 * to its last flush; the names in a folder either fall back too or survive (a real file system does
 * either, as it pleases).
 */
export class MemoryDisk implements FileSystem {
  #root = emptyFolder();

  /** The disk as it is found after the power came back. */
  afterPowerLoss(names: 'lost' | 'kept'): MemoryDisk {
    const survive = (entry: Entry): Entry => {
      if (entry.kind === 'file') return { kind: 'file', text: entry.flushed, flushed: entry.flushed };
      const chosen = names === 'lost' ? entry.flushed : entry.entries;
      const entries = new Map([...chosen].map(([name, each]) => [name, survive(each)]));
      return { kind: 'folder', entries, flushed: new Map(entries) };
    };
    const disk = new MemoryDisk();
    disk.#root = survive(this.#root) as Folder;
    return disk;
  }

  makeFolder = async (path: string) => {
    let folder = this.#root;
    for (const part of parts(path)) {
      let next = folder.entries.get(part);
      if (next === undefined) {
        next = emptyFolder();
        folder.entries.set(part, next);
        folder.flushed.set(part, next);
      }
      folder = next as Folder;
    }
  };

  list = async (path: string) => {
    const entry = this.#find(path);
    return entry?.kind === 'folder' ? [...entry.entries.keys()] : [];
  };

  readText = async (path: string) => {
    const entry = this.#find(path);
    return entry?.kind === 'file' ? entry.text : null;
  };

  writeText = async (path: string, text: string) => {
    const present = this.#find(path);
    if (present?.kind === 'file') present.text = text;
    else this.#parent(path).entries.set(lastPart(path), { kind: 'file', text, flushed: '' });
  };

  digest = async (path: string) => {
    const text = await this.readText(path);
    if (text === null) return null;
    return { bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') };
  };

  flush = async (path: string) => {
    const entry = this.#find(path);
    if (entry === undefined)
      throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT', syscall: 'fsync', path });
    if (entry.kind === 'file') entry.flushed = entry.text;
    else entry.flushed = new Map(entry.entries);
  };

  rename = async (from: string, to: string) => {
    const entry = this.#find(from);
    if (entry === undefined || this.#find(to) !== undefined) throw new Error(`cannot rename ${from} to ${to}`);
    this.#parent(from).entries.delete(lastPart(from));
    this.#parent(to).entries.set(lastPart(to), entry);
  };

  remove = async (path: string) => {
    if (this.#find(path) !== undefined) this.#parent(path).entries.delete(lastPart(path));
  };

  #find(path: string): Entry | undefined {
    let entry: Entry | undefined = this.#root;
    for (const part of parts(path)) entry = entry?.kind === 'folder' ? entry.entries.get(part) : undefined;
    return entry;
  }

  #parent(path: string): Folder {
    const folder = this.#find(dirname(path));
    if (folder?.kind !== 'folder')
      throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT', syscall: 'open', path });
    return folder;
  }
}

function parts(path: string): string[] {
  return join('/', path)
    .split('/')
    .filter((part) => part !== '');
}

function lastPart(path: string): string {
  return parts(path).at(-1)!;
}
