/**
 * Rows being gathered by an importer, and the table they make.
 *
 * Owns: which values are rows, the caps on their number, and the list of those kept out. Where rows come from
 * is the importers' business.
 */
import { AresError, toAresError } from '#core/util/errors.ts';
import { type BadRow, CellError, type Row, isObject, toCell } from './cells.ts';
import { MAX_ROWS } from './source.ts';

export interface Table {
  rows: Row[];
  /** Where each row stands in the file: its line, or its number; from 1. */
  lines: number[];
  bad: BadRow[];
}

/** More bad rows than this are not listed one by one. */
const MAX_BAD_ROWS = 100_000;

export class TableBuilder {
  readonly #rows: Row[] = [];
  readonly #lines: number[] = [];
  readonly #bad: BadRow[] = [];
  readonly #name: string;

  /** @param name file name for messages */
  constructor(name: string) {
    this.#name = name;
  }

  get rowCount(): number {
    return this.#rows.length;
  }

  /** Adds a value as a row, or to the bad rows when it is none. */
  add(line: number, value: unknown): void {
    if (this.#rows.length >= MAX_ROWS) {
      throw new AresError('unsupported', `This dataset has more than ${MAX_ROWS.toLocaleString('en')} rows.`, {
        where: this.#name,
        hint: 'Import a part of it.',
      });
    }
    try {
      const row = toCell(value);
      if (!isObject(row)) this.reject(line, `this is ${nameOf(value)}, not a row with named fields`);
      else if (Object.keys(row).length === 0) this.reject(line, 'the row has no fields');
      else {
        this.#rows.push(row);
        this.#lines.push(line);
      }
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      this.reject(line, error.message);
    }
  }

  reject(line: number, reason: string): void {
    if (this.#bad.length < MAX_BAD_ROWS) this.#bad.push({ line, reason });
  }

  /** @throws AresError bad-data when there is not one row */
  finish(): Table {
    if (this.#rows.length === 0) {
      const first = this.#bad[0];
      const why = first === undefined ? 'it has no rows' : `at ${first.line}: ${first.reason}`;
      throw new AresError('bad-data', `No row of this file can be used (${why}).`, {
        where: this.#name,
        hint: 'Check that this is the file you meant.',
      });
    }
    return { rows: this.#rows, lines: this.#lines, bad: this.#bad };
  }
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}

/**
 * Runs a reader of a binary format. Whatever a library throws about the content becomes one AresError that says
 * the file is damaged; errors of this program pass through.
 */
export async function readingFormat<T>(what: string, name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AresError) throw error;
    // Not the content's fault: the file vanished or the disk failed.
    if (error instanceof Error && 'syscall' in error) throw toAresError(error);
    const detail = error instanceof Error ? error.message : String(error);
    throw new AresError('bad-data', `This ${what} is damaged: ${detail.split('\n')[0]}.`, {
      where: name,
      hint: 'Get or write the file again.',
      cause: error,
    });
  }
}
