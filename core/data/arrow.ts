/**
 * Arrow IPC streams and files, as Hugging Face datasets save them.
 *
 * Owns: turning record batches into rows, with a cap on the values produced. Decoding is apache-arrow's; it is
 * loaded when first needed, because it is large.
 */
import { AresError } from '#core/util/errors.ts';
import { newRow } from './cells.ts';
import { MAX_ROWS, MAX_TEXT_BYTES, type Source, requireSize } from './source.ts';
import { type Table, TableBuilder, readingFormat } from './table.ts';

/** Offsets in a hostile file may make small buffers look like many values. */
const MAX_VALUES = 100_000_000;

export function readArrow(source: Source): Promise<Table> {
  requireSize(source, MAX_TEXT_BYTES, 'Convert it to Parquet.');
  return readingFormat('Arrow file', source.name, async () => {
    const { RecordBatchReader } = await import('apache-arrow');
    const bytes = await source.read(0, source.sizeBytes);
    const table = new TableBuilder(source.name);
    const budget = { values: MAX_VALUES };
    let row = 0;
    for (const batch of RecordBatchReader.from(bytes)) {
      if (row + batch.numRows > MAX_ROWS) throw new AresError('unsupported', `This dataset has more than ${MAX_ROWS} rows.`);
      const columns = batch.schema.fields.map(({ name }, index) => ({ name, vector: batch.getChildAt(index) }));
      for (let i = 0; i < batch.numRows; i++) {
        const values = newRow() as { [column: string]: unknown };
        for (const { name, vector } of columns) values[name] = plainValue(vector?.get(i), budget);
        table.add(++row, values);
      }
    }
    return table.finish();
  });
}

/** A value of apache-arrow as arrays and entries; leaves are left to toCell. */
function plainValue(value: unknown, budget: { values: number }): unknown {
  if (--budget.values < 0) throw new AresError('unsupported', 'This Arrow file has too many values.');
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date) return value;
  if (isVector(value)) {
    const items: unknown[] = [];
    for (let i = 0; i < value.length; i++) items.push(plainValue(value.get(i), budget));
    return items;
  }
  const row = newRow() as { [key: string]: unknown };
  // Rows of structs and maps iterate over their entries.
  for (const [key, item] of value as Iterable<[unknown, unknown]>) row[String(key)] = plainValue(item, budget);
  return row;
}

function isVector(value: object): value is { length: number; get(index: number): unknown } {
  return 'length' in value && 'get' in value && typeof value.length === 'number' && typeof value.get === 'function';
}
