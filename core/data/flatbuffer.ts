/**
 * Reading FlatBuffers, the encoding of Arrow's metadata, with every offset checked.
 *
 * Owns: tables, vectors and scalars. What the fields mean is arrowSchema.ts and arrow.ts. An offset that leads
 * outside, or a vector longer than the buffer, is damage, never an allocation.
 */

/** Thrown for bytes that contradict themselves. */
export class DamagedError extends Error {}

const MAX_STRING_BYTES = 4_096;

export class FlatTable {
  readonly #view: DataView;
  readonly #position: number;
  readonly #vtable: number;
  readonly #vtableBytes: number;

  private constructor(view: DataView, position: number) {
    this.#view = view;
    this.#position = position;
    this.#vtable = position - readInt32(view, position);
    this.#vtableBytes = readUint16(view, this.#vtable);
  }

  /** The root table of a buffer. */
  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new FlatTable(view, readInt32(view, 0));
  }

  /** Where a field is stored; 0 when it is absent and has its default. */
  #field(index: number): number {
    const slot = 4 + 2 * index;
    if (slot + 2 > this.#vtableBytes) return 0;
    const offset = readUint16(this.#view, this.#vtable + slot);
    return offset === 0 ? 0 : this.#position + offset;
  }

  uint8(index: number, fallback = 0): number {
    const at = this.#field(index);
    return at === 0 ? fallback : checked(this.#view, at, 1).getUint8(at);
  }

  int16(index: number, fallback = 0): number {
    const at = this.#field(index);
    return at === 0 ? fallback : checked(this.#view, at, 2).getInt16(at, true);
  }

  int32(index: number, fallback = 0): number {
    const at = this.#field(index);
    return at === 0 ? fallback : readInt32(this.#view, at);
  }

  /** A 64-bit integer that must be exact as a number. */
  int64(index: number): number {
    const at = this.#field(index);
    return at === 0 ? 0 : readInt64(this.#view, at);
  }

  has(index: number): boolean {
    return this.#field(index) !== 0;
  }

  table(index: number): FlatTable | null {
    const at = this.#field(index);
    return at === 0 ? null : new FlatTable(this.#view, at + readInt32(this.#view, at));
  }

  string(index: number): string {
    const { start, length } = this.#vector(index, 1);
    if (length > MAX_STRING_BYTES) throw new DamagedError('a name is too long');
    return new TextDecoder().decode(new Uint8Array(this.#view.buffer, this.#view.byteOffset + start, length));
  }

  /** A vector of tables, one at a time: its length may lie. */
  *tables(index: number): Iterable<FlatTable> {
    const { start, length } = this.#vector(index, 4);
    for (let at = start; at < start + 4 * length; at += 4) {
      yield new FlatTable(this.#view, at + readInt32(this.#view, at));
    }
  }

  /** A vector of structs of two 64-bit integers. */
  pairs(index: number): [number, number][] {
    const { start, length } = this.#vector(index, 16);
    return Array.from({ length }, (_, i) => [
      readInt64(this.#view, start + 16 * i),
      readInt64(this.#view, start + 16 * i + 8),
    ]);
  }

  #vector(index: number, itemBytes: number): { start: number; length: number } {
    const at = this.#field(index);
    if (at === 0) return { start: 0, length: 0 };
    const vector = at + readInt32(this.#view, at);
    const length = readInt32(this.#view, vector);
    checked(this.#view, vector + 4, length * itemBytes);
    return { start: vector + 4, length };
  }
}

/** The view, when `bytes` bytes at `at` lie inside of it. */
function checked(view: DataView, at: number, bytes: number): DataView {
  if (!(at >= 0 && bytes >= 0 && at + bytes <= view.byteLength))
    throw new DamagedError('an offset leads outside of the data');
  return view;
}

function readUint16(view: DataView, at: number): number {
  return checked(view, at, 2).getUint16(at, true);
}

export function readInt32(view: DataView, at: number): number {
  return checked(view, at, 4).getInt32(at, true);
}

export function readInt64(view: DataView, at: number): number {
  const value = Number(checked(view, at, 8).getBigInt64(at, true));
  if (!Number.isSafeInteger(value)) throw new DamagedError('a length is not possible');
  return value;
}
