/**
 * Identity of a model: the SHA-256 over its weight files, in order of name.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

const CHUNK_BYTES = 1 << 22;

export function hashOfWeights(folder: string): string {
  const hash = createHash('sha256');
  for (const chunk of weightChunks(folder)) hash.update(chunk);
  return hash.digest('hex');
}

/** The same, letting others work in between: for large models in a process that must answer meanwhile. */
export async function hashOfWeightsPatiently(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const chunk of weightChunks(folder)) {
    hash.update(chunk);
    await setImmediate();
  }
  return hash.digest('hex');
}

/** Each is overwritten by the next. */
function* weightChunks(folder: string): Generator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.safetensors'))
    .toSorted()) {
    const handle = openSync(join(folder, name), 'r');
    try {
      for (let read = readSync(handle, buffer); read > 0; read = readSync(handle, buffer))
        yield buffer.subarray(0, read);
    } finally {
      closeSync(handle);
    }
  }
}
