/**
 * Where the bytes of a dataset come from: a file, or memory (an entry of an archive, a decompressed file).
 *
 * Owns: reading by range and as a stream, and the caps on sizes. It does not know what the bytes mean.
 */
import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { AresError, toAresError } from '#core/util/errors.ts';

export const MEBIBYTE = 1024 * 1024;
/** Text is parsed into memory whole; more than this would not fit beside a model. */
export const MAX_TEXT_BYTES = 1024 * MEBIBYTE;
/** A compressed file that grows by more than this is taken for a bomb. */
export const MAX_RATIO = 200;
/** Below this size a high ratio is harmless: constant columns compress by thousands. */
export const RATIO_FREE_BYTES = MEBIBYTE;
/** Rows of one dataset: all of them are held in memory. */
export const MAX_ROWS = 5_000_000;

export interface Source {
  /** Name for messages and for guessing the format by extension. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Bytes [start, end), clipped to the source. */
  read(start: number, end: number): Promise<Uint8Array>;
  stream(): AsyncIterable<Uint8Array>;
}

/** @throws AresError not-found and the like when the file cannot be opened */
export async function fileSource(path: string): Promise<Source> {
  const { size } = await stat(path).catch((error: unknown) => {
    throw toAresError(error);
  });
  return {
    name: basename(path),
    sizeBytes: size,
    read: (start, end) => readRange(path, start, Math.min(end, size)),
    stream: () => createReadStream(path, { highWaterMark: MEBIBYTE }),
  };
}

async function readRange(path: string, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  const handle = await open(path, 'r');
  try {
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

export function memorySource(name: string, bytes: Uint8Array): Source {
  return {
    name,
    sizeBytes: bytes.length,
    read: (start, end) => Promise.resolve(bytes.subarray(start, end)),
    async *stream() {
      for (let at = 0; at < bytes.length; at += MEBIBYTE) yield bytes.subarray(at, at + MEBIBYTE);
    },
  };
}

/** The most a compressed size may grow to. */
function expansionLimit(compressedBytes: number): number {
  return Math.min(MAX_TEXT_BYTES, Math.max(RATIO_FREE_BYTES, compressedBytes * MAX_RATIO));
}

/** The content of a gzip file, decompressed within the caps. */
export async function gunzipped(path: string, source: Source): Promise<Source> {
  requireSize(source, MAX_TEXT_BYTES, 'Decompress it first.');
  const compressed = await readFile(path);
  try {
    const bytes = gunzipSync(compressed, { maxOutputLength: expansionLimit(compressed.length) });
    return memorySource(source.name.replace(/\.gz$/i, ''), bytes);
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new AresError(
      'bad-data',
      tooLarge ? 'This gzip file grows beyond reason when decompressed.' : 'This gzip file is damaged.',
      {
        where: source.name,
        hint: tooLarge ? `If that is what it should be, decompress it first.` : 'Get the file again.',
        cause: error,
      },
    );
  }
}

/** @throws AresError unsupported when the source is larger than `limit` */
export function requireSize(source: Source, limit: number, hint: string): void {
  if (source.sizeBytes <= limit) return;
  const sizes = `${Math.ceil(source.sizeBytes / MEBIBYTE)} MiB; the limit for this format is ${limit / MEBIBYTE} MiB`;
  throw new AresError('unsupported', `This file is too large to import: ${sizes}.`, { where: source.name, hint });
}
