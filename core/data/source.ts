/**
 * Where the bytes of a dataset come from: a file, an entry of an archive, a compressed file, or memory.
 *
 * Owns: reading by range and as a stream, how far the stream has come, and the caps on sizes. It does not know
 * what the bytes mean.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { createGunzip } from 'node:zlib';
import { AresError, toAresError } from '#core/util/errors.ts';

export const MEBIBYTE = 1024 * 1024;
/** What has to lie in memory as a whole: a table in a binary format inside of an archive. */
export const MAX_MEMORY_BYTES = 256 * MEBIBYTE;
/** A compressed file that grows by more than this is taken for a bomb. */
export const MAX_RATIO = 200;
/** Below this size a high ratio is harmless: constant columns compress by thousands. */
export const RATIO_FREE_BYTES = MEBIBYTE;
/** Rows of one dataset. */
export const MAX_ROWS = 20_000_000;

const CHUNK_BYTES = MEBIBYTE;

export interface Source {
  /** Name for messages and for guessing the format by extension. */
  readonly name: string;
  /** Of what is stored: for compressed sources less than what comes out of the stream. */
  readonly sizeBytes: number;
  /** How much of `sizeBytes` the streams have taken. */
  readonly streamedBytes: number;
  /** The first bytes, at most so many. */
  head(bytes: number): Promise<Uint8Array>;
  stream(): AsyncIterable<Uint8Array>;
}

/** A source that can be read anywhere. */
export interface RandomSource extends Source {
  /** Bytes [start, end), clipped to the source. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** A file on disk. The handle is opened when it is first read by range and stays open until `close`. */
class FileSource implements RandomSource {
  readonly name: string;
  readonly sizeBytes: number;
  streamedBytes = 0;
  readonly #path: string;
  #handle: Promise<FileHandle> | undefined;

  constructor(path: string, sizeBytes: number) {
    this.name = basename(path);
    this.sizeBytes = sizeBytes;
    this.#path = path;
  }

  async head(bytes: number): Promise<Uint8Array> {
    // Many files are only looked at: nothing stays open for these.
    const handle = await open(this.#path, 'r');
    try {
      return await readRange(handle, 0, Math.min(bytes, this.sizeBytes));
    } finally {
      await handle.close();
    }
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    return readRange(await (this.#handle ??= open(this.#path, 'r')), start, Math.min(end, this.sizeBytes));
  }

  async *stream(): AsyncIterable<Uint8Array> {
    this.streamedBytes = 0;
    for await (const chunk of createReadStream(this.#path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
      this.streamedBytes += chunk.length;
      yield chunk;
    }
  }

  async close(): Promise<void> {
    await (await this.#handle)?.close();
  }
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** @throws AresError not-found and the like when the file cannot be opened */
export async function fileSource(path: string): Promise<RandomSource & { close(): Promise<void> }> {
  const { size } = await stat(path).catch((error: unknown) => {
    throw toAresError(error);
  });
  return new FileSource(path, size);
}

class MemorySource implements RandomSource {
  readonly name: string;
  streamedBytes = 0;
  readonly #bytes: Uint8Array;

  constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  head(bytes: number): Promise<Uint8Array> {
    return this.read(0, bytes);
  }

  read(start: number, end: number): Promise<Uint8Array> {
    return Promise.resolve(this.#bytes.subarray(start, end));
  }

  async *stream(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < this.#bytes.length; at += CHUNK_BYTES) {
      const chunk = this.#bytes.subarray(at, at + CHUNK_BYTES);
      this.streamedBytes = at + chunk.length;
      yield chunk;
    }
  }
}

export function memorySource(name: string, bytes: Uint8Array): RandomSource {
  return new MemorySource(name, bytes);
}

/** A source that can only be read from its beginning; `start` may be called more than once. */
class StreamSource implements Source {
  readonly name: string;
  readonly sizeBytes: number;
  readonly #start: () => AsyncIterable<Uint8Array>;
  readonly #streamed: () => number;

  constructor(name: string, sizeBytes: number, start: () => AsyncIterable<Uint8Array>, streamed: () => number) {
    this.name = name;
    this.sizeBytes = sizeBytes;
    this.#start = start;
    this.#streamed = streamed;
  }

  get streamedBytes(): number {
    return this.#streamed();
  }

  async head(bytes: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of this.#start()) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= bytes) break;
    }
    return new Uint8Array(Buffer.concat(chunks).subarray(0, bytes));
  }

  stream(): AsyncIterable<Uint8Array> {
    return this.#start();
  }
}

/** Content that can only be read from its beginning, such as an entry of an archive. */
export function streamSource(name: string, sizeBytes: number, start: () => AsyncIterable<Uint8Array>): Source {
  let streamedBytes = 0;
  const counted = async function* () {
    streamedBytes = 0;
    for await (const chunk of start()) {
      streamedBytes += chunk.length;
      yield chunk;
    }
  };
  return new StreamSource(name, sizeBytes, counted, () => streamedBytes);
}

/** All of a source in memory. @throws AresError unsupported when that is more than the cap */
export async function inMemory(source: Source): Promise<RandomSource> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source.stream()) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_MEMORY_BYTES) {
      const limit = `${MAX_MEMORY_BYTES / MEBIBYTE} MiB`;
      throw new AresError('unsupported', `A table of this format inside of an archive may have ${limit} at most.`, {
        where: source.name,
        hint: 'Unpack it and import the file itself.',
      });
    }
  }
  return memorySource(source.name, Buffer.concat(chunks));
}

/** The content of a gzip file, decompressed while it is read. */
export function gunzipped(source: Source): Source {
  const name = source.name.replace(/\.gz$/i, '');
  return new StreamSource(
    name,
    source.sizeBytes,
    () => gunzip(source, name),
    () => source.streamedBytes,
  );
}

async function* gunzip(source: Source, name: string): AsyncIterable<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES / 4 });
  let [takenBytes, madeBytes] = [0, 0];
  const feed = async () => {
    for await (const chunk of source.stream()) {
      takenBytes += chunk.length;
      if (gunzip.destroyed) return;
      if (!gunzip.write(chunk)) await new Promise((resolve) => gunzip.once('drain', resolve).once('close', resolve));
    }
    gunzip.end();
  };
  // What cannot be read ends the stream with that error.
  feed().catch((error: unknown) => gunzip.destroy(error instanceof Error ? error : new Error(String(error))));
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      madeBytes += chunk.length;
      if (madeBytes > Math.max(RATIO_FREE_BYTES, takenBytes * MAX_RATIO)) {
        throw new AresError('bad-data', 'This gzip file grows beyond reason when decompressed.', {
          where: name,
          hint: 'If that is what it should be, decompress it first.',
        });
      }
      yield chunk;
    }
  } catch (error) {
    if (error instanceof AresError || (error instanceof Error && 'syscall' in error)) throw error;
    throw new AresError('bad-data', 'This gzip file is damaged.', {
      where: name,
      hint: 'Get the file again.',
      cause: error,
    });
  } finally {
    gunzip.destroy();
  }
}
