/**
 * Parquet files.
 *
 * Owns: the checks of the footer (counts and sizes, before anything is decompressed), and putting the columns of a
 * row group together into rows, a few thousand at a time. Columns are read by parquetColumn.ts.
 */
import {
  type AsyncBuffer,
  type FileMetaData,
  type RowGroup,
  type SchemaTree,
  parquetMetadataAsync,
  parquetSchema,
} from 'hyparquet';
import { assembleNested } from 'hyparquet/src/assemble.js';
import { getTreePath } from 'hyparquet/src/schema.js';
import { AresError } from '#core/util/errors.ts';
import { ColumnReader, parsers } from './parquetColumn.ts';
import type { ColumnShape } from './parquetPages.ts';
import { MAX_RATIO, MAX_ROWS, MEBIBYTE, RATIO_FREE_BYTES, type RandomSource } from './source.ts';
import { BatchBuilder, type Batches, readingFormat } from './table.ts';
import { ParquetRefusal, ThriftReader } from './thrift.ts';

const MAX_FOOTER_BYTES = 32 * MEBIBYTE;
const MAX_FOOTER_VALUES = 5_000_000;
const MAX_ROW_GROUP_BYTES = 16 * 1024 * MEBIBYTE;
const MAX_CELLS = 500_000_000;
const MAX_SCHEMA_ELEMENTS = 10_000;
const MAX_SCHEMA_DEPTH = 16;
/** Rows of nulls take no bytes: a small file may declare these, and one more for every byte. */
const FREE_ROWS = 100_000;
/** Rows put together at a time. */
const SLICE_ROWS = 1000;

export function readParquet(source: RandomSource): Batches {
  return readingFormat('Parquet file', source.name, () => refusing(source));
}

async function* refusing(source: RandomSource): Batches {
  try {
    yield* readChecked(source);
  } catch (error) {
    if (!(error instanceof ParquetRefusal)) throw error;
    throw new AresError('bad-data', `This Parquet file is refused: ${error.message}.`, {
      where: source.name,
      hint: 'Write it again with ordinary settings (pages below 64 MiB).',
      cause: error,
    });
  }
}

async function* readChecked(source: RandomSource): Batches {
  const file: AsyncBuffer = {
    byteLength: source.sizeBytes,
    slice: async (start, end = source.sizeBytes) => exactBuffer(await source.read(start, end)),
  };
  await checkFooter(source);
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  const tree = parquetSchema(metadata);
  const shapes = checkSchema(metadata, tree);
  checkCounts(metadata, source.sizeBytes);
  const rows = new BatchBuilder(source.name);
  const allRows = Number(metadata.num_rows);
  let rowsBefore = 0;
  for (const group of metadata.row_groups) {
    const groupRows = checkRowGroup(group, source.sizeBytes);
    yield* readGroup(source, group, { tree, shapes, rows, rowsBefore, allRows });
    rowsBefore += groupRows;
  }
  yield* rows.finish(source.sizeBytes);
}

interface GroupContext {
  tree: SchemaTree;
  shapes: ReadonlyMap<string, Omit<ColumnShape, 'codec'>>;
  rows: BatchBuilder;
  rowsBefore: number;
  /** As the file declares; for the progress only. */
  allRows: number;
}

async function* readGroup(source: RandomSource, group: RowGroup, context: GroupContext): Batches {
  const { tree, rows, rowsBefore, allRows } = context;
  const groupRows = Number(group.num_rows);
  const leaves = group.columns.map((chunk) => {
    const meta = chunk.meta_data!;
    const path = meta.path_in_schema.join('.');
    const shape = context.shapes.get(path);
    if (shape === undefined) throw new ParquetRefusal(`column ${path} is not in the schema`);
    if (chunk.file_path !== undefined) throw new ParquetRefusal('its columns are in other files');
    const schemaPath = getTreePath(tree, meta.path_in_schema);
    const reader = new ColumnReader(source, { schemaPath, meta, shape: { ...shape, codec: meta.codec } });
    return { path, reader };
  });
  const columns = tree.children.map((node) => ({
    node,
    leaves: leaves.filter(({ path }) => path === node.path.join('.') || path.startsWith(`${node.element.name}.`)),
  }));
  const rowBytes = Number(group.total_byte_size) / Math.max(1, groupRows);
  for (let done = 0; done < groupRows;) {
    let count = Math.min(SLICE_ROWS, groupRows - done);
    for (const { reader } of leaves) count = Math.min(count, await reader.fill());
    if (count <= 0) throw new ParquetRefusal('a column has fewer rows than its row group');
    const values = columns.map(({ node, leaves }) => assemble(node, leaves, count));
    const readBytes = (source.sizeBytes * (rowsBefore + done)) / Math.max(1, allRows);
    for (let i = 0; i < count; i++) {
      const row: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
      columns.forEach(({ node }, column) => (row[node.element.name] = values[column]![i]));
      rows.add(rowsBefore + done + i + 1, row, rowBytes);
      if (rows.isFull) yield rows.take(readBytes);
    }
    done += count;
  }
}

/** The next rows of a top-level column, put together from its leaves. */
function assemble(
  node: SchemaTree,
  leaves: readonly { path: string; reader: ColumnReader }[],
  count: number,
): ArrayLike<unknown> {
  if (leaves.length === 0) throw new ParquetRefusal(`column ${node.element.name} has no values`);
  if (node.children.length === 0) return leaves[0]!.reader.take(count);
  const parts = new Map(leaves.map(({ path, reader }) => [path, reader.take(count)]));
  assembleNested(parts, node, parsers);
  const assembled = parts.get(node.path.join('.'));
  if (assembled === undefined) throw new ParquetRefusal(`column ${node.element.name} cannot be put together`);
  return assembled;
}

/** hyparquet wants whole ArrayBuffers; a view into a larger one is copied. */
function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength) return buffer;
  return new Uint8Array(bytes).buffer;
}

async function checkFooter(source: RandomSource): Promise<void> {
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
function checkSchema(metadata: FileMetaData, tree: SchemaTree): Map<string, Omit<ColumnShape, 'codec'>> {
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
  visit(tree, 0, 0, 0);
  return shapes;
}

/** Columns of nulls take no bytes in the file, but they take time. */
function checkCounts(metadata: FileMetaData, fileBytes: number): void {
  let cells = 0;
  let rows = 0;
  for (const group of metadata.row_groups) {
    rows += Math.max(0, Number(group.num_rows));
    for (const column of group.columns) cells += Math.max(0, Number(column.meta_data?.num_values ?? 0n));
  }
  if (!(cells <= MAX_CELLS)) throw new ParquetRefusal(`it declares ${cells} values; the limit is ${MAX_CELLS}`);
  if (!(rows <= MAX_ROWS)) throw new ParquetRefusal(`it declares more than ${MAX_ROWS} rows`);
  if (!(rows <= FREE_ROWS + fileBytes)) throw new ParquetRefusal(`it declares ${rows} rows in ${fileBytes} bytes`);
}

/** Rows of the group. */
function checkRowGroup(group: RowGroup, fileBytes: number): number {
  const rows = Number(group.num_rows);
  if (!(rows >= 0)) throw new ParquetRefusal('a row group declares a negative number of rows');
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
