/**
 * safetensors files: tensors read by byte range, whole small files, and writing.
 *
 * Owns: file access and conversion to and from typed arrays. What a header may say is
 * safetensorsHeader.ts; which tensors a model has is parameters.ts and weights.ts. The bytes on disk
 * are little-endian, as are all machines this program runs on.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { AresError } from '#core/util/errors.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './dtypes.ts';
import {
  badFile,
  dtypeBytes,
  elementCount,
  LENGTH_BYTES,
  parseHeader,
  parseHeaderLength,
  type SafetensorsHeader,
  type TensorDtype,
  type TensorEntry,
} from './safetensorsHeader.ts';

export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array;

export interface Tensor {
  /** As stored; F16 and BF16 are held in float32. */
  dtype: TensorDtype;
  shape: readonly number[];
  data: TensorData;
}

export interface TensorToWrite {
  name: string;
  shape: readonly number[];
  data: TensorData;
  /** Store float32 data narrower, rounded to nearest even; the data's own type where this is absent. */
  dtype?: 'F16' | 'BF16';
}

/** Half-precision data is converted through a buffer of this size instead of a second copy. */
const CHUNK_BYTES = 16 * 1024 * 1024;
/** One read or write call moves less than 2^31 bytes. */
const MAX_CALL_BYTES = 1024 * 1024 * 1024;

/** Reads and checks the header alone; cheap for files of any size. */
export function readSafetensorsHeader(path: string): SafetensorsHeader {
  return withFile(path, (file) => {
    const { size } = fstatSync(file);
    const prefix = new Uint8Array(Math.min(LENGTH_BYTES, size));
    readExactly(file, prefix, 0, path);
    const bytes = new Uint8Array(parseHeaderLength(prefix, size, path));
    readExactly(file, bytes, LENGTH_BYTES, path);
    return parseHeader(bytes, size, path);
  });
}

/** Reads one tensor by its byte range, in the type it is stored in. */
export function readTensor(header: SafetensorsHeader, name: string): Tensor {
  const entry = entryOf(header, name);
  const { dtype, shape } = entry;
  return { dtype, shape, data: withFile(header.path, (file) => readData(file, entry, header.path)) };
}

/** Reads one floating-point tensor as float32, flat in row-major order. */
export function readFloat32(header: SafetensorsHeader, name: string): Float32Array {
  return asFloat32(readTensor(header, name), header, name);
}

/** As readFloat32, a piece of the tensor at a time, for work that must not hold it as a whole. */
export function* float32Pieces(
  header: SafetensorsHeader,
  name: string,
  pieceBytes: number = CHUNK_BYTES,
): Generator<Float32Array> {
  const entry = entryOf(header, name);
  for (let { start } = entry; start < entry.end; start += pieceBytes) {
    const piece = { ...entry, start, end: Math.min(entry.end, start + pieceBytes) };
    const data = withFile(header.path, (file) => readData(file, piece, header.path));
    yield asFloat32({ ...entry, data }, header, name);
  }
}

function asFloat32({ dtype, data }: Tensor, { path }: SafetensorsHeader, name: string): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  throw new AresError('unsupported', `Tensor "${name}" holds ${dtype}, but floating-point numbers are needed.`, {
    where: path,
    hint: 'Quantised weights cannot be trained here; use the original ones.',
  });
}

/** Reads all tensors of a small file. */
export function readSafetensors(path: string): Map<string, Tensor> {
  const header = readSafetensorsHeader(path);
  return new Map([...header.tensors.keys()].map((name) => [name, readTensor(header, name)]));
}

