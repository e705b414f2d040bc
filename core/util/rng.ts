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

/** The high 32 bits of an unsigned 32×32-bit product; Math.imul has the low ones. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) >>> 0;
}

/**
 * One Philox4x32-10 block, written to `out`: the form without allocation, for millions of draws.
 * @param c0 to c3, k0, k1 unsigned 32-bit words of counter and key
 */
function philoxInto(out: Uint32Array, c0: number, c1: number, c2: number, c3: number, k0: number, k1: number): void {
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(PHILOX_M0, c0);
    const low0 = Math.imul(PHILOX_M0, c0);
    const high1 = multiplyHigh(PHILOX_M1, c2);
    const low1 = Math.imul(PHILOX_M1, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + PHILOX_W0) >>> 0;
    k1 = (k1 + PHILOX_W1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

const block = new Uint32Array(4);

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
  const [c0, c1, c2, c3] = counter;
  philoxInto(block, c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0, key[0] >>> 0, key[1] >>> 0);
  return [block[0]!, block[1]!, block[2]!, block[3]!];
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

/** Second word of the key of sequences, which no token's key has. */
const SEQUENCE_KEY = 0x5eed;

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
    const high = Math.floor(counter / 0x100000000);
    philoxInto(block, counter >>> 0, high, this.#stream, this.#substream >>> 0, this.#seed >>> 0, SEQUENCE_KEY);
    return block[0]!;
  }
}
