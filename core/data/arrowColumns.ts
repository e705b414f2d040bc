/**
 * Values of Arrow columns out of the buffers of a record batch.
 *
 * Owns: the layout of each type in buffers, and the checks that every value lies inside of them. Lengths are
 * checked when a column is opened, so that reading a value cannot fail or allocate more than the bytes that are there.
 */
import { type ArrowField, type ArrowType, unsupported } from './arrowSchema.ts';
import { DamagedError, readInt32, readInt64 } from './flatbuffer.ts';

/** A column of one batch. */
export interface ArrowColumn {
  length: number;
  /** The value at an index below `length`: null, number, bigint, boolean, text, bytes, Date, array or entries. */
  get(index: number): unknown;
}

/** Values of dictionaries by their number. */
export type Dictionaries = ReadonlyMap<number, ArrowColumn>;

/**
 * How many values the columns of a file may still have, on all levels together. Most need a bit at least,
 * but nulls, empty structs and lists of no items need nothing, and their lengths are only claims.
 */
export interface ValueBudget {
  values: number;
}

/** Hands out the nodes and buffers of a batch in the order in which its fields use them. */
export class BatchReader {
  readonly #nodes: [length: number, nullCount: number][];
  readonly #buffers: [offset: number, length: number][];
  readonly #body: Uint8Array;
  readonly #dictionaries: Dictionaries;
  readonly #budget: ValueBudget;

  constructor(
    nodes: readonly [number, number][],
    buffers: readonly [number, number][],
    body: Uint8Array,
    dictionaries: Dictionaries,
    budget: ValueBudget,
  ) {
    this.#nodes = nodes.toReversed();
    this.#buffers = buffers.toReversed();
    this.#body = body;
    this.#dictionaries = dictionaries;
    this.#budget = budget;
  }

  column(field: ArrowField): ArrowColumn {
    if (field.dictionary === null) return this.#values(field.type, field.children);
    const indices = this.#values(field.dictionary.index, []);
    const values = this.#dictionaries.get(field.dictionary.id);
    if (values === undefined) throw new DamagedError('a dictionary is missing');
    return {
      length: indices.length,
      get: (i) => {
        const index = indices.get(i);
        if (index === null) return null;
        if (!(Number(index) >= 0 && Number(index) < values.length))
          throw new DamagedError('an index is not in its dictionary');
        return values.get(Number(index));
      },
    };
  }

  #values(type: ArrowType, children: readonly ArrowField[]): ArrowColumn {
    const node = this.#nodes.pop();
    if (node === undefined) throw new DamagedError('a batch has too few columns');
    const [length, nullCount] = node;
    this.#budget.values -= length;
    if (length < 0 || this.#budget.values < 0) throw new DamagedError('a column is longer than its data');
    if (type.kind === 'null') return { length, get: () => null };
    const validity = this.#buffer();
    const hasNulls = nullCount !== 0 && validity.byteLength > 0;
    if (hasNulls) requireBytes(validity, Math.ceil(length / 8));
    const read = this.#reader(type, children, length);
    return { length, get: (i) => (hasNulls && !bit(validity, i) ? null : read(i)) };
  }

