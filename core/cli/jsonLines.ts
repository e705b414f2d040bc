/**
 * Files with one JSON value per line, given to a command.
 *
 * Owns: reading all lines or refusing the file with the number of the line at fault. Unlike the importers
 * of data/, which report bad rows and go on, a command whose answers pair with lines must not skip any.
 */
import { fileSource } from '#core/data/source.ts';
import { readLines } from '#core/data/lines.ts';
import { AresError } from '#core/util/errors.ts';

/**
 * @param read turns a line's value into what is wanted, or into a sentence that says what is wrong
 * @param hint what a proper line looks like
 * @throws AresError 'not-found', or 'bad-data' naming the line
 */
export async function readJsonLinesStrictly<T extends object>(
  path: string,
  read: (value: unknown) => T | string,
  hint: string,
): Promise<T[]> {
  const items: T[] = [];
  const source = await fileSource(path);
  try {
    for await (const lines of readLines(source)) {
      for (const { line, text, reason } of lines) {
        const item = text === null ? `${reason ?? 'it cannot be read'}` : read(parse(text));
        if (typeof item === 'string') {
          throw new AresError('bad-data', `Line ${line} cannot be used: ${item}.`, { where: `${path}:${line}`, hint });
        }
        items.push(item);
      }
    }
  } finally {
    await source.close();
  }
  return items;
}

/** undefined, which JSON cannot express, when it is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
