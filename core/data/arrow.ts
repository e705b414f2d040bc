/**
 * Arrow IPC streams and files, as Hugging Face datasets save them.
 *
 * Owns: the sequence of messages (schema, dictionaries, batches) and turning batches into rows. The schema is
 * read by arrowSchema.ts, values by arrowColumns.ts. It is read here rather than by Arrow's own library, which
 * trusts lengths in the file and can be made to exhaust memory by one wrong bit.
 */
import { type ArrowColumn, BatchReader, type ValueBudget } from './arrowColumns.ts';
import { type ArrowField, readSchema, unsupported } from './arrowSchema.ts';
import { newRow } from './cells.ts';
import { DamagedError, FlatTable, readInt32 } from './flatbuffer.ts';
import { MEBIBYTE, type RandomSource } from './source.ts';
import { BatchBuilder, type Batches, readingFormat } from './table.ts';

const MessageKind = { schema: 1, dictionary: 2, batch: 3 } as const;
const CONTINUATION = -1;
/** More than any real table needs, by far less than a hostile one would like. */
const VALUES_PER_BYTE = 64;
const FREE_VALUES = 1_000_000;
const MAX_HEADER_BYTES = 16 * MEBIBYTE;
/** A batch is read as a whole. */
const MAX_BATCH_BYTES = 256 * MEBIBYTE;

export function readArrow(source: RandomSource): Batches {
  return readingFormat('Arrow file', source.name, () => readMessages(source));
}

async function* readMessages(source: RandomSource): Batches {
  const rows = new BatchBuilder(source.name);
  const budget = { values: FREE_VALUES + VALUES_PER_BYTE * source.sizeBytes };
  const isFile = await isFileFormat(source);
  let schema = isFile ? await schemaOfFooter(source) : null;
  const dictionaries = new Map<number, ArrowColumn>();
  let rowNumber = 0;
  let readBytes = 0;
  for await (const { kind, header, body, end } of messages(source, isFile ? FILE_START : 0)) {
    readBytes = end;
    if (kind === MessageKind.schema) schema = readSchema(header);
    else if (schema === null) throw new DamagedError('data comes before the schema');
    else if (kind === MessageKind.dictionary) addDictionary(header, body, schema, dictionaries, budget);
    else if (kind === MessageKind.batch) {
      const rowCount = header.int64(0);
      const columns = openBatch(header, body, schema, dictionaries, budget);
      const rowBytes = body.length / Math.max(1, rowCount);
      for (let i = 0; i < rowCount; i++) {
        const row = newRow() as { [column: string]: unknown };
        for (const { name, column } of columns) row[name] = column.get(i);
        rows.add(++rowNumber, row, rowBytes);
        if (rows.isFull) yield rows.take(readBytes);
      }
    } else throw unsupported('tensors');
    yield rows.take(readBytes);
  }
  yield* rows.finish(readBytes);
}

interface Message {
  kind: number;
  header: FlatTable;
  body: Uint8Array;
  /** Where it ends in the file. */
  end: number;
}

const SIGNATURE = 'ARROW1';
/** The signature is padded to eight bytes. */
const FILE_START = 8;

async function isFileFormat(source: RandomSource): Promise<boolean> {
  return Buffer.from(await source.read(0, SIGNATURE.length)).toString('latin1') === SIGNATURE;
}

/** The schema in the footer of the file format, where some writers put it only. */
async function schemaOfFooter(source: RandomSource): Promise<ArrowField[] | null> {
  const end = source.sizeBytes - SIGNATURE.length - 4;
  if (end < FILE_START) return null;
  const footerBytes = int32At(await source.read(end, end + 4));
  if (footerBytes <= 0 || footerBytes > end || footerBytes > MAX_HEADER_BYTES) throw new DamagedError('it is cut off');
  const schema = FlatTable.root(await source.read(end - footerBytes, end)).table(1);
  return schema === null ? null : readSchema(schema);
}

function int32At(bytes: Uint8Array, at = 0): number {
  return readInt32(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at);
}

/** The messages of a stream. The file format is a stream between a signature and a footer. */
async function* messages(source: RandomSource, start: number): AsyncIterable<Message> {
  let at = start;
  // The end is marked, but writers that were stopped may have left out the mark.
  while (at < source.sizeBytes) {
    const prefix = await source.read(at, at + 8);
    if (int32At(prefix) !== CONTINUATION) throw new DamagedError('a message does not begin where it should');
    const headerBytes = int32At(prefix, 4);
    if (headerBytes === 0) return;
    at += 8;
    if (headerBytes < 0 || headerBytes > MAX_HEADER_BYTES || at + headerBytes > source.sizeBytes) {
      throw new DamagedError('it is cut off');
    }
    const message = FlatTable.root(await source.read(at, at + headerBytes));
    at += headerBytes;
    const bodyBytes = message.int64(3);
    if (bodyBytes < 0 || at + bodyBytes > source.sizeBytes) throw new DamagedError('it is cut off');
    if (bodyBytes > MAX_BATCH_BYTES) throw unsupported(`batches of more than ${MAX_BATCH_BYTES / MEBIBYTE} MiB`);
    const header = message.table(2);
    if (header === null) throw new DamagedError('a message is empty');
    const body = await source.read(at, at + bodyBytes);
    at += bodyBytes;
    yield { kind: message.uint8(1), header, body, end: at };
  }
}

function openBatch(
  batch: FlatTable,
  body: Uint8Array,
  schema: readonly ArrowField[],
  dictionaries: ReadonlyMap<number, ArrowColumn>,
  budget: ValueBudget,
): { name: string; column: ArrowColumn }[] {
  if (batch.has(3)) throw unsupported('compressed batches');
  const reader = new BatchReader(batch.pairs(1), batch.pairs(2), body, dictionaries, budget);
  const columns = schema.map((field) => ({ name: field.name, column: reader.column(field) }));
  const rowCount = batch.int64(0);
  if (rowCount < 0 || columns.length === 0 || columns.some(({ column }) => column.length < rowCount)) {
    throw new DamagedError('a batch declares more rows than its columns have');
  }
  return columns;
}

function addDictionary(
  message: FlatTable,
  body: Uint8Array,
  schema: readonly ArrowField[],
  dictionaries: Map<number, ArrowColumn>,
  budget: ValueBudget,
): void {
  const id = message.int64(0);
  const batch = message.table(1);
  const field = findDictionary(schema, id);
  if (batch === null || field === null) throw new DamagedError('a dictionary belongs to no column');
  // A large nested value would be copied into every row that refers to it.
  if (field.children.length > 0) throw unsupported('dictionaries of lists');
  if (message.uint8(2) !== 0) throw unsupported('dictionaries that grow');
  const values = { ...field, dictionary: null };
  const [entry] = openBatch(batch, body, [values], dictionaries, budget);
  dictionaries.set(id, entry!.column);
}

function findDictionary(fields: readonly ArrowField[], id: number): ArrowField | null {
  for (const field of fields) {
    if (field.dictionary?.id === id) return field;
    const inside = findDictionary(field.children, id);
    if (inside !== null) return inside;
  }
  return null;
}
