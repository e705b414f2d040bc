/**
 * Zip archives: what is in them, and one entry at a time.
 *
 * Owns: the checks of names (no entry may leave the archive) and of sizes (declared and real). It never
 * writes to disk. Which entry is the table is decided in dataset.ts.
 */
import { basename } from 'node:path';
import { type Entry, type ZipFile, openPromise } from 'yauzl';
import { AresError, toAresError } from '#core/util/errors.ts';
import { MAX_RATIO, MEBIBYTE, RATIO_FREE_BYTES, type Source, streamSource } from './source.ts';

const MAX_ENTRIES = 1_000_000;
const MAX_TOTAL_BYTES = 64 * 1024 * MEBIBYTE;
/** Type bits of a Unix mode that mean a symbolic link. */
const SYMLINK = 0o120_000;

/** An archive whose names and declared sizes have all been checked. */
export class ZipArchive {
  readonly path: string;
  readonly #entries: ReadonlyMap<string, Entry>;

  private constructor(path: string, entries: ReadonlyMap<string, Entry>) {
    this.path = path;
    this.#entries = entries;
  }

  /** @throws AresError for damage, names that leave the archive, and sizes beyond reason */
  static open(path: string): Promise<ZipArchive> {
    return inArchive(path, async (zip) => {
      const entries = new Map<string, Entry>();
      let totalBytes = 0;
      for await (const entry of zip.eachEntry()) {
        checkEntry(entry, path);
        totalBytes += entry.uncompressedSize;
        if (entries.size >= MAX_ENTRIES || totalBytes > MAX_TOTAL_BYTES) {
          throw new AresError('unsupported', 'This archive has too many files, or they are too large together.', {
            where: path,
            hint: 'Unpack it and import the folder.',
          });
        }
        if (!entry.fileName.endsWith('/')) entries.set(entry.fileName, entry);
      }
      return new ZipArchive(path, entries);
    });
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /**
   * Content of a file in the archive.
   * @throws AresError when there is no such file, it is damaged, or it is larger than `limitBytes`
   */
  read(name: string, limitBytes: number): Promise<Uint8Array> {
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      throw new AresError('not-found', 'The archive has no such file.', {
        where: `${this.path}: ${name}`,
        hint: 'Import it again.',
      });
    }
    return inArchive(this.path, (zip) => readEntry(zip, entry, this.path, limitBytes));
  }

  /** A file in the archive as a source of bytes. The name must be one of `names`. */
  source(name: string): Source {
    const entry = this.#entries.get(name)!;
    return streamSource(basename(name), entry.uncompressedSize, () => streamEntry(entry, this.path));
  }
}

async function* streamEntry(entry: Entry, path: string): AsyncIterable<Uint8Array> {
  requirePlain(entry, path);
  let zip: ZipFile | undefined;
  try {
    zip = await openZip(path);
    // The size that was checked is the one declared; yauzl ends a stream that gives more.
    yield* (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>;
  } catch (error) {
    throw damaged(path, error);
  } finally {
    zip?.close();
  }
}

function requirePlain(entry: Entry, path: string): void {
  if (!entry.isEncrypted()) return;
  throw new AresError('unsupported', 'This archive is encrypted.', {
    where: `${path}: ${entry.fileName}`,
    hint: 'Unpack it and import the folder.',
  });
}

async function readEntry(zip: ZipFile, entry: Entry, path: string, limitBytes: number): Promise<Uint8Array> {
  const where = `${path}: ${entry.fileName}`;
  requirePlain(entry, path);
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  const stream = await zip.openReadStreamPromise(entry);
  // The directory may lie about sizes; what is counted here does not.
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    lengthBytes += chunk.length;
    if (lengthBytes > limitBytes) {
      stream.destroy();
      throw new AresError(
        'unsupported',
        `A file in this archive is larger than ${Math.floor(limitBytes / MEBIBYTE)} MiB.`,
        {
          where,
          hint: 'Unpack the archive and import the folder.',
        },
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function checkEntry(entry: Entry, path: string): void {
  const { fileName, compressedSize, uncompressedSize } = entry;
  const escapes = /^(?:\/|[A-Za-z]:)/.test(fileName) || fileName.includes('\\') || fileName.split('/').includes('..');
  const isLink = ((entry.externalFileAttributes >>> 16) & 0o170_000) === SYMLINK;
  if (escapes || isLink || fileName.includes('\0')) throw refusal(path, fileName);
  if (uncompressedSize > Math.max(RATIO_FREE_BYTES, compressedSize * MAX_RATIO)) {
    throw new AresError('bad-data', 'A file in this archive grows beyond reason when decompressed.', {
      where: `${path}: ${fileName}`,
      hint: 'If that is what it should be, unpack it and import the folder.',
    });
  }
}

function refusal(path: string, name: string): AresError {
  return new AresError('bad-data', 'This archive is refused: a path in it leads out of the archive (path traversal).', {
    where: `${path}: ${name}`,
    hint: 'Do not unpack it with other programs either, unless you trust where it comes from.',
  });
}

/** Opens an archive for the time of `use`; damage becomes an AresError. */
async function inArchive<T>(path: string, use: (zip: ZipFile) => Promise<T>): Promise<T> {
  let zip: ZipFile | undefined;
  try {
    zip = await openZip(path);
    return await use(zip);
  } catch (error) {
    throw damaged(path, error);
  } finally {
    zip?.close();
  }
}

/** It stays open until it is closed, not until the last entry has been listed. */
function openZip(path: string): Promise<ZipFile> {
  return openPromise(path, { autoClose: false, strictFileNames: true, validateEntrySizes: true });
}

function damaged(path: string, error: unknown): AresError {
  if (error instanceof AresError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (/^(?:invalid relative path|absolute path|invalid characters)/.test(message)) return refusal(path, message);
  if (error instanceof Error && 'syscall' in error) return toAresError(error);
  return new AresError('bad-data', `This zip file is damaged: ${message.split('\n')[0]}.`, {
    where: path,
    hint: 'Get the file again.',
    cause: error,
  });
}
