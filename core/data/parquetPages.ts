/**
 * One page of a Parquet column, checked and decompressed before a library decodes it.
 *
 * Owns: the checks that keep a hostile file from exhausting memory or time: sizes in page headers, and the
 * run lengths inside level and dictionary streams, which decoders trust (a run of two billion takes six
 * bytes). It keeps no values; decoding is hyparquet's, from parquetColumn.ts.
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type CompressionCodec, type Compressors, type Encoding, snappyUncompress } from 'hyparquet';
import { decompressLz4, decompressLz4Raw } from 'hyparquet-compressors';
import { MAX_RATIO, MEBIBYTE, RATIO_FREE_BYTES } from './source.ts';
import { ParquetRefusal, ThriftReader, type ThriftStruct, integerField, readVarint, structField } from './thrift.ts';

export const MAX_PAGE_BYTES = 64 * MEBIBYTE;
/** Values of one page: columns of nulls or of one value need no bytes for them. */
const MAX_PAGE_VALUES = 8_000_000;
/** A page header has a dozen fields, and statistics. */
const MAX_HEADER_VALUES = 1_000;
/** Writers pad the last bit-packed run to whole groups of eight. */
const RUN_SLACK = 512;

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

/** What the header of a page says, as far as it is needed to find and check the page. */
export interface PageHead {
  type: 'data' | 'dataV2' | 'dictionary';
  /** Bytes of the header itself, which the page follows. */
  headerBytes: number;
  compressedBytes: number;
  uncompressedBytes: number;
  /** Values, nulls included. */
  valueCount: number;
  details: ThriftStruct;
}

/**
 * Reads and checks the header of a page.
 * @param bytes the column chunk from some place on, with the whole header
 * @throws ParquetRefusal for a damaged header, sizes or counts out of bounds
 */
export function readPageHead(bytes: Uint8Array, at: number): PageHead {
  const reader = new ThriftReader(bytes, at, MAX_HEADER_VALUES);
  const header = reader.struct();
  const compressedBytes = integerField(header, 3);
  const uncompressedBytes = integerField(header, 2);
  checkPageSize(compressedBytes, uncompressedBytes);
  const kind = pageTypes[integerField(header, 1)];
  if (kind === undefined) throw new ParquetRefusal(`there is a page of an unknown type (${integerField(header, 1)})`);
  const details = structField(header, kind.field);
  const valueCount = checkValueCount(details);
  return { type: kind.type, headerBytes: reader.at - at, compressedBytes, uncompressedBytes, valueCount, details };
}

/** Types of page by their number, and the field of the header that describes each. */
const pageTypes: Readonly<Record<number, { type: PageHead['type']; field: number }>> = {
  0: { type: 'data', field: 5 },
  2: { type: 'dictionary', field: 7 },
  3: { type: 'dataV2', field: 8 },
};

/**
 * Decompresses a page and checks what it holds.
 * @returns the page as it would be without compression: levels, then values
 * @throws ParquetRefusal for sizes, counts or runs out of bounds
 */
export function checkPage(head: PageHead, page: Uint8Array, shape: ColumnShape): Uint8Array {
  const { type, uncompressedBytes, details, valueCount } = head;
  if (type === 'dictionary') return decompress(page, uncompressedBytes, shape.codec);
  return type === 'data'
    ? checkDataPage(page, uncompressedBytes, details, valueCount, shape)
    : checkDataPageV2(page, uncompressedBytes, details, valueCount, shape);
}

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

function checkDataPage(
  page: Uint8Array,
  uncompressedBytes: number,
  header: ThriftStruct,
  count: number,
  shape: ColumnShape,
): Uint8Array {
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
  return bytes;
}

function checkDataPageV2(
  page: Uint8Array,
  uncompressedBytes: number,
  header: ThriftStruct,
  count: number,
  shape: ColumnShape,
): Uint8Array {
  const definitionBytes = integerField(header, 5);
  const repetitionBytes = integerField(header, 6);
  const levelBytes = definitionBytes + repetitionBytes;
  if (levelBytes > page.length) throw new ParquetRefusal('the levels of a page are longer than the page');
  if (integerField(header, 2) > count) throw new ParquetRefusal('a page declares more nulls than values');
  if (shape.maxRepetitionLevel > 0) checkRuns(page, 0, widthOf(shape.maxRepetitionLevel), count, 'exactly');
  if (shape.maxDefinitionLevel > 0)
    checkRuns(page, repetitionBytes, widthOf(shape.maxDefinitionLevel), count, 'exactly');
  const isCompressed = header.get(7) !== false;
  const values = page.subarray(levelBytes);
  const bytes = isCompressed ? decompress(values, uncompressedBytes - levelBytes, shape.codec) : values;
  checkEncodedValues(bytes, 0, encodingOf(header, 4), count, shape);
  return isCompressed ? Buffer.concat([page.subarray(0, levelBytes), bytes]) : page;
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

function checkEncodedValues(
  bytes: Uint8Array,
  at: number,
  encoding: Encoding,
  count: number,
  shape: ColumnShape,
): void {
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
function checkRuns(
  bytes: Uint8Array,
  start: number,
  width: number,
  count: number,
  extent: 'exactly' | 'at most',
): void {
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
