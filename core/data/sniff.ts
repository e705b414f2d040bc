/**
 * What kind of file this is, from its first bytes; the extension only decides where the content leaves it open.
 *
 * Owns: the signatures of formats, read and refused, and the encoding of text. It reads no rows.
 */
import { AresError } from '#core/util/errors.ts';

export type Format = 'jsonl' | 'json' | 'csv' | 'tsv' | 'parquet' | 'arrow' | 'zip';
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** How much of the beginning of a file is looked at. */
export const HEAD_BYTES = 65_536;

/** Signatures of files that are no datasets, and what to do instead. */
const refused: [signature: string, what: string, hint: string][] = [
  ['\x80\x02', 'a Python pickle, which runs code when it is read', 'Convert it to JSONL or Parquet where it was made.'],
  ['\x80\x03', 'a Python pickle, which runs code when it is read', 'Convert it to JSONL or Parquet where it was made.'],
  ['\x80\x04', 'a Python pickle, which runs code when it is read', 'Convert it to JSONL or Parquet where it was made.'],
  ['\x80\x05', 'a Python pickle, which runs code when it is read', 'Convert it to JSONL or Parquet where it was made.'],
  ['%PDF', 'a PDF', 'Extract its text to JSONL or CSV.'],
  ['\x89PNG', 'an image', 'Put the images into a zip file, with a JSONL or CSV file that names them.'],
  ['\xff\xd8\xff', 'an image', 'Put the images into a zip file, with a JSONL or CSV file that names them.'],
  ['SQLite format 3', 'an SQLite database', 'Export the table to CSV.'],
  ['\x28\xb5\x2f\xfd', 'a Zstandard archive', 'Decompress it first.'],
  ['BZh', 'a bzip2 archive', 'Decompress it first.'],
  ['\xfd7zXZ', 'an xz archive', 'Decompress it first.'],
  ['7z\xbc\xaf', 'a 7-Zip archive', 'Unpack it first.'],
  ['Rar!', 'a RAR archive', 'Unpack it first.'],
  ['\x93NUMPY', 'a NumPy array', 'Export it as JSONL or CSV.'],
  ['Obj\x01', 'an Avro file', 'Convert it to Parquet.'],
  ['ORC', 'an ORC file', 'Convert it to Parquet.'],
];

function startsWith(head: Uint8Array, signature: string): boolean {
  for (let i = 0; i < signature.length; i++) if (head[i] !== signature.charCodeAt(i)) return false;
  return true;
}

export function isGzip(head: Uint8Array): boolean {
  return startsWith(head, '\x1f\x8b');
}

/**
 * Format of a file by its first bytes and, in doubt, by its extension.
 * @throws AresError bad-data for an empty file, unsupported for what is no dataset
 */
export function sniffFormat(head: Uint8Array, name: string): Format {
  if (head.length === 0)
    throw new AresError('bad-data', 'This file is empty.', { where: name, hint: 'Choose another file.' });
  if (startsWith(head, 'PAR1')) return 'parquet';
  if (startsWith(head, 'PK\x03\x04') || startsWith(head, 'PK\x05\x06')) return 'zip';
  if (startsWith(head, 'ARROW1') || startsWith(head, '\xff\xff\xff\xff')) return 'arrow';
  for (const [signature, what, hint] of refused) {
    if (startsWith(head, signature)) throw new AresError('unsupported', `This file is ${what}.`, { where: name, hint });
  }
  const text = decodeHead(head);
  if (text === null) {
    throw new AresError('unsupported', 'This file is neither text nor a format that is known here.', {
      where: name,
      hint: 'Use JSONL, JSON, CSV, TSV, Parquet, Arrow or a zip file of images.',
    });
  }
  return sniffText(text, name.toLowerCase());
}

function sniffText(text: string, name: string): Format {
  const isLines = /\.(?:jsonl|ndjson)$/.test(name);
  const trimmed = text.trimStart();
  if (trimmed.startsWith('{') || trimmed.startsWith('[')) {
    // One complete object per line is JSON lines, whatever the extension; a lone object is what the extension says.
    const [first, second] = trimmed.split(/\r?\n/).filter((line) => line.trim() !== '');
    if (isLines || (isJsonObject(first!) && (second?.trimStart().startsWith('{') || !name.endsWith('.json'))))
      return 'jsonl';
    return 'json';
  }
  if (isLines) return 'jsonl';
  if (name.endsWith('.json')) return 'json';
  return delimiterOf(text) === '\t' ? 'tsv' : 'csv';
}

function isJsonObject(line: string): boolean {
  if (!line.startsWith('{')) return false;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** The delimiter a table uses in its first record: the commonest of tab, comma and semicolon outside of quotes. */
export function delimiterOf(text: string): '\t' | ',' | ';' {
  const counts = { '\t': 0, ',': 0, ';': 0 };
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    else if (!quoted && (character === '\n' || character === '\r')) break;
    else if (!quoted && (character === '\t' || character === ',' || character === ';')) counts[character]++;
  }
  if (counts['\t'] > 0 && counts['\t'] >= counts[',']) return '\t';
  return counts[';'] > counts[','] ? ';' : ',';
}

/** Encoding by byte order mark, else by where the zero bytes of ASCII characters are; UTF-8 otherwise. */
export function sniffEncoding(head: Uint8Array): { encoding: Encoding; markBytes: number } {
  if (startsWith(head, '\xef\xbb\xbf')) return { encoding: 'utf-8', markBytes: 3 };
  if (startsWith(head, '\xff\xfe')) return { encoding: 'utf-16le', markBytes: 2 };
  if (startsWith(head, '\xfe\xff')) return { encoding: 'utf-16be', markBytes: 2 };
  const zeros = [0, 0];
  for (let i = 0; i < head.length; i++) if (head[i] === 0) zeros[i % 2]!++;
  const half = head.length / 2;
  if (zeros[1]! > half * 0.4 && zeros[0]! < half * 0.1) return { encoding: 'utf-16le', markBytes: 0 };
  if (zeros[0]! > half * 0.4 && zeros[1]! < half * 0.1) return { encoding: 'utf-16be', markBytes: 0 };
  return { encoding: 'utf-8', markBytes: 0 };
}

/** The beginning of a file as text; null when it has too many control characters to be text. */
export function decodeHead(head: Uint8Array): string | null {
  const { encoding, markBytes } = sniffEncoding(head);
  const text = new TextDecoder(encoding).decode(head.subarray(markBytes));
  let controls = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 32 && code !== 9 && code !== 10 && code !== 13) || code === 0xfffd) controls++;
  }
  // A damaged line or two must not make a text file unreadable as a whole.
  return controls > text.length * 0.1 ? null : text;
}
