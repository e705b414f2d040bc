/**
 * How much script the page needs before it shows anything.
 *
 * Owns: following the static imports of the built page; what is imported only when a room is opened does
 * not count.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const SCRIPT = /<script[^>]*\bsrc="([^"]+)"/g;
const STATIC_IMPORT = /(?:\bfrom|\bimport)\s*["']([^"']+\.js)["']/g;

export interface EagerScript {
  files: string[];
  /** As they lie on the disk, not compressed. */
  bytes: number;
}

/** @param folder the built front end */
export function eagerScript(folder: string): EagerScript {
  const page = readFileSync(join(folder, 'index.html'), 'utf8');
  const waiting = [...page.matchAll(SCRIPT)].map(([, path]) => join(folder, path!));
  const files = new Set<string>();
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    for (const [, path] of readFileSync(file, 'utf8').matchAll(STATIC_IMPORT)) waiting.push(join(dirname(file), path!));
  }
  return { files: [...files], bytes: [...files].reduce((sum, file) => sum + statSync(file).size, 0) };
}
