/**
 * Rows out to files.
 *
 * Owns: JSON lines. What is in the rows is the caller's choice.
 */
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { imageType } from './cells.ts';

/** Rows as JSON lines; image bytes become data: addresses, which the importers read back. */
export function toJsonLines(rows: Iterable<object>): string {
  let text = '';
  for (const row of rows) text += `${JSON.stringify(row, bytesAsText)}\n`;
  return text;
}

/** Writes rows as a JSON lines file, all of it or nothing. */
export function writeJsonLines(path: string, rows: Iterable<object>): void {
  writeFileAtomic(path, toJsonLines(rows));
}

function bytesAsText(_key: string, value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  return `data:image/${imageType(value) ?? 'unknown'};base64,${Buffer.from(value).toString('base64')}`;
}
