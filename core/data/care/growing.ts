/**
 * Typed arrays that grow: numbers of a stream whose length is not known, four bytes each.
 */
export class GrowingUint32 {
  #values = new Uint32Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Makes room for so many more and returns the place of the first; the values are written through `values`. */
  extend(count: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#values.length) {
      const larger = new Uint32Array(Math.max(this.#length, Math.ceil(this.#values.length * 1.5)));
      larger.set(this.#values);
      this.#values = larger;
    }
    return start;
  }

  push(value: number): void {
    const at = this.extend(1);
    this.#values[at] = value;
  }

  append(values: Uint32Array): void {
    const at = this.extend(values.length);
    this.#values.set(values, at);
  }

  /** The array behind it: valid until it grows. */
  get values(): Uint32Array {
    return this.#values;
  }
}
