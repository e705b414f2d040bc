/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011).
 *
 * Owns: the map from named coordinates to uniforms. A number depends only on its coordinates, never
 * on how many were drawn before it, so a rollout repeats exactly whatever the batch composition,
 * chunk size, pause or resume. It holds no state and seeds nothing.
 */

const PHILOX_M0 = 0xd2511f53;
const PHILOX_M1 = 0xcd9e8d57;
const PHILOX_W0 = 0x9e3779b9;
const PHILOX_W1 = 0xbb67ae85;
const ROUNDS = 10;

/** High and low 32 bits of an unsigned 32×32-bit product, written to out[0], out[1]. */
function multiplyHighLow(a: number, b: number, out: Uint32Array): void {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = Math.imul(a, b) >>> 0;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  out[0] = (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
  out[1] = low;
}

const product = new Uint32Array(2);

/**
 * One Philox4x32-10 block.
 * @param counter four 32-bit words
 * @param key two 32-bit words
 * @returns four 32-bit words
 */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter.map((word) => word >>> 0) as [number, number, number, number];
  let k0 = key[0] >>> 0;
  let k1 = key[1] >>> 0;
  for (let round = 0; round < ROUNDS; round++) {
    multiplyHighLow(PHILOX_M0, c0, product);
    const high0 = product[0]!;
    const low0 = product[1]!;
    multiplyHighLow(PHILOX_M1, c2, product);
    const high1 = product[0]!;
    const low1 = product[1]!;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + PHILOX_W0) >>> 0;
    k1 = (k1 + PHILOX_W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Separates the uses of randomness, so that no two of them ever share a number. */
export const Stream = {
  sampling: 0,
  shuffle: 1,
  problems: 2,
  initialisation: 3,
  bootstrap: 4,
  selection: 5,
} as const;
export type Stream = (typeof Stream)[keyof typeof Stream];

/** 24 random bits as a float in [0, 1): exactly representable in float32. */
function toUnit(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/**
 * The uniform behind one sampled token (DESIGN §4): a function of run seed, step, prompt, sample
 * and position alone.
 */
export function tokenUniform(seed: number, step: number, prompt: number, sample: number, position: number): number {
  return toUnit(philox([prompt, sample, position, Stream.sampling], [seed, step])[0]);
}

/** A random sequence addressed by (seed, stream, substream); the state is a plain counter. */
export class RandomSequence {
  readonly #seed: number;
  readonly #stream: number;
  readonly #substream: number;
  #counter = 0;

  constructor(seed: number, stream: Stream, substream = 0) {
    this.#seed = seed;
    this.#stream = stream;
    this.#substream = substream;
  }

  /** Uniform in [0, 1) with 24 bits. */
  uniform(): number {
    return toUnit(this.#next());
  }

  /** Uniform integer in [0, bound); bound up to 2^32. Unbiased by rejection. */
  integer(bound: number): number {
    const limit = Math.floor(0x100000000 / bound) * bound;
    let word = this.#next();
    while (word >= limit) word = this.#next();
    return word % bound;
  }

  /** Standard normal (Box–Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** One element of a non-empty array. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(items.length)]!;
  }

  /** A shuffled copy (Fisher–Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [copy[i], copy[j]] = [copy[j]!, copy[i]!];
    }
    return copy;
  }

  #next(): number {
    const counter = this.#counter++;
    return philox(
      [counter >>> 0, Math.floor(counter / 0x100000000), this.#stream, this.#substream],
      [this.#seed, 0x5eed],
    )[0];
  }
}
