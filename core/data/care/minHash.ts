/**
 * MinHash signatures and their bands: which of many sets may be alike, without comparing every pair.
 *
 * Owns: the signature (Broder 1997: the share of equal entries of two signatures estimates the Jaccard similarity
 * J, without bias and with a variance of J(1 − J)/SIGNATURE_LENGTH), and cutting it into bands (locality-sensitive
 * hashing): two sets with similarity J agree in at least one band with probability 1 − (1 − J^ROWS)^BANDS, which is
 * 0.97 at J = 0.6, 0.9998 at 0.7 and 0.9999999 at 0.8. Candidates are verified elsewhere.
 */
import { combine, mix } from './hashing.ts';

export const BANDS = 32;
export const ROWS = 4;
export const SIGNATURE_LENGTH = BANDS * ROWS;

/** One per hash function. Fixed: the same texts have the same signature on every machine. */
const seeds = Uint32Array.from({ length: SIGNATURE_LENGTH }, (_, i) => mix(i + 1));

/** The smallest hash of the set under every hash function, written to `out`. @param set at least one element */
export function signatureInto(out: Uint32Array, set: Uint32Array): void {
  for (let f = 0; f < SIGNATURE_LENGTH; f++) {
    const seed = seeds[f]!;
    let smallest = 0xffffffff;
    for (let i = 0; i < set.length; i++) {
      // mix() written out: this line runs a billion times for 100,000 problems.
      let h = set[i]! ^ seed;
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
      h = (h ^ (h >>> 16)) >>> 0;
      if (h < smallest) smallest = h;
    }
    out[f] = smallest;
  }
}

/** A key per band: equal where all rows of the band and the context are. @param context what else must be equal */
export function bandKeysInto(out: Uint32Array, at: number, signature: Uint32Array, context: number): void {
  for (let band = 0; band < BANDS; band++) {
    let key = combine(context, band);
    for (let row = 0; row < ROWS; row++) key = combine(key, signature[band * ROWS + row]!);
    out[at + band] = key;
  }
}
