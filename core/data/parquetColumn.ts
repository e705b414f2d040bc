/**
 * The values of one leaf column of a Parquet row group, page by page.
 *
 * Owns: reading the pages of a column chunk one after another, keeping the dictionary, and where rows end: a row
 * of a list may go on in the next page. At most a page is held. Checks are parquetPages.ts, decoding is hyparquet's.
 */
import type { ColumnMetaData, SchemaTree } from 'hyparquet';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS, convert } from 'hyparquet/src/convert.js';
import { decodeStrictly } from './lines.ts';
import { type ColumnShape, type PageHead, checkPage, readPageHead } from './parquetPages.ts';
import { MEBIBYTE, type RandomSource } from './source.ts';
import { ParquetRefusal } from './thrift.ts';

type Decoder = Parameters<typeof readPage>[2];
/** Values as the library decodes them: an array, or typed numbers. */
type Values = ArrayLike<unknown> & { slice(start: number, end: number): Values };

/** Small pages are read many at a time. */
const WINDOW_BYTES = MEBIBYTE / 4;
/** Headers hold statistics, which may be as long as a value. */
const MAX_HEADER_BYTES = 4 * MEBIBYTE;

/** Texts that are not UTF-8 stay bytes, and JSON that is none stays text: nothing is guessed. */
export const parsers = {
  ...DEFAULT_PARSERS,
  stringFromBytes: (bytes: Uint8Array) => bytes && (decodeStrictly(bytes) ?? bytes),
  jsonFromBytes: (bytes: Uint8Array) => {
    const text = bytes && decodeStrictly(bytes);
    try {
      return text === null ? bytes : text && (JSON.parse(text) as unknown);
    } catch {
      return text;
    }
  },
};

export interface LeafColumn {
  /** Schema elements from the root to the leaf. */
  schemaPath: SchemaTree[];
  shape: ColumnShape;
  meta: ColumnMetaData;
}

export class ColumnReader {
  readonly #source: RandomSource;
  readonly #column: LeafColumn;
  readonly #decoder: Decoder;
  readonly #end: number;
  #at: number;
  #window: Uint8Array = new Uint8Array();
  #windowStart = 0;
  #dictionary: ReturnType<typeof convert> | undefined;
  #seenValues = 0;
  /** Whole rows that have been decoded and not been taken. */
  #rows: Values = [];
  #taken = 0;
  /** The last row of a list column, which the next page may continue. */
  #open: unknown[] = [];

  /** @throws ParquetRefusal when the column lies outside of the file */
  constructor(source: RandomSource, column: LeafColumn) {
    const { meta, schemaPath } = column;
    this.#source = source;
    this.#column = column;
    this.#at = Number(meta.dictionary_page_offset || meta.data_page_offset);
    this.#end = this.#at + Number(meta.total_compressed_size);
    if (!(this.#at >= 0 && this.#end <= source.sizeBytes)) {
      throw new ParquetRefusal(`column ${meta.path_in_schema.join('.')} lies outside of the file`);
    }
    this.#decoder = {
      ...meta,
      pathInSchema: meta.path_in_schema,
      element: schemaPath.at(-1)!.element,
      schemaPath,
      // Pages are decompressed here, where their sizes are checked.
      codec: 'UNCOMPRESSED',
      parsers,
      utf8: false,
    };
  }

  /** Decodes pages until there is a row; returns how many there are, 0 at the end of the column. */
  async fill(): Promise<number> {
    while (this.#taken >= this.#rows.length && (await this.#nextPage()));
    return this.#rows.length - this.#taken;
  }

  /** The next rows, at most as many as `fill` said. */
  take(count: number): unknown[] {
    const rows = Array.from(this.#rows.slice(this.#taken, this.#taken + count));
    this.#taken += count;
    return rows;
  }

  /** @returns false at the end */
  async #nextPage(): Promise<boolean> {
    this.#rows = [];
    this.#taken = 0;
    // One byte less is no page: some writers pad.
    if (this.#at >= this.#end - 1) {
      this.#rows = this.#open;
      this.#open = [];
      return this.#rows.length > 0;
    }
    const head = await this.#readHead();
    if (head.compressedBytes > this.#end - this.#at) throw new ParquetRefusal('a page is longer than its column');
    await this.#load(this.#at, head.compressedBytes);
    const from = this.#at - this.#windowStart;
    const page = this.#window.subarray(from, from + head.compressedBytes);
    if (page.length < head.compressedBytes) throw new ParquetRefusal('it ends in the middle of a page');
    this.#at += head.compressedBytes;
    this.#decode(head, page);
    return true;
  }

  async #readHead(): Promise<PageHead & { bytes: Uint8Array }> {
    for (let length = 0; ; length = MAX_HEADER_BYTES) {
      await this.#load(this.#at, Math.min(Math.max(length, 65_536), this.#end - this.#at));
      const from = this.#at - this.#windowStart;
      try {
        const head = readPageHead(this.#window, from);
        this.#at += head.headerBytes;
        return { ...head, bytes: this.#window.subarray(from, from + head.headerBytes) };
      } catch (error) {
        // It may only have been cut off by the window.
        if (length > 0 || !(error instanceof ParquetRefusal)) throw error;
      }
    }
  }

  #decode(head: PageHead & { bytes: Uint8Array }, page: Uint8Array): void {
    const { shape, meta } = this.#column;
    const content = checkPage(head, page, shape);
    const header = parquetHeader({ view: viewOf(head.bytes), offset: 0 });
    header.compressed_page_size = content.length;
    header.uncompressed_page_size = content.length;
    if (header.data_page_header_v2) header.data_page_header_v2.is_compressed = false;
    const reader = { view: viewOf(content), offset: 0 };
    if (head.type === 'dictionary') {
      const { data } = readPage(reader, header, this.#decoder, undefined, undefined, 0);
      if (data) this.#dictionary = convert(data, this.#decoder);
      return;
    }
    this.#seenValues += head.valueCount;
    if (this.#seenValues > Number(meta.num_values)) {
      throw new ParquetRefusal('the pages of a column have more values than the column');
    }
    if (head.valueCount === 0) return;
    const before = shape.maxRepetitionLevel > 0 && this.#open.length > 0 ? this.#open : undefined;
    const { data } = readPage(reader, header, this.#decoder, this.#dictionary, before, 0);
    // Sound: a page that is not skipped has values; there are no selections here.
    this.#rows = data as unknown as Values;
    if (shape.maxRepetitionLevel === 0) return;
    const rows = this.#rows as unknown as unknown[];
    this.#open = rows.splice(rows.length - 1);
  }

  /** Makes the window hold `length` bytes from `at`, clipped to the column. */
  async #load(at: number, length: number): Promise<void> {
    const isHeld = at >= this.#windowStart && at + length <= this.#windowStart + this.#window.length;
    if (isHeld) return;
    this.#window = await this.#source.read(at, Math.min(this.#end, at + Math.max(length, WINDOW_BYTES)));
    this.#windowStart = at;
  }
}

function viewOf(bytes: Uint8Array): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}
