/**
 * Parquet files.
 *
 * Owns: the checks of the footer (counts and sizes, before anything is decompressed), reading one row group
 * at a time, and which columns are bytes. Pages are checked in parquetPages.ts; decoding is hyparquet's.
 */
import {
  type AsyncBuffer,
  type ColumnChunk,
  type FileMetaData,
  type SchemaTree,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';
import { AresError } from '#core/util/errors.ts';
import { type ColumnShape, boundedCompressors, checkPages } from './parquetPages.ts';
import { MAX_RATIO, MAX_ROWS, MEBIBYTE, RATIO_FREE_BYTES, type Source } from './source.ts';
import { type Table, TableBuilder, readingFormat } from './table.ts';
import { ParquetRefusal, ThriftReader } from './thrift.ts';

const MAX_FOOTER_BYTES = 32 * MEBIBYTE;
const MAX_FOOTER_VALUES = 5_000_000;
const MAX_ROW_GROUP_BYTES = 1024 * MEBIBYTE;
const MAX_CELLS = 100_000_000;
const MAX_SCHEMA_ELEMENTS = 10_000;
const MAX_SCHEMA_DEPTH = 16;

export function readParquet(source: Source): Promise<Table> {
  return readingFormat('Parquet file', source.name, async () => {
    try {
      return await readChecked(source);
    } catch (error) {
      if (!(error instanceof ParquetRefusal)) throw error;
      throw new AresError('bad-data', `This Parquet file is refused: ${error.message}.`, {
        where: source.name,
        hint: 'Write it again with ordinary settings (row groups below 1 GiB, pages below 64 MiB).',
        cause: error,
      });
    }
  });
}

async function readChecked(source: Source): Promise<Table> {
  const file: AsyncBuffer = {
    byteLength: source.sizeBytes,
    slice: async (start, end = source.sizeBytes) => exactBuffer(await source.read(start, end)),
  };
  await checkFooter(source);
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  const shapes = checkSchema(metadata);
  const table = new TableBuilder(source.name);
  checkCellCount(metadata);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const groupRows = checkRowGroup(group, rowStart, source.sizeBytes);
    for (const column of group.columns) await checkColumn(source, column, shapes);
    const rowEnd = rowStart + groupRows;
    const options = { file, metadata, compressors: boundedCompressors, rowStart, rowEnd, utf8: false };
    // hyparquet takes an empty range for the whole file.
    const rows = groupRows === 0 ? [] : await parquetReadObjects(options);
    rows.forEach((row, index) => table.add(rowStart + index + 1, row));
    rowStart = rowEnd;
  }
  return table.finish();
}

/** hyparquet wants whole ArrayBuffers; a view into a larger one is copied. */
function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength) return buffer;
  return new Uint8Array(bytes).buffer;
}

async function checkFooter(source: Source): Promise<void> {
  const end = await source.read(source.sizeBytes - 8, source.sizeBytes);
  if (source.sizeBytes < 12 || Buffer.from(end.subarray(4)).toString('latin1') !== 'PAR1') {
    throw new ParquetRefusal('it does not end like a Parquet file, so it was probably cut off');
  }
  const footerBytes = new DataView(end.buffer, end.byteOffset, end.byteLength).getUint32(0, true);
  if (footerBytes > MAX_FOOTER_BYTES) throw new ParquetRefusal(`its footer declares ${footerBytes} bytes`);
  const start = source.sizeBytes - 8 - footerBytes;
  if (start < 0) throw new ParquetRefusal('its footer is larger than the file');
  new ThriftReader(await source.read(start, source.sizeBytes - 8), 0, MAX_FOOTER_VALUES).struct();
}

