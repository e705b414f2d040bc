/**
 * Reading the metadata of Parquet files (Thrift, compact protocol) as far as it must be checked.
 *
 * Owns: the protocol, with caps on depth and on the number of values, because a list of a million empty structs
 * takes a megabyte in the file and a hundred in memory. The full metadata is read by hyparquet afterwards.
 */

/** What is wrong with a file; parquet.ts turns it into an error a person can read. */
export class ParquetRefusal extends Error {}

/** Fields by number. Texts and lists are passed over. */
export type ThriftStruct = Map<number, number | boolean | ThriftStruct>;

const MAX_DEPTH = 12;

/** @throws ParquetRefusal when the field is missing, no integer, or negative */
export function integerField(struct: ThriftStruct, field: number): number {
  const value = struct.get(field);
  if (typeof value !== 'number' || value < 0) throw new ParquetRefusal('a header in it is damaged');
  return value;
}

export function structField(struct: ThriftStruct, field: number): ThriftStruct {
  const value = struct.get(field);
  if (!(value instanceof Map)) throw new ParquetRefusal('a header in it is damaged');
  return value;
}

/** An unsigned integer of up to 31 bits, seven to a byte. */
export function readVarint(bytes: Uint8Array, start: number): [value: number, next: number] {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw new ParquetRefusal('it ends in the middle of a number');
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) {
      if (value > 0x7fffffff) throw new ParquetRefusal('a count in it is not possible');
      return [value, start + i + 1];
    }
  }
  throw new ParquetRefusal('a number in it is too long');
}

export class ThriftReader {
  /** Where reading stands. */
  at: number;
  readonly #bytes: Uint8Array;
  #budget: number;

  /** @param maxValues structs, fields and list items that may be read */
  constructor(bytes: Uint8Array, at: number, maxValues: number) {
    this.#bytes = bytes;
    this.at = at;
    this.#budget = maxValues;
  }

  struct(depth = 0): ThriftStruct {
    if (depth > MAX_DEPTH) throw new ParquetRefusal('its metadata is nested too deep');
    this.#count();
    const fields: ThriftStruct = new Map();
    for (let id = 0; ;) {
      const byte = this.#byte();
      const type = byte & 0x0f;
      if (type === 0) return fields;
      id = byte >> 4 === 0 ? this.#zigzag() : id + (byte >> 4);
      const value = this.#value(type, depth);
      if (value !== undefined) fields.set(id, value);
    }
  }

  #count(): void {
    if (--this.#budget < 0) throw new ParquetRefusal('its metadata has too many values');
  }

  #byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new ParquetRefusal('its metadata is cut off');
    return byte;
  }

  /** A value; undefined for kinds that no check needs. */
  #value(type: number, depth: number): number | boolean | ThriftStruct | undefined {
    this.#count();
    switch (type) {
      case 1:
      case 2:
        return type === 1;
      case 3:
        return this.#byte();
      case 4:
      case 5:
        return this.#zigzag();
      case 6:
        while (this.#byte() >= 0x80);
        return undefined;
      case 7:
        this.at += 8;
        return undefined;
      case 8: {
        const [length, next] = readVarint(this.#bytes, this.at);
        this.at = next + length;
        return undefined;
      }
      case 9:
        this.#list(depth);
        return undefined;
      case 12:
        return this.struct(depth + 1);
      default:
        throw new ParquetRefusal('its metadata is damaged');
    }
  }

  #list(depth: number): void {
    const byte = this.#byte();
    const type = byte & 0x0f;
    let length = byte >> 4;
    if (length === 15) [length, this.at] = readVarint(this.#bytes, this.at);
    for (let i = 0; i < length; i++) {
      // In a list, truth values take a byte each.
      if (type === 1 || type === 2) this.#byte();
      else this.#value(type, depth + 1);
    }
  }

  /** A signed 32-bit integer. */
  #zigzag(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
    }
    throw new ParquetRefusal('its metadata is damaged');
  }
}
