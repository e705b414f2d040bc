/**
 * Rows being gathered by an importer, and the batches in which they go on.
 *
 * Owns: which values are rows, the size of a batch, the caps on the number of rows, and those kept out. No more
 * than a batch is ever held. Where rows come from is the importers' business.
 */
import { AresError, toAresError } from '#core/util/errors.ts';
import { type BadRow, CellError, type Row, isObject, toCell } from './cells.ts';
import { MAX_ROWS, MEBIBYTE } from './source.ts';

/** Consecutive rows of a file. */
export interface Batch {
  rows: Row[];
  /** Where each row stands in the file: its line, or its number; from 1. */
  lines: number[];
  bad: BadRow[];
  /** How much of the file has been read, bytes. */
  readBytes: number;
}

/** What an importer makes of a file. It is read while the batches are taken. */
export type Batches = AsyncIterable<Batch>;

/** Rows, good and bad, of a batch. Each costs its reader some milliseconds. */
const BATCH_ROWS = 1000;
/** Rows that are large, because of images, make smaller batches. */
const BATCH_BYTES = 4 * MEBIBYTE;

export class BatchBuilder {
  #batch: Omit<Batch, 'readBytes'> = { rows: [], lines: [], bad: [] };
  #sizeBytes = 0;
  #rowCount = 0;
  #firstBad: BadRow | undefined;
  readonly #name: string;

  /** @param name file name for messages */
  constructor(name: string) {
    this.#name = name;
  }

  /** Whether it is time to take the batch. */
  get isFull(): boolean {
    return this.#batch.rows.length + this.#batch.bad.length >= BATCH_ROWS || this.#sizeBytes >= BATCH_BYTES;
  }

  /**
   * Adds a value as a row, or to the bad rows when it is none.
   * @param sizeBytes about what the row takes
   */
  add(line: number, value: unknown, sizeBytes: number): void {
    this.#sizeBytes += sizeBytes;
    try {
      const row = toCell(value);
      if (!isObject(row)) this.reject(line, `this is ${nameOf(value)}, not a row with named fields`);
      else if (isEmpty(row)) this.reject(line, 'the row has no fields');
      else {
        if (++this.#rowCount > MAX_ROWS) {
          throw new AresError('unsupported', `This dataset has more than ${MAX_ROWS.toLocaleString('en')} rows.`, {
            where: this.#name,
            hint: 'Import a part of it.',
          });
        }
        this.#batch.rows.push(row);
        this.#batch.lines.push(line);
      }
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      this.reject(line, error.message);
    }
  }

  reject(line: number, reason: string): void {
    this.#firstBad ??= { line, reason };
    this.#batch.bad.push({ line, reason });
  }

  /** What has been gathered since the last time. */
  take(readBytes: number): Batch {
    const batch = { ...this.#batch, readBytes };
    this.#batch = { rows: [], lines: [], bad: [] };
    this.#sizeBytes = 0;
    return batch;
  }

  /**
   * What is left at the end of a file.
   * @throws AresError bad-data when there was not one row
   */
  *finish(readBytes: number): Iterable<Batch> {
    if (this.#rowCount === 0) {
      const first = this.#firstBad;
      const why = first === undefined ? 'it has no rows' : `at ${first.line}: ${first.reason}`;
      throw new AresError('bad-data', `No row of this file can be used (${why}).`, {
        where: this.#name,
        hint: 'Check that this is the file you meant.',
      });
    }
    if (this.#batch.rows.length + this.#batch.bad.length > 0) yield this.take(readBytes);
  }
}

function isEmpty(row: Row): boolean {
  for (const _ in row) return false;
  return true;
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
export async function* readingFormat(what: string, name: string, read: () => Batches): Batches {
  try {
    yield* read();
  } catch (error) {
    throw damaged(what, name, error);
  }
}

function damaged(what: string, name: string, error: unknown): AresError {
  if (error instanceof AresError) return error;
  // Not the content's fault: the file vanished or the disk failed.
  if (error instanceof Error && 'syscall' in error) return toAresError(error);
  const detail = error instanceof Error ? error.message : String(error);
  return new AresError('bad-data', `This ${what} is damaged: ${detail.split('\n')[0]}.`, {
    where: name,
    hint: 'Get or write the file again.',
    cause: error,
  });
}
