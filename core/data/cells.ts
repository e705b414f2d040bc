/**
 * The values of a table, whatever file they came from.
 *
 * Owns: the few kinds of value that exist above the importers, the copy of foreign objects into them
 * (no prototypes, no `__proto__`, bounded depth), paths into nested values, and column types. It reads no files.
 */

/** A value of a row. Bytes are only ever images. Objects have no prototype. */
export type Cell = null | boolean | number | string | Uint8Array | Cell[] | { [key: string]: Cell };

/** One row: an object without a prototype, so that no column name means anything but a column. */
export type Row = { [column: string]: Cell };

export interface Column {
  name: string;
  type: ColumnType;
}

export type ColumnType = 'text' | 'number' | 'boolean' | 'list' | 'object' | 'image' | 'mixed' | 'empty';

/** A row (or what should have been one) that is kept out, with one phrase that says why. */
export interface BadRow {
  /** Line of the file, from 1; for formats without lines the number of the row, from 1. */
  line: number;
  reason: string;
}

const MAX_DEPTH = 32;

/** Thrown for a value that cannot be a cell; importers turn it into a bad row. */
export class CellError extends Error {}

export function newRow(): Row {
  return Object.create(null) as Row;
}

/**
 * A foreign value as a cell. Dates become ISO strings, 64-bit integers numbers where that is exact, else
 * strings; a key `__proto__` is dropped, since it can only be meant to do harm.
 * @throws CellError for nesting deeper than 32
 */
export function toCell(value: unknown, depth = 0): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Uint8Array) return bytesToCell(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (depth >= MAX_DEPTH) throw new CellError(`values are nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) return value.map((item) => toCell(item, depth + 1));
  if (ArrayBuffer.isView(value))
    return Array.from(value as unknown as ArrayLike<unknown>, (item) => toCell(item, depth));
  if (typeof value !== 'object') return String(value);
  const row = newRow();
  for (const [key, item] of value instanceof Map ? value : Object.entries(value))
    if (key !== '__proto__') row[key] = toCell(item, depth + 1);
  return row;
}

/** Values of a dictionary come as the same bytes in many rows: decoded once, they stay one string. */
const decodedTexts = new WeakMap<Uint8Array, string>();

/** Bytes stay bytes when they are an image; otherwise they are text that its writer did not annotate. */
function bytesToCell(bytes: Uint8Array): Cell {
  if (imageType(bytes) !== null) return bytes;
  let text = decodedTexts.get(bytes);
  if (text === undefined) {
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      return bytes;
    }
    decodedTexts.set(bytes, text);
  }
  return text;
}

export type ImageType = 'png' | 'jpeg' | 'webp' | 'gif' | 'bmp';

/** Kind of image by its first bytes; null when they are not an image this program knows. */
export function imageType(bytes: Uint8Array): ImageType | null {
  const startsWith = (text: string, at = 0): boolean => {
    for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
    return true;
  };
  if (startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (startsWith('\xff\xd8\xff')) return 'jpeg';
  if (startsWith('RIFF') && startsWith('WEBP', 8)) return 'webp';
  if (startsWith('GIF8')) return 'gif';
  return startsWith('BM') && bytes.length > 26 ? 'bmp' : null;
}

export function isObject(cell: Cell | undefined): cell is { [key: string]: Cell } {
  return typeof cell === 'object' && cell !== null && !Array.isArray(cell) && !(cell instanceof Uint8Array);
}

/** Finds a value in a row; null where there is none. */
export type CellReader = (row: Row) => Cell;

/**
 * A reader of the value at a path such as "reward_model.ground_truth" or "prompt[0].content"; a column whose
 * own name is the whole path comes first.
 */
export function cellReader(path: string): CellReader {
  const steps = path
    .split('.')
    .flatMap((part) => [
      part.replace(/(?:\[\d+\])+$/, ''),
      ...Array.from(part.matchAll(/\[(\d+)\]/g), ([, n]) => Number(n)),
    ])
    .filter((step) => step !== '');
  return (row) => {
    if (Object.hasOwn(row, path)) return row[path]!;
    let value: Cell = row;
    for (const step of steps) {
      if (typeof step === 'number') value = (Array.isArray(value) ? value[step] : null) ?? null;
      else if (isObject(value) && Object.hasOwn(value, step)) value = value[step]!;
      else return null;
    }
    return value;
  };
}

/** The value at a path; where one path is read from many rows, `cellReader` is faster. */
export function valueAt(row: Row, path: string): Cell {
  return cellReader(path)(row);
}

function typeOf(cell: Cell): ColumnType {
  if (cell === null) return 'empty';
  if (typeof cell === 'string') return 'text';
  if (typeof cell === 'number' || typeof cell === 'boolean') return typeof cell as 'number' | 'boolean';
  if (isImageCell(cell)) return 'image';
  return Array.isArray(cell) ? 'list' : 'object';
}

/** Image bytes, the Hugging Face form {bytes, path}, or a non-empty list of these. */
function isImageCell(cell: Cell): boolean {
  if (cell instanceof Uint8Array) return true;
  if (Array.isArray(cell)) return cell.length > 0 && cell.every(isImageCell);
  if (!isObject(cell) || !Object.hasOwn(cell, 'bytes') || !Object.hasOwn(cell, 'path')) return false;
  return cell['bytes'] instanceof Uint8Array || typeof cell['path'] === 'string';
}

const SAMPLE_ROWS = 200;
/** Rows that all have names of their own are not a table. */
const MAX_COLUMNS = 10_000;

/** The columns of rows that come one after another, in order of first appearance, typed by the first that have them. */
export class ColumnCollector {
  readonly #types = new Map<string, { type: ColumnType; seen: number }>();

  add(rows: readonly Row[]): void {
    for (const row of rows) for (const name of Object.keys(row)) this.#see(name, row[name]!);
  }

  get columns(): Column[] {
    return Array.from(this.#types, ([name, { type }]) => ({ name, type }));
  }

  #see(name: string, cell: Cell): void {
    let column = this.#types.get(name);
    if (column === undefined) {
      if (this.#types.size >= MAX_COLUMNS) return;
      column = { type: 'empty', seen: 0 };
      this.#types.set(name, column);
    }
    if (column.seen >= SAMPLE_ROWS) return;
    const type = typeOf(cell);
    if (type === 'empty') return;
    column.type = column.seen === 0 || column.type === type ? type : 'mixed';
    column.seen++;
  }
}

/** The columns of rows. */
export function columnsOf(rows: readonly Row[]): Column[] {
  const collector = new ColumnCollector();
  collector.add(rows);
  return collector.columns;
}