/**
 * Writes a file that transformers and this program read: compact JSON padded with spaces so that the
 * data start at a multiple of 8, wider element types first so that every tensor is aligned.
 * @param metadata defaults to {format: 'pt'}, which transformers insists on
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): void {
  writeFileAtomic(path, ...encodeSafetensors(tensors, metadata));
}

/** The bytes of a file, in parts that share memory with the tensors where nothing is converted. */
export function encodeSafetensors(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array[] {
  const ordered = [...tensors].sort((a, b) => dtypeBytes[storedDtype(b)] - dtypeBytes[storedDtype(a)]);
  const header: Record<string, unknown> = Object.create(null);
  header['__metadata__'] = metadata;
  let position = 0;
  for (const tensor of ordered) {
    const { name, shape, data } = tensor;
    if (name in header) throw new AresError('internal', `Two tensors to write are named "${name}".`);
    if (elementCount(shape) !== data.length) {
      throw new AresError('internal', `Tensor "${name}" has ${data.length} elements, not ${shape.join(' × ')}.`);
    }
    const dtype = storedDtype(tensor);
    const end = position + data.length * dtypeBytes[dtype];
    header[name] = { dtype, shape, data_offsets: [position, end] };
    position = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES).fill(' '.charCodeAt(0));
  padded.set(json);
  const prefix = new Uint8Array(LENGTH_BYTES);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(padded.length), true);
  return [prefix, padded, ...ordered.flatMap(storedBytes)];
}

function storedDtype({ data, dtype }: TensorToWrite): TensorDtype {
  if (dtype !== undefined) return dtype;
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Float64Array) return 'F64';
  if (data instanceof BigInt64Array) return 'I64';
  return data instanceof Int32Array ? 'I32' : 'U8';
}

function storedBytes({ name, data, dtype }: TensorToWrite): Uint8Array[] {
  const converted = dtype === undefined ? data : toHalf(name, data, dtype);
  const bytes = new Uint8Array(converted.buffer, converted.byteOffset, converted.byteLength);
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += MAX_CALL_BYTES) {
    parts.push(bytes.subarray(start, start + MAX_CALL_BYTES));
  }
  return parts;
}

function toHalf(name: string, data: TensorData, dtype: 'F16' | 'BF16'): Uint16Array {
  if (!(data instanceof Float32Array)) throw new AresError('internal', `Tensor "${name}" is no float32 to narrow.`);
  return dtype === 'F16' ? float32ToFloat16(data) : float32ToBfloat16(data);
}

function entryOf(header: SafetensorsHeader, name: string): TensorEntry {
  const entry = header.tensors.get(name);
  if (entry === undefined) throw badFile(header.path, `There is no tensor "${name}" in this file.`);
  return entry;
}

function readData(file: number, entry: TensorEntry, path: string): TensorData {
  const length = (entry.end - entry.start) / dtypeBytes[entry.dtype];
  switch (entry.dtype) {
    case 'F16':
      return readHalves(file, entry, path, float16ToFloat32);
    case 'BF16':
      return readHalves(file, entry, path, bfloat16ToFloat32);
    case 'F32':
      return filled(new Float32Array(length), file, entry, path);
    case 'F64':
      return filled(new Float64Array(length), file, entry, path);
    case 'I64':
      return filled(new BigInt64Array(length), file, entry, path);
    case 'I32':
      return filled(new Int32Array(length), file, entry, path);
    case 'U8':
    case 'BOOL':
      return filled(new Uint8Array(length), file, entry, path);
  }
}

function filled<T extends TensorData>(data: T, file: number, entry: TensorEntry, path: string): T {
  readExactly(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), entry.start, path);
  return data;
}

function readHalves(
  file: number,
  { start, end }: TensorEntry,
  path: string,
  widen: (source: Uint16Array, target: Float32Array) => Float32Array,
): Float32Array {
  const data = new Float32Array((end - start) / 2);
  const chunk = new Uint16Array(Math.min(CHUNK_BYTES, end - start) / 2);
  for (let done = 0; done < data.length; done += chunk.length) {
    const halves = chunk.subarray(0, data.length - done);
    readExactly(file, new Uint8Array(halves.buffer, 0, halves.byteLength), start + done * 2, path);
    widen(halves, data.subarray(done, done + halves.length));
  }
  return data;
}

/** Fills the target from a position of the file, however many calls that takes. */
function readExactly(file: number, target: Uint8Array, position: number, path: string): void {
  for (let done = 0; done < target.length;) {
    const count = readSync(file, target, done, Math.min(target.length - done, MAX_CALL_BYTES), position + done);
    if (count === 0) throw badFile(path, `The file ended at byte ${position + done} while it was being read.`);
    done += count;
  }
}

function withFile<T>(path: string, use: (file: number) => T): T {
  const file = openSync(path, 'r');
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}
