/**
 * JSON files: one object per line, or one document that holds an array of objects.
 *
 * Owns: both importers and the search for the array in a document. Rows keep the number of their line (JSON
 * lines) or of their element (documents).
 */
import { AresError } from '#core/util/errors.ts';
import { readLines, readText } from './lines.ts';
import { MAX_TEXT_BYTES, MEBIBYTE, type Source, requireSize } from './source.ts';
import { type Table, TableBuilder } from './table.ts';

/** A document is parsed in one piece, and V8 limits the length of a string. */
const MAX_DOCUMENT_BYTES = 256 * MEBIBYTE;

export async function readJsonLines(source: Source): Promise<Table> {
  requireSize(source, MAX_TEXT_BYTES, 'Split it, or convert it to Parquet.');
  const table = new TableBuilder(source.name);
  for await (const { line, text, reason } of readLines(source)) {
    if (text === null) table.reject(line, reason ?? 'the line cannot be read');
    else if (text.trim() !== '') {
      const value = parseLine(text);
      if (value === undefined) table.reject(line, 'the line is not valid JSON');
      else table.add(line, value);
    }
  }
  return table.finish();
}

/** The value of a line; undefined (which JSON cannot express) when it is not JSON. */
function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export async function readJsonDocument(source: Source): Promise<Table> {
  requireSize(source, MAX_DOCUMENT_BYTES, 'Convert it to JSON lines (.jsonl), which are read piece by piece.');
  const text = await readText(source);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new AresError('bad-data', `This file is not valid JSON: ${(error as Error).message}.`, {
      where: source.name,
      hint: 'Mend the file; if it has one object per line, name it .jsonl.',
      cause: error,
    });
  }
  const table = new TableBuilder(source.name);
  arrayIn(document, source.name).forEach((value, index) => table.add(index + 1, value));
  return table.finish();
}

/** The document itself, or the only array it holds, as in {"data": […]}; a lone object is one row. */
function arrayIn(document: unknown, name: string): unknown[] {
  if (Array.isArray(document)) return document;
  if (typeof document === 'object' && document !== null) {
    const arrays = Object.entries(document).filter(([, value]) => Array.isArray(value));
    if (arrays.length === 0) return [document];
    const ofObjects = arrays.filter(([, value]) => (value as unknown[]).some((item) => typeof item === 'object'));
    if (arrays.length === 1) return arrays[0]![1] as unknown[];
    if (ofObjects.length === 1) return ofObjects[0]![1] as unknown[];
    throw new AresError('bad-data', `This document holds several arrays: ${arrays.map(([key]) => key).join(', ')}.`, {
      where: name,
      hint: 'Save the one with the problems as a file of its own.',
    });
  }
  throw new AresError('bad-data', 'This document holds no array of rows.', {
    where: name,
    hint: 'Expected is a JSON array of objects.',
  });
}