/** Shapes of all leaf columns, by path; checks the size of the schema on the way. */
function checkSchema(metadata: FileMetaData): Map<string, Omit<ColumnShape, 'codec'>> {
  if (metadata.schema.length > MAX_SCHEMA_ELEMENTS) throw new ParquetRefusal('it has too many columns');
  const shapes = new Map<string, Omit<ColumnShape, 'codec'>>();
  const visit = (node: SchemaTree, repetition: number, definition: number, depth: number): void => {
    if (depth > MAX_SCHEMA_DEPTH) throw new ParquetRefusal('its columns are nested too deep');
    const { element } = node;
    // These expand into trees of objects, value by value, and no dataset of problems needs them.
    if (element.logical_type !== undefined && /^(?:VARIANT|GEO)/.test(element.logical_type.type)) {
      throw new ParquetRefusal(`column ${node.path.join('.')} is of type ${element.logical_type.type}`);
    }
    const repeated = repetition + (element.repetition_type === 'REPEATED' && depth > 0 ? 1 : 0);
    const defined = definition + (element.repetition_type !== 'REQUIRED' && depth > 0 ? 1 : 0);
    for (const child of node.children) visit(child, repeated, defined, depth + 1);
    if (node.children.length > 0) return;
    if ((element.type_length ?? 0) > MEBIBYTE) throw new ParquetRefusal('it has values of a fixed length above 1 MiB');
    shapes.set(node.path.join('.'), {
      isBoolean: element.type === 'BOOLEAN',
      maxRepetitionLevel: repeated,
      maxDefinitionLevel: defined,
    });
  };
  visit(parquetSchema(metadata), 0, 0, 0);
  return shapes;
}

/** Columns of nulls take no bytes in the file, but they do in memory. */
function checkCellCount(metadata: FileMetaData): void {
  let cells = 0;
  for (const group of metadata.row_groups) {
    for (const column of group.columns) cells += Math.max(0, Number(column.meta_data?.num_values ?? 0n));
  }
  if (!(cells <= MAX_CELLS)) throw new ParquetRefusal(`it declares ${cells} values; the limit is ${MAX_CELLS}`);
}

/** Rows of the group. */
function checkRowGroup(group: FileMetaData['row_groups'][number], rowsBefore: number, fileBytes: number): number {
  const rows = Number(group.num_rows);
  if (!(rows >= 0) || rowsBefore + rows > MAX_ROWS) throw new ParquetRefusal(`it declares more than ${MAX_ROWS} rows`);
  let compressed = 0;
  let uncompressed = 0;
  for (const { meta_data: meta } of group.columns) {
    if (meta === undefined) throw new ParquetRefusal('a column has no metadata (is the file encrypted?)');
    compressed += Number(meta.total_compressed_size);
    uncompressed += Number(meta.total_uncompressed_size);
  }
  if (!(compressed >= 0 && compressed <= fileBytes)) throw new ParquetRefusal('a row group is larger than the file');
  if (!(uncompressed <= MAX_ROW_GROUP_BYTES)) throw new ParquetRefusal(`a row group declares ${uncompressed} bytes`);
  if (uncompressed > Math.max(RATIO_FREE_BYTES, compressed * MAX_RATIO)) {
    throw new ParquetRefusal(`a row group of ${compressed} bytes declares ${uncompressed} when decompressed`);
  }
  return rows;
}

async function checkColumn(
  source: Source,
  column: ColumnChunk,
  shapes: ReadonlyMap<string, Omit<ColumnShape, 'codec'>>,
): Promise<void> {
  const meta = column.meta_data!;
  const path = meta.path_in_schema.join('.');
  const shape = shapes.get(path);
  if (shape === undefined) throw new ParquetRefusal(`column ${path} is not in the schema`);
  if (column.file_path !== undefined) throw new ParquetRefusal('its columns are in other files');
  // The same bytes that hyparquet will read.
  const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
  const end = start + Number(meta.total_compressed_size);
  if (!(start >= 0 && end <= source.sizeBytes)) throw new ParquetRefusal(`column ${path} lies outside of the file`);
  checkPages(await source.read(start, end), { ...shape, codec: meta.codec }, Number(meta.num_values));
}
