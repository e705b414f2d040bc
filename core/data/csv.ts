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
import { MAX_TEXT_BYTES, MEBIBYTE, type Source, requireSize } from './source.ts';
import { type Table, TableBuilder } from './table.ts';

const MAX_COLUMNS = 10_000;

export async function readDelimited(source: Source): Promise<Table> {
  requireSize(source, MAX_TEXT_BYTES, 'Split it, or convert it to Parquet.');
  const table = new TableBuilder(source.name);
  const delimiter = delimiterOf(decodeHead(await source.read(0, HEAD_BYTES)) ?? '');
  const reader = new RecordReader(delimiter);
  const decoder = new LossyDecoder();
  let header: string[] | null = null;
  const take = (records: Iterable<CsvRecord>): void => {
    for (const record of records) {
      if (header === null) header = columnNames(record, source.name);
      else addRecord(table, header, record, decoder.hasLost);
    }
  };
  for await (const chunk of utf8Stream(source)) take(reader.read(decoder.decode(chunk)));
  take(reader.read(decoder.end()));
  take(reader.end());
  return table.finish();
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

  *read(text: string): Iterable<CsvRecord> {
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const character = text[at]!;
      const secondHalf = character === '\n' && this.#afterCarriageReturn;
      this.#afterCarriageReturn = character === '\r';
      const isBreak = character === '\n' || character === '\r';
      if (isBreak && !secondHalf) this.#line++;
      if (this.#state === 'quoted') {
        if (character !== '"') continue;
        this.#keep(text, start, at);
        this.#state = 'quote in quoted';
        start = at + 1;
      } else if (character === '"' && this.#state === 'field start') {
        this.#state = 'quoted';
        this.#hasQuote = true;
        start = at + 1;
      } else if (character === '"' && this.#state === 'quote in quoted') {
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
      } else if (character === this.#delimiter) {
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
    this.#fields.push(this.#field.join(''));
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

function addRecord(table: TableBuilder, header: readonly string[], record: CsvRecord, hasLost: boolean): void {
  const { line, fields, problem } = record;
  if (problem !== null) table.reject(line, problem);
  else if (fields.length !== header.length)
    table.reject(line, `the row has ${fields.length} fields, the header ${header.length}`);
  else if (hasLost && fields.some((field) => field.includes('\uFFFD')))
    table.reject(line, 'the row is not valid UTF-8');
  else {
    const row = newRow();
    header.forEach((column, index) => {
      if (column !== '__proto__') row[column] = fields[index]!;
    });
    table.add(line, row);
  }
}
