/**
 * Which digests have been seen, and on which line first.
 *
 * Owns: a hash table in typed arrays, 16 bytes an entry, so that millions of rows can be told apart without
 * millions of strings. It keeps 96 bits of a digest: among ten million rows two different ones look the same with
 * a probability of 10⁻¹⁵.
 */
const WORDS = 4;
const FIRST_CAPACITY = 1 << 12;

export class DigestTable {
  #slots = new Uint32Array(FIRST_CAPACITY * WORDS);
  #count = 0;

  /**
   * @param digest hexadecimal, 24 digits at least
   * @param line from 1
   * @returns the line on which the digest came first; null when that is now, and remembers it
   */
  firstLine(digest: string, line: number): number | null {
    if ((this.#count + 1) * WORDS * 3 > this.#slots.length * 2) this.#grow();
    const a = Number.parseInt(digest.slice(0, 8), 16);
    const b = Number.parseInt(digest.slice(8, 16), 16);
    const c = Number.parseInt(digest.slice(16, 24), 16);
    const at = this.#find(a, b, c);
    const known = this.#slots[at + 3]!;
    if (known !== 0) return known;
    this.#slots.set([a, b, c, line], at);
    this.#count++;
    return null;
  }

  /** The slot of a digest, or the free one where it belongs. */
  #find(a: number, b: number, c: number): number {
    const slots = this.#slots;
    // A power of two.
    const capacity = slots.length / WORDS;
    for (let slot = b % capacity; ; slot = (slot + 1) % capacity) {
      const at = slot * WORDS;
      if (slots[at + 3] === 0) return at;
      if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c) return at;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + 3] === 0) continue;
      this.#slots.set(old.subarray(at, at + WORDS), this.#find(old[at]!, old[at + 1]!, old[at + 2]!));
    }
  }
}
