/**
 * JSON files: one object per line, or one document that holds an array of objects.
 *
 * Owns: both importers and the choice of the array in a document. Rows keep the number of their line (JSON
 * lines) or of their element (documents). Neither holds more than a batch of rows; where elements begin and end is jsonElements.ts.
 */
import { AresError } from '#core/util/errors.ts';
import { type ArrayFound, ElementScanner, ScanError, arraysOf } from './jsonElements.ts';
import { JsonValue, parseJson } from './jsonText.ts';
import { MAX_LINE_BYTES, decodeStrictly, readLines, utf8Stream } from './lines.ts';
import { MEBIBYTE, type Source } from './source.ts';
import { BatchBuilder, type Batches } from './table.ts';

export async function* readJsonLines(source: Source): Batches {
  const rows = new BatchBuilder(source.name);
  for await (const lines of readLines(source)) {
    for (const { line, text, reason } of lines) {
      if (text === null) rows.reject(line, reason ?? 'the line cannot be read');
      else if (text.trim() !== '') addText(rows, line, text, 'the line');
      if (rows.isFull) yield rows.take(source.streamedBytes);
    }
    if (lines.length === 0) yield rows.take(source.streamedBytes);
  }
  yield* rows.finish(source.streamedBytes);
}

function addText(rows: BatchBuilder, line: number, text: string, what: string): void {
  const parsed = parseJson(text, what);
  if (parsed instanceof JsonValue) rows.add(line, parsed.value, text.length);
  else rows.reject(line, parsed.reason);
}

/**
 * A document: an array of rows, an object that holds one such array, or a lone object, which is one row.
 * An object is read twice, the first time to see which arrays it has.
 */
export async function* readJsonDocument(source: Source): Batches {
  const rows = new BatchBuilder(source.name);
  try {
    const array = await chosenArray(source);
    const scanner = new ElementScanner(array, MAX_LINE_BYTES);
    let element = 0;
    for await (const chunk of utf8Stream(source)) {
      for (const bytes of scanner.read(chunk)) {
        const text = bytes === null ? null : decodeStrictly(bytes);
        if (bytes === null) rows.reject(++element, `the element is longer than ${MAX_LINE_BYTES / MEBIBYTE} MiB`);
        else if (text === null) rows.reject(++element, 'the element is not valid UTF-8');
        else addText(rows, ++element, text, 'the element');
        if (rows.isFull) yield rows.take(source.streamedBytes);
      }
      // A sign of progress, where elements are long.
      if (scanner.isInside) yield rows.take(source.streamedBytes);
    }
    scanner.end();
  } catch (error) {
    if (!(error instanceof ScanError)) throw error;
    throw new AresError('bad-data', `This file is not valid JSON: ${error.message}.`, {
      where: source.name,
      hint: 'Mend the file or get it again; if it has one object per line, name it .jsonl.',
      cause: error,
    });
  }
  yield* rows.finish(source.streamedBytes);
}

/**
 * Which array of the document holds the rows.
 * @returns its key in the object that is the document, null for the document itself when it is an array, and
 *   undefined when it is a lone object
 */
async function chosenArray(source: Source): Promise<string | null | undefined> {
  const found = await arraysOf(utf8Stream(source));
  if (found === 'array') return null;
  if (found === 'value') {
    throw new AresError('bad-data', 'This document holds no array of rows.', {
      where: source.name,
      hint: 'Expected is a JSON array of objects.',
    });
  }
  return found.length === 0 ? undefined : onlyArray(found, source.name);
}

/** The only array, or the only one with objects in it, as in {"tags": ["x"], "rows": [{…}]}. */
function onlyArray(arrays: readonly ArrayFound[], name: string): string {
  const ofObjects = arrays.filter(({ holdsObjects }) => holdsObjects);
  const [only] = arrays.length === 1 ? arrays : ofObjects.length === 1 ? ofObjects : [];
  if (only !== undefined) return only.key;
  const keys = arrays.slice(0, 10).map(({ key }) => key);
  throw new AresError('bad-data', `This document holds several arrays: ${keys.join(', ')}.`, {
    where: name,
    hint: 'Save the one with the problems as a file of its own.',
  });
}
