/**
 * The schema of an Arrow stream: its columns and how each is laid out.
 *
 * Owns: the types that are read here, which are those that Hugging Face datasets write. Others are refused by
 * name. Values are read by arrowColumns.ts.
 */
import { AresError } from '#core/util/errors.ts';
import { DamagedError, type FlatTable } from './flatbuffer.ts';

export type ArrowType =
  | { kind: 'null' }
  | { kind: 'boolean' }
  | { kind: 'integer'; bits: number; signed: boolean }
  | { kind: 'float'; bits: number }
  /** Integers that count time since 1970 in units of `perSecond`. */
  | { kind: 'time'; bits: number; perSecond: number }
  | { kind: 'bytes'; isText: boolean; offsetBytes: 4 | 8 }
  | { kind: 'fixed bytes'; width: number }
  | { kind: 'list'; offsetBytes: 4 | 8; isMap: boolean }
  | { kind: 'fixed list'; size: number }
  | { kind: 'struct' };

export interface ArrowField {
  name: string;
  type: ArrowType;
  children: ArrowField[];
  /** Values are indices of this type into the dictionary with this number. */
  dictionary: { id: number; index: ArrowType } | null;
}

const MAX_DEPTH = 16;
const MAX_FIELDS = 10_000;
const typeNames =
  'none null int float binary utf8 bool decimal date time timestamp interval list struct union fixed_size_binary ' +
  'fixed_size_list map duration large_binary large_utf8 large_list run_end_encoded binary_view utf8_view list_view large_list_view';

/** Fields of a Schema table. Shared or circular parts, which honest writers never make, run into the cap on fields. */
export function readSchema(schema: FlatTable): ArrowField[] {
  if (schema.int16(0) !== 0) throw unsupported('big-endian data');
  const budget = { fields: MAX_FIELDS };
  return Array.from(schema.tables(1), (field) => readField(field, budget, 0));
}

function readField(field: FlatTable, budget: { fields: number }, depth: number): ArrowField {
  if (--budget.fields < 0 || depth > MAX_DEPTH) throw new DamagedError('the schema is too large or nested too deep');
  const encoding = field.table(4);
  const index = encoding?.table(1);
  return {
    name: field.string(0),
    type: readType(field.uint8(2), field.table(3)),
    children: Array.from(field.tables(5), (child) => readField(child, budget, depth + 1)),
    dictionary:
      encoding === null
        ? null
        : { id: encoding.int64(0), index: index ? readInteger(index) : { kind: 'integer', bits: 32, signed: true } },
  };
}

function readInteger(type: FlatTable): ArrowType {
  const bits = type.int32(0);
  if (![8, 16, 32, 64].includes(bits)) throw new DamagedError(`there are integers of ${bits} bits`);
  return { kind: 'integer', bits, signed: type.uint8(1) !== 0 };
}

const unitsPerSecond = [1, 1e3, 1e6, 1e9];

function readType(code: number, type: FlatTable | null): ArrowType {
  const name = typeNames.split(' ')[code] ?? `number ${code}`;
  if (type === null) throw new DamagedError('a column has no type');
  switch (name) {
    case 'null':
      return { kind: 'null' };
    case 'bool':
      return { kind: 'boolean' };
    case 'int':
      return readInteger(type);
    case 'float': {
      const bits = [16, 32, 64][type.int16(0)];
      if (bits === undefined) throw new DamagedError('there are numbers of an unknown precision');
      return { kind: 'float', bits };
    }
    case 'date':
      return type.int16(0, 1) === 0
        ? { kind: 'time', bits: 32, perSecond: 1 / 86_400 }
        : { kind: 'time', bits: 64, perSecond: 1e3 };
    case 'timestamp':
      return { kind: 'time', bits: 64, perSecond: unitsPerSecond[type.int16(0)] ?? 1e3 };
    case 'binary':
    case 'utf8':
      return { kind: 'bytes', isText: name === 'utf8', offsetBytes: 4 };
    case 'large_binary':
    case 'large_utf8':
      return { kind: 'bytes', isText: name === 'large_utf8', offsetBytes: 8 };
    case 'fixed_size_binary':
      return { kind: 'fixed bytes', width: sizeOf(type) };
    case 'list':
    case 'map':
      return { kind: 'list', offsetBytes: 4, isMap: name === 'map' };
    case 'large_list':
      return { kind: 'list', offsetBytes: 8, isMap: false };
    case 'fixed_size_list':
      return { kind: 'fixed list', size: sizeOf(type) };
    case 'struct':
      return { kind: 'struct' };
    default:
      throw unsupported(`columns of type ${name}`);
  }
}

function sizeOf(type: FlatTable): number {
  const size = type.int32(0);
  if (size < 0) throw new DamagedError('a size is negative');
  return size;
}

export function unsupported(what: string): AresError {
  return new AresError('unsupported', `This Arrow file has ${what}, which cannot be read here.`, {
    hint: 'Save it as Parquet or JSON lines.',
  });
}
