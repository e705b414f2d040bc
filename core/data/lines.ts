/**
 * Text files as lines.
 *
 * Owns: encodings (UTF-8, UTF-16 with or without a mark), line ends, and the cap on the length of a line.
 * A line that is not valid text is reported as such and the rest is read on. What lines mean is up to the importers.
 */
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
  const { encoding, markBytes } = sniffEncoding(await source.head(HEAD_BYTES));
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

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as text; null when they are not UTF-8. */
export function decodeStrictly(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return null;
  }
}

const LINE_FEED = 10;

/** Lines of a text file, as many at a time as a piece of the file has. */
export async function* readLines(source: Source): AsyncIterable<Line[]> {
  let line = 0;
  /** The beginning of a line whose end has not come yet; what is beyond the cap is counted but not kept. */
  let parts: Uint8Array[] = [];
  let lengthBytes = 0;
  const toLine = (text: string | null, reason = 'the line is not valid UTF-8'): Line =>
    text === null
      ? { line: ++line, text, reason }
      : { line: ++line, text: text.endsWith('\r') ? text.slice(0, -1) : text };
  const finish = (): Line => {
    const isTooLong = lengthBytes > MAX_LINE_BYTES;
    const text = isTooLong ? null : decodeStrictly(Buffer.concat(parts));
    parts = [];
    lengthBytes = 0;
    return isTooLong ? toLine(null, `the line is longer than ${MAX_LINE_BYTES / MEBIBYTE} MiB`) : toLine(text);
  };
  for await (const chunk of utf8Stream(source)) {
    const first = chunk.indexOf(LINE_FEED);
    const lines: Line[] = [];
    let start = 0;
    if (first >= 0) {
      parts.push(chunk.subarray(0, first));
      lengthBytes += first;
      lines.push(finish());
      start = chunk.lastIndexOf(LINE_FEED) + 1;
      // Lines that are whole are decoded together: one call for thousands of them.
      const whole = start > first + 1 ? decodeStrictly(chunk.subarray(first + 1, start - 1)) : undefined;
      if (typeof whole === 'string') for (const text of whole.split('\n')) lines.push(toLine(text));
      else if (whole === null)
        for (let from = first + 1, end; from < start; from = end + 1) {
          end = chunk.indexOf(LINE_FEED, from);
          lines.push(toLine(decodeStrictly(chunk.subarray(from, end))));
        }
    }
    lengthBytes += chunk.length - start;
    if (lengthBytes <= MAX_LINE_BYTES) parts.push(chunk.subarray(start));
    // Even a piece without an end of line: somebody may be waiting for a sign of progress.
    yield lines;
  }
  if (lengthBytes > 0) yield [finish()];
}
