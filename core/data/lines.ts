/**
 * Text files as lines.
 *
 * Owns: encodings (UTF-8, UTF-16 with or without a mark), line ends, and the cap on the length of a line.
 * A line that is not valid text is reported as such and the rest is read on. What lines mean is up to the importers.
 */
import { AresError } from '#core/util/errors.ts';
import { HEAD_BYTES, sniffEncoding } from './sniff.ts';
import { MEBIBYTE, type Source } from './source.ts';

export const MAX_LINE_BYTES = 16 * MEBIBYTE;

export interface Line {
  /** From 1. */
  line: number;
  /** Without its end; null when it cannot be read. */
  text: string | null;
  /** Why it cannot be read. */
  reason?: string;
}

/** The bytes of a text as UTF-8 without a mark, whatever its encoding. */
export async function* utf8Stream(source: Source): AsyncIterable<Uint8Array> {
  const { encoding, markBytes } = sniffEncoding(await source.read(0, HEAD_BYTES));
  const decoder = encoding === 'utf-8' ? null : new TextDecoder(encoding);
  let toSkip = markBytes;
  for await (const piece of source.stream()) {
    const chunk = toSkip > 0 ? piece.subarray(toSkip) : piece;
    toSkip = Math.max(0, toSkip - piece.length);
    if (chunk.length > 0) yield decoder === null ? chunk : Buffer.from(decoder.decode(chunk, { stream: true }));
  }
  const rest = decoder?.decode() ?? '';
  if (rest !== '') yield Buffer.from(rest);
}

/** Lines of a text file, one at a time. */
export async function* readLines(source: Source): AsyncIterable<Line> {
  let line = 0;
  let parts: Uint8Array[] = [];
  let lengthBytes = 0;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const finish = (): Line => {
    line++;
    const bytes = lengthBytes > MAX_LINE_BYTES ? null : Buffer.concat(parts);
    parts = [];
    lengthBytes = 0;
    if (bytes === null) return { line, text: null, reason: `the line is longer than ${MAX_LINE_BYTES / MEBIBYTE} MiB` };
    try {
      return { line, text: decoder.decode(bytes).replace(/\r$/, '') };
    } catch {
      return { line, text: null, reason: 'the line is not valid UTF-8' };
    }
  };
  for await (const chunk of utf8Stream(source)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      parts.push(chunk.subarray(start, end));
      lengthBytes += end - start;
      yield finish();
      start = end + 1;
    }
    lengthBytes += chunk.length - start;
    // What is beyond the cap is counted but not kept.
    if (lengthBytes <= MAX_LINE_BYTES) parts.push(chunk.subarray(start));
  }
  if (lengthBytes > 0) yield finish();
}

/** A whole text file as one string. */
export async function readText(source: Source): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of utf8Stream(source)) chunks.push(chunk);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw new AresError('bad-data', 'This file is not valid UTF-8 text.', {
      where: source.name,
      hint: 'Save it as UTF-8.',
      cause: error,
    });
  }
}