  #reader(
    type: Exclude<ArrowType, { kind: 'null' }>,
    children: readonly ArrowField[],
    length: number,
  ): (i: number) => unknown {
    switch (type.kind) {
      case 'boolean': {
        const data = requireBytes(this.#buffer(), Math.ceil(length / 8));
        return (i) => bit(data, i);
      }
      case 'integer':
      case 'float':
      case 'time':
        return numberReader(requireBytes(this.#buffer(), (length * type.bits) / 8), type);
      case 'bytes': {
        const offsets = this.#offsets(type.offsetBytes, length);
        const data = this.#buffer();
        requireBytes(data, offsets(length));
        return (i) => (type.isText ? text(data, offsets(i), offsets(i + 1)) : bytes(data, offsets(i), offsets(i + 1)));
      }
      case 'fixed bytes': {
        const data = requireBytes(this.#buffer(), length * type.width);
        return (i) => bytes(data, i * type.width, (i + 1) * type.width);
      }
      case 'list': {
        const offsets = this.#offsets(type.offsetBytes, length);
        const items = this.#child(children, offsets(length));
        return (i) => (type.isMap ? entries : slice)(items, offsets(i), offsets(i + 1));
      }
      case 'fixed list': {
        const items = this.#child(children, length * type.size);
        return (i) => slice(items, i * type.size, (i + 1) * type.size);
      }
      case 'struct': {
        const fields = children.map((child) => [child.name, this.column(child)] as const);
        if (fields.some(([, column]) => column.length < length))
          throw new DamagedError('the fields of a column are too short');
        return (i) => new Map(fields.map(([name, column]) => [name, column.get(i)]));
      }
    }
  }

  #child(children: readonly ArrowField[], minLength: number): ArrowColumn {
    const [field] = children;
    if (field === undefined || children.length !== 1) throw new DamagedError('a list does not say what it holds');
    const column = this.column(field);
    if (column.length < minLength) throw new DamagedError('a list is longer than its items');
    return column;
  }

  /** Offsets of variable-length values, which never fall: each item belongs to one value. */
  #offsets(offsetBytes: 4 | 8, length: number): (i: number) => number {
    const data = this.#buffer();
    // An empty column may leave out even the first offset.
    if (length === 0 && data.byteLength === 0) return () => 0;
    requireBytes(data, (length + 1) * offsetBytes);
    const read = offsetBytes === 4 ? (i: number) => readInt32(data, 4 * i) : (i: number) => readInt64(data, 8 * i);
    let previous = 0;
    for (let i = 0; i <= length; i++) {
      const offset = read(i);
      if (offset < previous) throw new DamagedError('the offsets of a column are not in order');
      previous = offset;
    }
    return read;
  }

  #buffer(): DataView {
    const buffer = this.#buffers.pop();
    if (buffer === undefined) throw new DamagedError('a batch has too few buffers');
    const [offset, length] = buffer;
    if (!(offset >= 0 && length >= 0 && offset + length <= this.#body.length)) {
      throw new DamagedError('a buffer lies outside of its batch');
    }
    return new DataView(this.#body.buffer, this.#body.byteOffset + offset, length);
  }
}

function requireBytes(view: DataView, count: number): DataView {
  if (view.byteLength < count) throw new DamagedError('a column is longer than its data');
  return view;
}

function bit(view: DataView, index: number): boolean {
  return ((view.getUint8(index >> 3) >> (index & 7)) & 1) === 1;
}

function numberReader(
  view: DataView,
  type: ArrowType & { kind: 'integer' | 'float' | 'time' },
): (i: number) => unknown {
  if (type.kind === 'time') {
    const read = integerReader(view, type.bits, true);
    return (i) => new Date((Number(read(i)) / type.perSecond) * 1000);
  }
  if (type.kind === 'integer') return integerReader(view, type.bits, type.signed);
  if (type.bits === 64) return (i) => view.getFloat64(8 * i, true);
  if (type.bits === 32) return (i) => view.getFloat32(4 * i, true);
  throw unsupported('numbers of half precision');
}

function integerReader(view: DataView, bits: number, signed: boolean): (i: number) => number | bigint {
  switch (bits) {
    case 8:
      return signed ? (i) => view.getInt8(i) : (i) => view.getUint8(i);
    case 16:
      return signed ? (i) => view.getInt16(2 * i, true) : (i) => view.getUint16(2 * i, true);
    case 32:
      return signed ? (i) => view.getInt32(4 * i, true) : (i) => view.getUint32(4 * i, true);
    default:
      return signed ? (i) => view.getBigInt64(8 * i, true) : (i) => view.getBigUint64(8 * i, true);
  }
}

function bytes(view: DataView, start: number, end: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + start, end - start);
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function text(view: DataView, start: number, end: number): string {
  return decoder.decode(bytes(view, start, end));
}

function slice(column: ArrowColumn, start: number, end: number): unknown[] {
  return Array.from({ length: end - start }, (_, i) => column.get(start + i));
}

/** A map: a list of structs of key and value. */
function entries(column: ArrowColumn, start: number, end: number): Map<string, unknown> {
  const pairs = slice(column, start, end).map((pair) => (pair instanceof Map ? [...pair.values()] : []));
  return new Map(pairs.map(([key, value]) => [String(key), value]));
}
