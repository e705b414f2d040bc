/**
 * 32-bit hashes of texts and numbers, for finding candidates that are then compared in full.
 *
 * The finaliser of MurmurHash3 (Appleby, public domain) mixes; nothing here is cryptographic.
 */

/** Every bit of the input reaches every bit of the output. */
export function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** @param seed makes hashes that are independent of each other */
export function hashText(text: string, seed = 0): number {
  let h = seed ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mix(h ^ text.length);
}

/** A hash that depends on the order of what goes into it. */
export function combine(hash: number, value: number): number {
  return mix(Math.imul(hash, 0x9e3779b1) ^ value);
}
