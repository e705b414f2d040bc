/**
 * Tables in text (RFC 4180): fields separated by tabs, commas or semicolons, quoted where they need it.
 *
 * Owns: the reader of records and which of them fit the header. Fields are texts, always: "007" stays as it
 * is. It has its own reader because one record that is broken or too long must not cost the rest of the file.
 */
import { AresError } from '#core/util/errors.ts';
import { newRow } from './cells.ts';
import { MAX_LINE_BYTES, utf8Stream } from './lines.ts';
import { HEAD_BYTES, decodeHead, delimiterOf } from './sniff.ts';
import { MEBIBYTE, type Source } from './source.ts';
import { BatchBuilder, type Batches } from './table.ts';

const MAX_COLUMNS = 10_000;

export async function* readDelimited(source: Source): Batches {
  const rows = new BatchBuilder(source.name);
  const delimiter = delimiterOf(decodeHead(await source.head(HEAD_BYTES)) ?? '');
  const reader = new RecordReader(delimiter);
  const decoder = new LossyDecoder();
  let header: string[] | null = null;
  const take = function* (records: Iterable<CsvRecord>) {
    for (const record of records) {
      if (header === null) header = columnNames(record, source.name);
      else addRecord(rows, header, record, decoder.hasLost);
      if (rows.isFull) yield rows.take(source.streamedBytes);
    }
  };
  for await (const chunk of utf8Stream(source)) {
    yield* take(reader.read(decoder.decode(chunk)));
    // A sign of progress, where records are long.
    if (reader.isInside) yield rows.take(source.streamedBytes);
  }
  yield* take(reader.read(decoder.end()));
  yield* take(reader.end());
  yield* rows.finish(source.streamedBytes);
}

/** Decodes UTF-8 in pieces, with U+FFFD in place of what is not, and knows whether there was any of that. */
class LossyDecoder {
  /** Whether a U+FFFD may stand for something lost; before, one is just a character of the text. */
  hasLost = false;
  readonly #lossy = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #strict = new TextDecoder('utf-8', { fatal: true });

  decode(chunk: Uint8Array): string {
    try {
      if (!this.hasLost) this.#strict.decode(chunk, { stream: true });
    } catch {
      this.hasLost = true;
    }
    return this.#lossy.decode(chunk, { stream: true });
  }

  end(): string {
    const rest = this.#lossy.decode();
    if (rest !== '') this.hasLost = true;
    return rest;
  }
}

export interface CsvRecord {
  /** Line on which the record begins, from 1. */
  line: number;
  fields: string[];
  /** Why the record cannot be used; null for a good one. */
  problem: string | null;
}

const QUOTE = 34;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

type State = 'field start' | 'unquoted' | 'quoted' | 'quote in quoted' | 'broken';

/** Reads records from text that arrives in pieces, cut anywhere. Blank lines are no records. */
export class RecordReader {
  readonly #delimiter: string;
  #state: State = 'field start';
  #fields: string[] = [];
  /** Pieces of the field being read. */
  #field: string[] = [];
  #lengthCharacters = 0;
  #problem: string | null = null;
  /** Whether the record has a quote, so that a lone "" is a record and not a blank line. */
  #hasQuote = false;
  #line = 1;
  #startLine = 1;
  #afterCarriageReturn = false;

  constructor(delimiter: string) {
    this.#delimiter = delimiter;
  }

  /** Whether the text so far ends within a record. */
  get isInside(): boolean {
    return this.#lengthCharacters > 0 || this.#fields.length > 0;
  }

