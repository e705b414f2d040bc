/**
 * The header of a safetensors file: what tensors there are, of what type and shape, and where.
 *
 * Owns: parsing and every check that can be made before data is read, so that a reader may trust
 * what it is given: sizes computed without overflow, regions in order, without gaps or overlaps,
 * covering the file exactly. It opens no files. Format: 8 bytes little-endian header length N, N
 * bytes of JSON, data.
 */
import { AresError } from '#core/util/errors.ts';
import { findDuplicateKey, isObject, parseJson, shorten, type JsonObject } from './json.ts';

/** Element types that are read and written here, with their sizes. */
export const dtypeBytes = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1, BOOL: 1 } as const;
export type TensorDtype = keyof typeof dtypeBytes;

export interface TensorEntry {
  name: string;
  dtype: TensorDtype;
  shape: readonly number[];
  /** Bytes from the start of the file. */
  start: number;
  end: number;
}

export interface SafetensorsHeader {
  path: string;
  metadata: Readonly<Record<string, string>>;
  /** In the order of their data. */
  tensors: ReadonlyMap<string, TensorEntry>;
}

/** Bytes before the JSON: its length. */
export const LENGTH_BYTES = 8;
/** A header of 25 MB describes well over 100 000 tensors; longer ones are there to exhaust memory. */
const MAX_HEADER_BYTES = 25_000_000;
const MAX_TENSORS = 100_000;
const MAX_NAME_LENGTH = 1024;

/**
 * Reads the header length and checks that it can be true.
 * @param prefix the first 8 bytes of the file (fewer if the file is shorter)
 * @param fileBytes size of the whole file
 */
export function parseHeaderLength(prefix: Uint8Array, fileBytes: number, path: string): number {
  if (prefix.length < LENGTH_BYTES) {
    throw badFile(path, `This file has ${fileBytes} bytes; a safetensors file has at least 8.`);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw badFile(path, `The header claims ${length} bytes; at most ${MAX_HEADER_BYTES} are read.`);
  }
  if (Number(length) + LENGTH_BYTES > fileBytes) {
    throw badFile(path, `The header claims ${length} bytes, but the file has only ${fileBytes}.`);
  }
  return Number(length);
}

/**
 * Parses and checks the JSON part.
 * @param bytes the N bytes after the length
 * @param fileBytes size of the whole file
 * @throws AresError 'bad-file'; 'unsupported' for element types that are not read here
 */
export function parseHeader(bytes: Uint8Array, fileBytes: number, path: string): SafetensorsHeader {
  if (bytes[0] !== '{'.charCodeAt(0)) throw badFile(path, 'The header does not start with "{".');
  const json = parseJson(bytes, path);
  if (!isObject(json)) throw badFile(path, 'The header is not a JSON object.');
  const duplicate = findDuplicateKey(new TextDecoder().decode(bytes));
  if (duplicate !== null) throw badFile(path, `The header contains the name ${shorten(duplicate)} twice.`);

  const names = Object.keys(json).filter((name) => name !== '__metadata__');
  if (names.length > MAX_TENSORS) {
    throw badFile(path, `The header lists ${names.length} tensors; at most ${MAX_TENSORS} are read.`);
  }
  const dataStart = LENGTH_BYTES + bytes.length;
  const entries = names.map((name) => parseEntry(name, json[name], dataStart, path));
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  checkCoverage(entries, dataStart, fileBytes, path);
  return {
    path,
    metadata: parseMetadata(json, path),
    tensors: new Map(entries.map((entry) => [entry.name, entry])),
  };
}

/** Number of elements of a shape; null when it is no list of non-negative integers or overflows. */
export function elementCount(shape: unknown): number | null {
  if (!Array.isArray(shape)) return null;
  let count = 1;
  for (const size of shape as unknown[]) {
    if (!Number.isSafeInteger(size) || (size as number) < 0) return null;
    count *= size as number;
    if (!Number.isSafeInteger(count)) return null;
  }
  return count;
}

function parseEntry(name: string, json: unknown, dataStart: number, path: string): TensorEntry {
  if (name.length > MAX_NAME_LENGTH) {
    throw badFile(path, `A tensor name has ${name.length} characters; at most ${MAX_NAME_LENGTH} are allowed.`);
  }
  if (!isObject(json)) throw badFile(path, `The entry of tensor "${name}" is not an object.`);
  const { dtype, shape, data_offsets: offsets } = json;
  if (typeof dtype !== 'string') throw badFile(path, `Tensor "${name}" has no dtype.`);
  if (!Object.hasOwn(dtypeBytes, dtype)) {
    throw new AresError('unsupported', `Tensor "${name}" has the element type ${shorten(dtype)}.`, {
      where: path,
      hint: `Convert the file to one of ${Object.keys(dtypeBytes).join(', ')}.`,
    });
  }
  const count = elementCount(shape);
  if (count === null) throw badFile(path, `Tensor "${name}" has an impossible shape: ${shorten(shape)}.`);
  const [start, end] = parseOffsets(offsets, name, path);
  const expectedBytes = count * dtypeBytes[dtype as TensorDtype];
  if (end - start !== expectedBytes) {
    throw badFile(
      path,
      `Tensor "${name}" of type ${dtype} and shape ${shorten(shape)} needs ${expectedBytes} bytes, but its offsets span ${end - start}.`,
    );
  }
  return {
    name,
    dtype: dtype as TensorDtype,
    shape: shape as number[],
    start: dataStart + start,
    end: dataStart + end,
  };
}

function parseOffsets(offsets: unknown, name: string, path: string): [number, number] {
  if (Array.isArray(offsets) && offsets.length === 2) {
    const [start, end] = offsets as [unknown, unknown];
    if (isOffset(start) && isOffset(end) && start <= end) return [start, end];
  }
  throw badFile(path, `Tensor "${name}" has impossible data_offsets: ${shorten(offsets)}.`);
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Regions must follow one another from the end of the header to the end of the file. */
function checkCoverage(entries: readonly TensorEntry[], dataStart: number, fileBytes: number, path: string): void {
  let position = dataStart;
  for (const { name, start, end } of entries) {
    if (start !== position) {
      const what = start < position ? 'overlaps the tensor before it' : 'leaves a gap to the tensor before it';
      throw badFile(
        path,
        `The data of tensor "${name}" starts at byte ${start - dataStart}, not at ${position - dataStart}: it ${what}.`,
      );
    }
    position = end;
  }
  if (position > fileBytes) {
    throw badFile(path, `The file is truncated: its header describes ${position} bytes, but it has ${fileBytes}.`);
  }
  if (position < fileBytes) {
    throw badFile(path, `The last tensor ends at byte ${position}, but the file has ${fileBytes} bytes.`);
  }
}

function parseMetadata(json: JsonObject, path: string): Record<string, string> {
  const metadata = json['__metadata__'] ?? {};
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw badFile(path, 'The "__metadata__" of the header is not a map of strings.');
  }
  return metadata as Record<string, string>;
}

export function badFile(path: string, message: string): AresError {
  return new AresError('bad-file', message, {
    where: path,
    hint: 'Copy or download the file again; if it stays the same, it was written wrongly.',
  });
}
