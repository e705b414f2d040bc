/**
 * Values as bytes and back, for every transport that carries bytes.
 *
 * Owns: one codec that runs in a browser and in Node. A value is JSON in which typed arrays and numbers
 * that JSON lacks are marked, followed by the arrays' bytes, little-endian, each at a multiple of
 * eight. Arrays lie in the order in which they are met, so no message can point twice at the same
 * bytes, nor beyond its end. What the values mean is not known here; contract.ts checks that.
 *
 *     u32 length of the JSON | 4 bytes 0 | JSON, UTF-8 | 0…7 bytes 0 | array | 0…7 bytes 0 | array …
 */

/** Bytes that are no value of this format. Thrown by decodeValue, and by encodeValue for what cannot cross. */
export class WireFormatError extends Error {
  override readonly name = 'WireFormatError';
}

type TypedArray = Int32Array | Float32Array | Float64Array | Uint8Array;

const arrayKinds = {
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
  u8: Uint8Array,
} as const;
type ArrayKind = keyof typeof arrayKinds;

/** Key of an object that stands for something else; an object that has it itself is wrapped. */
const MARK = '$';
const WRAPPED = 'object';
const specialNumbers: Readonly<Record<string, number>> = {
  nan: NaN,
  inf: Infinity,
  '-inf': -Infinity,
  '-0': -0,
};
/** Deeper values are refused: no call of the contract has them, and walking them could end the stack. */
const MAX_DEPTH = 64;
const ALIGNMENT = 8;
const PREFIX_BYTES = 8;

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** @throws WireFormatError for functions, class instances, big integers and values nested too deeply */
export function encodeValue(value: unknown): Uint8Array<ArrayBuffer> {
  if (!isLittleEndian) throw new WireFormatError('This machine is big-endian, which the format does not support.');
  const arrays: TypedArray[] = [];
  const json = new TextEncoder().encode(JSON.stringify(marked(value, arrays, 0)));
  const starts: number[] = [];
  let end = PREFIX_BYTES + json.length;
  for (const array of arrays) {
    const start = aligned(end);
    starts.push(start);
    end = start + array.byteLength;
  }
  const bytes = new Uint8Array(end);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, PREFIX_BYTES);
  for (const [i, array] of arrays.entries()) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), starts[i]!);
  }
  return bytes;
}

/**
 * The value; its typed arrays are views into `bytes` where alignment allows, else copies.
 * @throws WireFormatError whatever the bytes are, nothing else
 */
export function decodeValue(bytes: Uint8Array): unknown {
  if (bytes.length < PREFIX_BYTES) throw new WireFormatError('The message ends before its header.');
  const jsonBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const jsonEnd = PREFIX_BYTES + jsonBytes;
  if (jsonEnd > bytes.length) throw new WireFormatError('The message ends within its header.');
  let parsed: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(PREFIX_BYTES, jsonEnd));
    parsed = JSON.parse(text);
  } catch {
    throw new WireFormatError('The header of the message is not JSON.');
  }
  const tail = { bytes, end: jsonEnd };
  const value = unmarked(parsed, tail, 0);
  if (tail.end !== bytes.length) throw new WireFormatError('The message has bytes that belong to no array.');
  return value;
}

function aligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

/** The value as JSON can hold it; itself where nothing in it needs a mark, so that big lists are not copied. */
function marked(value: unknown, arrays: TypedArray[], depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { [MARK]: nameOfNumber(value) };
    case 'object':
      break;
    default:
      throw new WireFormatError(`A ${typeof value} cannot cross between front end and host.`);
  }
  if (value === null) return null;
  if (depth >= MAX_DEPTH) throw new WireFormatError(`The value is nested more than ${MAX_DEPTH} deep.`);
  const kind = arrayKindOf(value);
  if (kind !== undefined) {
    const array = value as TypedArray;
    arrays.push(array);
    return { [MARK]: kind, n: array.length };
  }
  if (Array.isArray(value)) return markedList(value, arrays, depth);
  return markedObject(value as Record<string, unknown>, arrays, depth);
}

function markedList(list: readonly unknown[], arrays: TypedArray[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = marked(list[i], arrays, depth + 1);
    if (item === list[i]) continue;
    copy ??= list.slice();
    copy[i] = item;
  }
  return copy ?? list;
}

function markedObject(object: Record<string, unknown>, arrays: TypedArray[], depth: number): object {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new WireFormatError('Only plain objects, lists and typed arrays can cross between front end and host.');
  }
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(object)) {
    const item = marked(object[key], arrays, depth + 1);
    if (item === object[key]) continue;
    copy ??= { ...object };
    copy[key] = item;
  }
  const result = copy ?? object;
  return Object.hasOwn(object, MARK) ? { [MARK]: WRAPPED, value: result } : result;
}

function nameOfNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (value === 0) return '-0';
  return value > 0 ? 'inf' : '-inf';
}

function arrayKindOf(value: object): ArrayKind | undefined {
  if (value instanceof Int32Array) return 'i32';
  if (value instanceof Float32Array) return 'f32';
  if (value instanceof Float64Array) return 'f64';
  return value instanceof Uint8Array ? 'u8' : undefined;
}

interface Tail {
  bytes: Uint8Array;
  /** Where the last array ended. */
  end: number;
}

/** Puts what the marks stand for in their place. Works within `value`, which JSON.parse has just made. */
function unmarked(value: unknown, tail: Tail, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) throw new WireFormatError(`The value is nested more than ${MAX_DEPTH} deep.`);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = unmarked(value[i], tail, depth + 1);
    return value;
  }
  const object = value as Record<string, unknown>;
  if (!Object.hasOwn(object, MARK)) return unmarkedObject(object, tail, depth);
  const { [MARK]: mark, ...rest } = object;
  if (mark === WRAPPED) {
    const { value: inner, ...others } = rest;
    if (isRecord(inner) && Object.keys(others).length === 0) return unmarkedObject(inner, tail, depth);
  } else if (typeof mark === 'string') {
    if (Object.hasOwn(specialNumbers, mark) && Object.keys(rest).length === 0) return specialNumbers[mark];
    if (Object.hasOwn(arrayKinds, mark)) return arrayOf(mark as ArrayKind, rest['n'], tail);
  }
  throw new WireFormatError('The message has a mark that stands for nothing.');
}

function unmarkedObject(object: Record<string, unknown>, tail: Tail, depth: number): Record<string, unknown> {
  // JSON.parse makes it an ordinary property; whoever copies the object by assignment would set its prototype.
  if (Object.hasOwn(object, '__proto__')) throw new WireFormatError('The message has a key named __proto__.');
  for (const key of Object.keys(object)) object[key] = unmarked(object[key], tail, depth + 1);
  return object;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function arrayOf(kind: ArrayKind, length: unknown, tail: Tail): TypedArray {
  const type = arrayKinds[kind];
  const start = aligned(tail.end);
  const isLength = typeof length === 'number' && Number.isSafeInteger(length) && length >= 0;
  if (!isLength || start + length * type.BYTES_PER_ELEMENT > tail.bytes.length) {
    throw new WireFormatError('The message ends within an array.');
  }
  tail.end = start + length * type.BYTES_PER_ELEMENT;
  const offset = tail.bytes.byteOffset + start;
  if (offset % type.BYTES_PER_ELEMENT === 0) return new type(tail.bytes.buffer as ArrayBuffer, offset, length);
  // Not slice(): Node's Buffer overrides it with one that copies nothing.
  return new type(Uint8Array.from(tail.bytes.subarray(start, tail.end)).buffer);
}
