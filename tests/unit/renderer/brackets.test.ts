// The histogram of difficulty and the band over it: both count the same problems, whatever their number of samples.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketOf, passRateBracket } from '#core/ares/difficulty.ts';
import { buckets, defaultOptions } from '#core/ares/options.ts';
import {
  BRACKETS,
  bucketOfBracket,
  judgedPairs,
  passRatesOf,
  summarise,
  wholeBand,
} from '../../../renderer/rooms/difficulty/brackets.ts';

const label = fc
  .tuple(fc.integer({ min: 0, max: 64 }), fc.nat({ max: 64 }))
  .map(([samples, correct]) => ({ samples, correct: Math.min(samples, correct) }));

describe('a band', () => {
  it('means the pass rates of exactly the brackets in it', () => {
    const ends = fc.tuple(fc.nat({ max: BRACKETS }), fc.nat({ max: BRACKETS }));
    fc.assert(
      fc.property(label, ends, ({ samples, correct }, [a, b]) => {
        fc.pre(samples > 0);
        const band = { first: Math.min(a, b), last: Math.max(a, b) };
        const { low, high } = passRatesOf(band);
        // As the store compares.
        const isWithin = correct >= low * samples - 1e-9 && correct <= high * samples + 1e-9;
        const bracket = passRateBracket(correct, samples, BRACKETS);
        expect(isWithin).toBe(band.first <= bracket && bracket <= band.last);
      }),
      { numRuns: 3000 },
    );
  });

  it('that is whole means every pass rate', () => {
    expect(passRatesOf(wholeBand)).toEqual({ low: 0, high: 1 });
  });
});

describe('summarise', () => {
  it('counts every problem once, by bracket and by bucket', () => {
    fc.assert(
      fc.property(fc.array(label), (labels) => {
        const columns = {
          samples: Int32Array.from(labels, ({ samples }) => samples),
          correct: Int32Array.from(labels, ({ correct }) => correct),
        };
        const summary = summarise(columns);
        const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
        expect(total(summary.perBracket)).toBe(summary.labelled);
        expect(total(buckets.map((bucket) => summary.perBucket[bucket]))).toBe(summary.labelled);
        expect(summary.labelled + summary.unlabelled).toBe(labels.length);
        for (const bucket of buckets)
          expect(summary.perBucket[bucket]).toBe(
            labels.filter(
              ({ samples, correct }) => samples > 0 && bucketOf(correct, samples, defaultOptions.buckets) === bucket,
            ).length,
          );
      }),
    );
  });

  it('colours brackets as METHOD names them', () => {
    const names = Array.from({ length: 9 }, (_, bracket) => bucketOfBracket(bracket));
    expect(names.join(' ')).toBe('hard hard hard medium medium medium easy easy easy');
  });
});

describe('judgedPairs', () => {
  it('are the problems that both judged, by hand first', () => {
    const columns = {
      problemId: Int32Array.of(1, 2, 3, 4),
      samples: Int32Array.of(8, 8, 0, 8),
      correct: Int32Array.of(0, 4, 0, 8),
      intervalLow: new Float32Array(4),
      intervalHigh: new Float32Array(4),
      meanLengthTokens: new Float32Array(4),
      human: Uint8Array.of(1, 0, 2, 3),
    };
    expect([...judgedPairs(columns)]).toEqual([
      ['easy', 'hard'],
      ['hard', 'easy'],
    ]);
  });
});
