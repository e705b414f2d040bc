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
import { MAX_TEXT_BYTES, type Source, requireSize } from './source.ts';
import { type Table, TableBuilder, readingFormat } from './table.ts';

const MessageKind = { schema: 1, dictionary: 2, batch: 3 } as const;
const CONTINUATION = -1;
/** More than any real table needs, by far less than a hostile one would like. */
const VALUES_PER_BYTE = 64;
const FREE_VALUES = 1_000_000;

export function readArrow(source: Source): Promise<Table> {
  requireSize(source, MAX_TEXT_BYTES, 'Convert it to Parquet.');
  return readingFormat('Arrow file', source.name, async () => {
    const bytes = await source.read(0, source.sizeBytes);
    const table = new TableBuilder(source.name);
    const budget = { values: FREE_VALUES + VALUES_PER_BYTE * bytes.length };
    let schema = schemaOfFooter(bytes);
    const dictionaries = new Map<number, ArrowColumn>();
    let rowNumber = 0;
    for (const { kind, header, body } of messages(bytes)) {
      if (kind === MessageKind.schema) schema = readSchema(header);
      else if (schema === null) throw new DamagedError('data comes before the schema');
      else if (kind === MessageKind.dictionary) addDictionary(header, body, schema, dictionaries, budget);
      else if (kind === MessageKind.batch) {
        const rowCount = header.int64(0);
        const columns = openBatch(header, body, schema, dictionaries, budget);
        for (let i = 0; i < rowCount; i++) {
          const row = newRow() as { [column: string]: unknown };
          for (const { name, column } of columns) row[name] = column.get(i);
          table.add(++rowNumber, row);
        }
      } else throw unsupported('tensors');
    }
    return table.finish();
  });
}

interface Message {
  kind: number;
  header: FlatTable;
  body: Uint8Array;
}

const SIGNATURE = 'ARROW1';

function isFileFormat(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, SIGNATURE.length)).toString('latin1') === SIGNATURE;
}

/** The schema in the footer of the file format, where some writers put it only; null for a stream. */
function schemaOfFooter(bytes: Uint8Array): ArrowField[] | null {
  const end = bytes.length - SIGNATURE.length - 4;
  if (!isFileFormat(bytes) || end < 8) return null;
  const footerBytes = readInt32(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), end);
  if (footerBytes <= 0 || footerBytes > end) throw new DamagedError('it is cut off');
  const schema = FlatTable.root(bytes.subarray(end - footerBytes, end)).table(1);
  return schema === null ? null : readSchema(schema);
}

/** The messages of a stream. The file format is a stream between a signature and a footer. */
function* messages(bytes: Uint8Array): Iterable<Message> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = isFileFormat(bytes) ? 8 : 0;
  // The end is marked, but writers that were stopped may have left out the mark.
  while (at < bytes.length) {
    if (readInt32(view, at) !== CONTINUATION) throw new DamagedError('a message does not begin where it should');
    const headerBytes = readInt32(view, at + 4);
    if (headerBytes === 0) return;
    at += 8;
    if (headerBytes < 0 || at + headerBytes > bytes.length) throw new DamagedError('it is cut off');
    const message = FlatTable.root(bytes.subarray(at, at + headerBytes));
    at += headerBytes;
    const bodyBytes = message.int64(3);
    if (bodyBytes < 0 || at + bodyBytes > bytes.length) throw new DamagedError('it is cut off');
    const header = message.table(2);
    if (header === null) throw new DamagedError('a message is empty');
    yield { kind: message.uint8(1), header, body: bytes.subarray(at, at + bodyBytes) };
    at += bodyBytes;
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
