/**
 * The pages of a Parquet column, walked before a library decodes them.
 *
 * Owns: the checks that keep a hostile file from exhausting memory or time: sizes in page headers, and the
 * run lengths inside level and dictionary streams, which decoders trust (a run of two billion takes six
 * bytes). It keeps no values; decoding is hyparquet's, from parquet.ts.
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type CompressionCodec, type Compressors, type Encoding, snappyUncompress } from 'hyparquet';
import { decompressLz4, decompressLz4Raw } from 'hyparquet-compressors';
import { MAX_RATIO, MEBIBYTE, RATIO_FREE_BYTES } from './source.ts';

export const MAX_PAGE_BYTES = 64 * MEBIBYTE;
/** Values of one page: columns of nulls or of one value need no bytes for them. */
const MAX_PAGE_VALUES = 16_000_000;
/** Writers pad the last bit-packed run to whole groups of eight. */
const RUN_SLACK = 512;

/** What is wrong with a file; parquet.ts turns it into an error a person can read. */
export class ParquetRefusal extends Error {}

/** Facts of the schema and the column chunk that the walk needs. */
export interface ColumnShape {
  codec: CompressionCodec;
  isBoolean: boolean;
  maxRepetitionLevel: number;
  maxDefinitionLevel: number;
}

/** Decompressors that never write more than the page declares, which is checked before. */
export const boundedCompressors: Compressors = {
  SNAPPY: (input, outputLength) => {
    const output = new Uint8Array(outputLength);
    snappyUncompress(input, output);
    return output;
  },
  GZIP: (input, outputLength) => gunzipSync(input, { maxOutputLength: Math.max(1, outputLength) }),
  ZSTD: (input, outputLength) => zstdDecompressSync(input, { maxOutputLength: Math.max(1, outputLength) }),
  BROTLI: (input, outputLength) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, outputLength) }),
  LZ4: decompressLz4,
  LZ4_RAW: decompressLz4Raw,
};

/**
 * Walks the pages of one column chunk, which must declare `valueCount` values together.
 * @throws ParquetRefusal for sizes, counts or runs out of bounds
 */
export function checkPages(chunk: Uint8Array, shape: ColumnShape, valueCount: number): void {
  let values = 0;
  let at = 0;
  // hyparquet stops one byte before the end, too.
  while (at < chunk.length - 1) {
    const reader = new ThriftReader(chunk, at);
    const header = reader.struct();
    at = reader.at;
    const compressedBytes = integerField(header, 3);
    const uncompressedBytes = integerField(header, 2);
    if (compressedBytes > chunk.length - at) throw new ParquetRefusal('a page is longer than its column');
    checkPageSize(compressedBytes, uncompressedBytes);
    const page = chunk.subarray(at, at + compressedBytes);
    at += compressedBytes;
    const type = integerField(header, 1);
    if (type === PageType.data) values += checkDataPage(page, uncompressedBytes, structField(header, 5), shape);
    else if (type === PageType.dataV2) values += checkDataPageV2(page, uncompressedBytes, structField(header, 8), shape);
    else if (type === PageType.dictionary) checkValueCount(structField(header, 7));
    else throw new ParquetRefusal(`there is a page of an unknown type (${type})`);
    if (values > valueCount) throw new ParquetRefusal('the pages of a column have more values than the column');
  }
}

const PageType = { data: 0, dictionary: 2, dataV2: 3 } as const;

function checkPageSize(compressedBytes: number, uncompressedBytes: number): void {
  if (uncompressedBytes > MAX_PAGE_BYTES || compressedBytes > MAX_PAGE_BYTES) {
    throw new ParquetRefusal(`a page declares ${uncompressedBytes} bytes; the limit is ${MAX_PAGE_BYTES}`);
  }
  if (uncompressedBytes > Math.max(RATIO_FREE_BYTES, compressedBytes * MAX_RATIO)) {
    throw new ParquetRefusal(`a page of ${compressedBytes} bytes declares ${uncompressedBytes} when decompressed`);
  }
}

function checkValueCount(header: ThriftStruct): number {
  const count = integerField(header, 1);
  if (count > MAX_PAGE_VALUES) throw new ParquetRefusal(`a page declares ${count} values`);
  return count;
}

function decompress(page: Uint8Array, uncompressedBytes: number, codec: CompressionCodec): Uint8Array {
  if (codec === 'UNCOMPRESSED') return page;
  const decompressor = boundedCompressors[codec];
  if (decompressor === undefined) throw new ParquetRefusal(`its compression (${codec}) is not supported`);
  return decompressor(page, uncompressedBytes);
}

function checkDataPage(page: Uint8Array, uncompressedBytes: number, header: ThriftStruct, shape: ColumnShape): number {
  const count = checkValueCount(header);
  const bytes = decompress(page, uncompressedBytes, shape.codec);
  let at = 0;
  // Both kinds of level are preceded by their length in bytes.
  for (const level of [shape.maxRepetitionLevel, shape.maxDefinitionLevel]) {
    if (level === 0) continue;
    const lengthBytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, true);
    checkRuns(bytes, at + 4, widthOf(level), count, 'exactly');
    at += 4 + lengthBytes;
  }
  checkEncodedValues(bytes, at, encodingOf(header, 2), count, shape);
  return count;
}

