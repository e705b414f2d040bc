// The clustered bootstrap against enumeration of every resample.
import { describe, expect, it } from 'vitest';
import { bootstrapMeans, bootstrapPValue, meanOfPresent, percentileInterval } from '#core/compare/bootstrap.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';

const random = (substream = 0): RandomSequence => new RandomSequence(11, Stream.bootstrap, substream);

/** The means of all n^n equally likely resamples. */
function everyResample(values: readonly number[]): number[] {
  const n = values.length;
  return Array.from({ length: n ** n }, (_, code) => {
    let rest = code;
    const drawn = values.map(() => {
      const value = values[rest % n]!;
      rest = Math.floor(rest / n);
      return value;
    });
    return meanOfPresent(drawn);
  });
}

describe('bootstrapMeans', () => {
  const values = [0.25, 1, 0.5, 0, 0.75];

  it('draws resamples as often as enumeration says', () => {
    const exact = everyResample(values);
    const resamples = 40_000;
    const [means] = bootstrapMeans([Float64Array.from(values)], resamples, random());
    for (const threshold of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const expected = exact.filter((mean) => mean <= threshold).length / exact.length;
      const seen = means!.filter((mean) => mean <= threshold).length / resamples;
      const deviation = Math.sqrt((expected * (1 - expected)) / resamples);
      expect(Math.abs(seen - expected)).toBeLessThan(4 * deviation);
    }
  });

  it('gives the exact percentile interval', () => {
    const exact = percentileInterval(Float64Array.from(everyResample(values)));
    const [means] = bootstrapMeans([Float64Array.from(values)], 40_000, random());
    // Means of five quarters lie on a lattice of 0.05, so the quantiles agree exactly.
    const interval = percentileInterval(means!);
    expect(interval.low).toBeCloseTo(exact.low, 9);
    expect(interval.high).toBeCloseTo(exact.high, 9);
  });

  it('uses the same problems in every column, so that differences stay paired', () => {
    const first = Float64Array.of(1, 5, 2, 8, 3);
    const second = Float64Array.of(2, 2, 7, 1, 0);
    const difference = first.map((value, i) => value - second[i]!);
    const [a, b, d] = bootstrapMeans([first, second, difference], 200, random());
    d!.forEach((value, i) => expect(value).toBeCloseTo(a![i]! - b![i]!, 12));
  });

  it('repeats with its seed and differs with another', () => {
    const column = [Float64Array.from(values)];
    expect(bootstrapMeans(column, 50, random(1))).toEqual(bootstrapMeans(column, 50, random(1)));
    expect(bootstrapMeans(column, 50, random(1))).not.toEqual(bootstrapMeans(column, 50, random(2)));
  });

  it('leaves out problems without a value', () => {
    const [means] = bootstrapMeans([Float64Array.of(3, NaN, 3)], 300, random());
    // A resample of nothing but the missing problem has no mean; every other one is 3.
    expect(new Set(means)).toEqual(new Set([3, NaN]));
    expect(percentileInterval(means!)).toEqual({ low: 3, high: 3 });
    expect(bootstrapMeans([new Float64Array(0)], 2, random())[0]).toEqual(Float64Array.of(NaN, NaN));
  });
});

describe('bootstrapPValue', () => {
  it('equals twice the enumerated far tail, within Monte-Carlo error', () => {
    const differences = [-2, 1, 2, 3, 4];
    const exact = everyResample(differences);
    const tail = exact.filter((mean) => mean <= 0).length / exact.length;
    const resamples = 40_000;
    const [means] = bootstrapMeans([Float64Array.from(differences)], resamples, random());
    const deviation = 2 * Math.sqrt((tail * (1 - tail)) / resamples);
    expect(Math.abs(bootstrapPValue(means!, 40) - 2 * tail)).toBeLessThan(4 * deviation);
  });

  it('is symmetric, at most one, and one where nothing differs', () => {
    const means = Float64Array.of(-1, 0.5, 2, 3);
    expect(bootstrapPValue(means, 40)).toBe(
      bootstrapPValue(
        means.map((value) => -value),
        40,
      ),
    );
    expect(bootstrapPValue(new Float64Array(100), 40)).toBe(1);
  });

  it('never beats the sign-flip test of so few problems', () => {
    const allPositive = new Float64Array(10_000).fill(1);
    expect(bootstrapPValue(allPositive, 4)).toBe(1 / 8);
    expect(bootstrapPValue(allPositive, 1)).toBeNaN();
    expect(bootstrapPValue(allPositive, 60)).toBeCloseTo(2 / 10_001, 12);
  });
});
