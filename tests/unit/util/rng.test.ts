/** Philox against the published known answers, and the independence of coordinates from history. */
import { describe, expect, it } from 'vitest';
import { RandomSequence, Stream, philox, tokenUniform } from '#core/util/rng.ts';

describe('philox', () => {
  // Known answers of the reference implementation (Random123, kat_vectors, philox4x32 10 rounds).
  it('gives the published answer for zeros', () => {
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  });
  it('gives the published answer for ones', () => {
    expect(philox([0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff])).toEqual([
      0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
    ]);
  });
  it('gives the published answer for the digits of pi', () => {
    expect(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
      0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
    ]);
  });
});

describe('RandomSequence', () => {
  it('is flat enough: the mean of 20,000 uniforms lies within four standard errors of one half', () => {
    const sequence = new RandomSequence(7, Stream.problems);
    let total = 0;
    for (let i = 0; i < 20_000; i++) total += sequence.uniform();
    expect(Math.abs(total / 20_000 - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / 20_000));
  });
  it('differs between streams, substreams and seeds', () => {
    const first = (seed: number, stream: Stream, substream: number) =>
      new RandomSequence(seed, stream, substream).uniform();
    const values = [first(1, 0, 0), first(2, 0, 0), first(1, 1, 0), first(1, 0, 1)];
    expect(new Set(values).size).toBe(4);
  });
  it('shuffles to a permutation', () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const shuffled = new RandomSequence(3, Stream.shuffle).shuffled(items);
    expect(shuffled).not.toEqual(items);
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(items);
  });
});

it('tokenUniform lies in [0, 1) and is exact in float32', () => {
  for (let position = 0; position < 100; position++) {
    const u = tokenUniform(1, 2, 3, 4, position);
    expect(u).toBeGreaterThanOrEqual(0);
    expect(u).toBeLessThan(1);
    expect(Math.fround(u)).toBe(u);
  }
});
