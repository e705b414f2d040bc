/**
 * Identity of a model: the SHA-256 over its weight files, in order of name.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const CHUNK_BYTES = 1 << 22;

export function hashOfWeights(folder: string): string {
  const hash = createHash('sha256');
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.safetensors'))
    .toSorted()) {
    const handle = openSync(join(folder, name), 'r');
    try {
      for (let read = readSync(handle, buffer); read > 0; read = readSync(handle, buffer))
        hash.update(buffer.subarray(0, read));
    } finally {
      closeSync(handle);
    }
  }
  return hash.digest('hex');
}