function checkDataPageV2(page: Uint8Array, uncompressedBytes: number, header: ThriftStruct, shape: ColumnShape): number {
  const count = checkValueCount(header);
  const definitionBytes = integerField(header, 5);
  const repetitionBytes = integerField(header, 6);
  const levelBytes = definitionBytes + repetitionBytes;
  if (levelBytes > page.length) throw new ParquetRefusal('the levels of a page are longer than the page');
  if (integerField(header, 2) > count) throw new ParquetRefusal('a page declares more nulls than values');
  if (shape.maxRepetitionLevel > 0) checkRuns(page, 0, widthOf(shape.maxRepetitionLevel), count, 'exactly');
  if (shape.maxDefinitionLevel > 0) checkRuns(page, repetitionBytes, widthOf(shape.maxDefinitionLevel), count, 'exactly');
  const isCompressed = header.get(7) !== false;
  const values = page.subarray(levelBytes);
  const bytes = isCompressed ? decompress(values, uncompressedBytes - levelBytes, shape.codec) : values;
  checkEncodedValues(bytes, 0, encodingOf(header, 4), count, shape);
  return count;
}

const encodings: Readonly<Record<number, Encoding>> = {
  0: 'PLAIN',
  2: 'PLAIN_DICTIONARY',
  3: 'RLE',
  5: 'DELTA_BINARY_PACKED',
  6: 'DELTA_LENGTH_BYTE_ARRAY',
  8: 'RLE_DICTIONARY',
  9: 'BYTE_STREAM_SPLIT',
};

/** DELTA_BYTE_ARRAY is missing on purpose: each value may repeat the one before, so sizes multiply unseen. */
function encodingOf(header: ThriftStruct, field: number): Encoding {
  const encoding = encodings[integerField(header, field)];
  if (encoding === undefined) throw new ParquetRefusal('it uses an encoding that is not supported');
  return encoding;
}

function checkEncodedValues(bytes: Uint8Array, at: number, encoding: Encoding, count: number, shape: ColumnShape): void {
  // hyparquet reads both of these as something else.
  if (shape.isBoolean ? encoding.endsWith('_DICTIONARY') : encoding === 'RLE') {
    throw new ParquetRefusal(`a column is encoded as ${encoding}, which does not suit its type`);
  }
  if (encoding === 'RLE') checkRuns(bytes, at + 4, 1, count, 'at most');
  else if (encoding === 'RLE_DICTIONARY' || encoding === 'PLAIN_DICTIONARY') {
    if (at < bytes.length) checkRuns(bytes, at + 1, bytes[at]!, count, 'at most');
  }
}

function widthOf(level: number): number {
  return 32 - Math.clz32(level);
}

/**
 * Checks that runs (run-length encoded or bit-packed) hold no more values than the page declares.
 * @param extent levels have exactly `count` values; dictionary indices fewer, by the number of nulls
 */
function checkRuns(bytes: Uint8Array, start: number, width: number, count: number, extent: 'exactly' | 'at most'): void {
  if (width > 32) throw new ParquetRefusal(`a run declares values of ${width} bits`);
  let at = start;
  let seen = 0;
  while (seen < count) {
    if (extent === 'at most' && at >= bytes.length) return;
    const [header, next] = readVarint(bytes, at);
    const isPacked = (header & 1) === 1;
    const run = isPacked ? (header >>> 1) * 8 : header >>> 1;
    if (run > count - seen + RUN_SLACK) throw new ParquetRefusal(`a run declares ${run} values where ${count} are`);
    at = next + (isPacked ? (header >>> 1) * width : Math.ceil(width / 8));
    seen += run;
  }
}

function readVarint(bytes: Uint8Array, start: number): [value: number, next: number] {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw new ParquetRefusal('a page ends in the middle of a number');
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) {
      if (value > 0x7fffffff) throw new ParquetRefusal('a run is too long');
      return [value, start + i + 1];
    }
  }
  throw new ParquetRefusal('a number is too long');
}

// Page headers (Thrift compact protocol) ---------------------------------------------------------

type ThriftStruct = Map<number, number | boolean | ThriftStruct>;

function integerField(struct: ThriftStruct, field: number): number {
  const value = struct.get(field);
  if (typeof value !== 'number' || value < 0) throw new ParquetRefusal('a page header is damaged');
  return value;
}

function structField(struct: ThriftStruct, field: number): ThriftStruct {
  const value = struct.get(field);
  if (!(value instanceof Map)) throw new ParquetRefusal('a page header is damaged');
  return value;
}

const MAX_HEADER_DEPTH = 4;

class ThriftReader {
  at: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  struct(depth = 0): ThriftStruct {
    if (depth > MAX_HEADER_DEPTH) throw new ParquetRefusal('a page header is nested too deep');
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

  #byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new ParquetRefusal('a page header is cut off');
    return byte;
  }

  /** A field's value; undefined for kinds that no check needs (statistics). */
  #value(type: number, depth: number): number | boolean | ThriftStruct | undefined {
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
      case 12:
        return this.struct(depth + 1);
      default:
        throw new ParquetRefusal('a page header is damaged');
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
    throw new ParquetRefusal('a page header is damaged');
  }
}
