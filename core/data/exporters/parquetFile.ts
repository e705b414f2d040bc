/**
 * Tables as Parquet files.
 *
 * Owns: the few column types exports need, as a Parquet schema, and the bytes of a file. The encoding is
 * hyparquet-writer's.
 */
import { type SchemaElement, parquetWriteBuffer } from 'hyparquet-writer';

/** A column, or a part of one; null is allowed everywhere. */
export type Field =
  | { kind: 'text' | 'binary' | 'float64' | 'int64'; name: string }
  | { kind: 'list'; name: string; element: Field }
  | { kind: 'struct'; name: string; fields: readonly Field[] };

export const text = (name: string): Field => ({ kind: 'text', name });
export const binary = (name: string): Field => ({ kind: 'binary', name });
export const float64 = (name: string): Field => ({ kind: 'float64', name });
export const int64 = (name: string): Field => ({ kind: 'int64', name });
export const list = (name: string, element: Field): Field => ({ kind: 'list', name, element });
export const struct = (name: string, fields: readonly Field[]): Field => ({ kind: 'struct', name, fields });

/** Rows of a row group: small enough that readers hold one at a time. */
const ROW_GROUP = 10_000;

/** The file of a table: Snappy, one row group per ten thousand rows. */
export function parquetBytes(fields: readonly Field[], rows: readonly Record<string, unknown>[]): Uint8Array {
  const root: SchemaElement = { name: 'root', num_children: fields.length };
  const buffer = parquetWriteBuffer({
    schema: [root, ...fields.flatMap(schemaOf)],
    columnData: fields.map((field) => ({
      name: field.name,
      data: rows.map((row) => valueOf(field, row[field.name] ?? null)),
    })),
    rowGroupSize: ROW_GROUP,
  });
  return new Uint8Array(buffer);
}

function schemaOf(field: Field): SchemaElement[] {
  const { name } = field;
  switch (field.kind) {
    case 'text':
      return [
        {
          name,
          type: 'BYTE_ARRAY',
          converted_type: 'UTF8',
          logical_type: { type: 'STRING' },
          repetition_type: 'OPTIONAL',
        },
      ];
    case 'binary':
      return [{ name, type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' }];
    case 'float64':
      return [{ name, type: 'DOUBLE', repetition_type: 'OPTIONAL' }];
    case 'int64':
      return [{ name, type: 'INT64', repetition_type: 'OPTIONAL' }];
    case 'list':
      return [
        { name, converted_type: 'LIST', logical_type: { type: 'LIST' }, repetition_type: 'OPTIONAL', num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        ...schemaOf({ ...field.element, name: 'element' }),
      ];
    case 'struct':
      return [
        { name, repetition_type: 'OPTIONAL', num_children: field.fields.length },
        ...field.fields.flatMap(schemaOf),
      ];
  }
}

/** Whole numbers become bigint, as the writer wants them for 64 bits. */
function valueOf(field: Field, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (field.kind) {
    case 'int64':
      return BigInt(value as number);
    case 'list':
      return (value as unknown[]).map((item) => valueOf(field.element, item));
    case 'struct':
      return Object.fromEntries(
        field.fields.map((part) => [part.name, valueOf(part, (value as Record<string, unknown>)[part.name])]),
      );
    case 'text':
    case 'binary':
    case 'float64':
      return value;
  }
}