  *read(text: string): Iterable<CsvRecord> {
    const delimiter = this.#delimiter.charCodeAt(0);
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const character = text.charCodeAt(at);
      const secondHalf = character === LINE_FEED && this.#afterCarriageReturn;
      this.#afterCarriageReturn = character === CARRIAGE_RETURN;
      const isBreak = character === LINE_FEED || character === CARRIAGE_RETURN;
      if (isBreak && !secondHalf) this.#line++;
      if (this.#state === 'quoted') {
        if (character !== QUOTE) continue;
        this.#keep(text, start, at);
        this.#state = 'quote in quoted';
        start = at + 1;
      } else if (character === QUOTE && this.#state === 'field start') {
        this.#state = 'quoted';
        this.#hasQuote = true;
        start = at + 1;
      } else if (character === QUOTE && this.#state === 'quote in quoted') {
        // Two quotes within quotes are one: this one is kept with what follows it.
        this.#state = 'quoted';
        start = at;
      } else if (isBreak) {
        if (!secondHalf) {
          this.#keep(text, start, at);
          this.#endField();
          yield* this.#endRecord();
        }
        start = at + 1;
        this.#startLine = this.#line;
      } else if (character === delimiter) {
        this.#keep(text, start, at);
        if (this.#state !== 'broken') this.#endField();
        start = at + 1;
      } else if (this.#state === 'field start') {
        this.#state = 'unquoted';
      } else if (this.#state === 'quote in quoted') {
        this.#problem ??= 'a quoted field goes on after its closing quote';
        this.#state = 'broken';
      }
    }
    this.#keep(text, start, text.length);
  }

  *end(): Iterable<CsvRecord> {
    if (this.#state === 'quoted')
      this.#problem ??= 'a quote is opened and never closed; the rest of the file is inside it';
    this.#endField();
    yield* this.#endRecord();
  }

  #keep(text: string, start: number, end: number): void {
    // Nothing follows a closing quote but the end of its field.
    if (end <= start || this.#state === 'quote in quoted' || this.#problem !== null) return;
    this.#lengthCharacters += end - start;
    if (this.#lengthCharacters <= MAX_LINE_BYTES) this.#field.push(text.slice(start, end));
    else this.#problem = `the row is longer than ${MAX_LINE_BYTES / MEBIBYTE} MiB`;
  }

  #endField(): void {
    // A record of a million empty fields is as hostile as a long one.
    if (this.#fields.length > MAX_COLUMNS) this.#problem ??= `the row has more than ${MAX_COLUMNS} fields`;
    else this.#fields.push(this.#field.join(''));
    this.#field = [];
    this.#state = 'field start';
  }

  *#endRecord(): Iterable<CsvRecord> {
    const isBlank = this.#fields.length === 1 && this.#fields[0] === '' && !this.#hasQuote && this.#problem === null;
    if (!isBlank) yield { line: this.#startLine, fields: this.#fields, problem: this.#problem };
    this.#fields = [];
    this.#lengthCharacters = 0;
    this.#problem = null;
    this.#hasQuote = false;
    this.#startLine = this.#line;
  }
}

/** Column names as they are; empty ones are numbered and repeated ones told apart. */
function columnNames(record: CsvRecord, name: string): string[] {
  if (record.problem !== null || record.fields.length > MAX_COLUMNS) {
    throw new AresError(
      'bad-data',
      `The first row cannot be the header: ${record.problem ?? 'it has too many fields'}.`,
      {
        where: name,
        hint: 'The first row must name the columns.',
      },
    );
  }
  const seen = new Set<string>();
  return record.fields.map((field, index) => {
    const wanted = field.trim() || `column ${index + 1}`;
    let unique = wanted;
    for (let copy = 2; seen.has(unique); copy++) unique = `${wanted} ${copy}`;
    seen.add(unique);
    return unique;
  });
}

function addRecord(rows: BatchBuilder, header: readonly string[], record: CsvRecord, hasLost: boolean): void {
  const { line, fields, problem } = record;
  if (problem !== null) rows.reject(line, problem);
  else if (fields.length !== header.length)
    rows.reject(line, `the row has ${fields.length} fields, the header ${header.length}`);
  else if (hasLost && fields.some((field) => field.includes('\uFFFD'))) rows.reject(line, 'the row is not valid UTF-8');
  else {
    const row = newRow();
    let sizeBytes = 0;
    header.forEach((column, index) => {
      const field = fields[index]!;
      sizeBytes += field.length;
      if (column !== '__proto__') row[column] = field;
    });
    rows.add(line, row, sizeBytes);
  }
}
