/**
 * Typed arrays as BLOBs, and arrays of JSON as TEXT.
 *
 * Owns: the byte layout of token columns (little-endian, four bytes per element, no header). A BLOB
 * that comes back with the wrong length is reported as damage, never cut or padded.
 */
import { endianness } from 'node:os';
import { AresError } from '#core/util/errors.ts';

const BYTES = 4;

if (endianness() !== 'LE') {
  // Every platform this program is built for is little-endian; a file must not silently mean something else.
  throw new AresError('unsupported', 'The project database needs a little-endian processor.');
}

export function toBlob(column: Int32Array | Float32Array): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength);
}

export function toInt32(blob: Uint8Array, length: number): Int32Array {
  return new Int32Array(alignedBytes(blob, length));
}

export function toFloat32(blob: Uint8Array, length: number): Float32Array {
  return new Float32Array(alignedBytes(blob, length));
}

/** A copy, because a Buffer may begin anywhere in its pool while typed arrays need an aligned start. */
function alignedBytes(blob: Uint8Array, length: number): ArrayBuffer {
  if (blob.byteLength !== length * BYTES) {
    throw new AresError('store', `A stored column has ${blob.byteLength} bytes where ${length * BYTES} belong.`, {
      hint: 'The project database may be damaged; restore its newest .backup file.',
    });
  }
  const bytes = new ArrayBuffer(blob.byteLength);
  new Uint8Array(bytes).set(blob);
  return bytes;
}
