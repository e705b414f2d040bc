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

function bytesAsText(this: unknown, key: string, value: unknown): unknown {
  // Node's buffers turn themselves into JSON before they get here; their holder still has them.
  const original = (this as Record<string, unknown>)[key];
  if (!(original instanceof Uint8Array)) return value;
  return `data:image/${imageType(original) ?? 'unknown'};base64,${Buffer.from(original).toString('base64')}`;
}
