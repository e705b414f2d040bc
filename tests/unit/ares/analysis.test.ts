// Measurements of the paper's findings on data whose answer is known.
import { describe, expect, it } from 'vitest';
import {
  type CountedResponse,
  entropyDifficultyTable,
  lengthFits,
  windowSweep,
  wordTable,
} from '#core/ares/analysis.ts';
import { windowMeans } from '#core/ares/windows.ts';
import { wilsonInterval } from '#core/util/statistics.ts';

function response(
  count: number,
  lengthTokens: number,
  correct = true,
  bucket: 'easy' | 'hard' = 'easy',
): CountedResponse {
  return { bucket, correct, count, lengthTokens };
}

describe('lengthFits', () => {
  it('recovers a line, per bucket', () => {
    const line = [0, 1, 2, 5].map((count) => response(count, 30 + 7 * count));
    const fits = lengthFits([...line, response(1, 100, true, 'hard'), response(1, 200, true, 'hard')]);
    expect(fits.easy).toEqual({
      responses: 4,
      interceptTokens: expect.closeTo(30, 9),
      slope: expect.closeTo(7, 9),
      r2: expect.closeTo(1, 9),
    });
    expect(fits.hard).toEqual({ responses: 2, interceptTokens: 150, slope: null, r2: null });
    expect(fits.medium).toBeNull();
  });

  it('has no explained variance where length does not follow the count', () => {
    const points = [response(0, 10), response(0, 20), response(2, 10), response(2, 20)];
    expect(lengthFits(points).easy).toMatchObject({ slope: 0, r2: 0 });
  });
});

describe('entropyDifficultyTable', () => {
  it('splits accuracy at the mean count, and length and count by correctness', () => {
    const table = entropyDifficultyTable([
      response(0, 10, true),
      response(3, 20, true),
      response(3, 30, false),
      response(6, 60, false),
    ]);
    expect(table.easy).toEqual({
      thresholdCount: 3,
      below: { responses: 3, accuracy: 2 / 3, interval: wilsonInterval(2, 3) },
      above: { responses: 1, accuracy: 0, interval: wilsonInterval(0, 1) },
      all: { responses: 4, meanLengthTokens: 30, meanCount: 3 },
      correct: { responses: 2, meanLengthTokens: 15, meanCount: 1.5 },
      wrong: { responses: 2, meanLengthTokens: 45, meanCount: 4.5 },
    });
    expect(table.hard).toBeNull();
    expect(entropyDifficultyTable([response(1, 5)]).easy).toMatchObject({ above: null, wrong: null });
  });
});

describe('windowSweep', () => {
  // Two triggers that open a run of four uncertain tokens, and two lone uncertain tokens that are none.
  const entropiesNats = Float32Array.of(2, 2, 2, 2, 0, 0, 3, 0, 0, 0, 2, 2, 2, 2, 0, 0, 3, 0, 0, 0);
  const triggers = Uint8Array.from(entropiesNats, (_, t) => (t === 0 || t === 10 ? 1 : 0));

  it('finds that windows tell a decision from a lone uncertain token', () => {
    const points = windowSweep([{ entropiesNats, triggers }], [1, 4], [0.9], 'inclusive');
    expect(points.map(({ windowSize, f1 }) => [windowSize, f1])).toEqual([
      [1, 0],
      [4, 1],
    ]);
  });

  it('flags everything at percentile 0, with the precision of chance', () => {
    const [point] = windowSweep([{ entropiesNats, triggers }], [1], [0], 'inclusive');
    expect(point).toMatchObject({ recall: 1, precision: 0.1 });
    expect(point!.f1).toBeCloseTo((2 * 0.1) / 1.1, 12);
  });

  it('is 0, not NaN, without windows or words', () => {
    const short = { entropiesNats: Float32Array.of(1), triggers: Uint8Array.of(0) };
    expect(windowSweep([short], [4], [0.5], 'inclusive')[0]).toMatchObject({ precision: 0, recall: 0, f1: 0 });
  });
});

describe('wordTable', () => {
  it('counts words by validity and averages their entropy', () => {
    const entropiesNats = Float32Array.of(2, 2, 0, 0, 1, 0);
    const rows = wordTable(
      [
        {
          texts: ['Wait', ' x', ' wait', ' x', ' But', ' '],
          entropiesNats,
          windowMeansNats: windowMeans(entropiesNats, { size: 2, alignment: 'inclusive' }),
          thetaNats: 1,
        },
      ],
      new Set(['wait', 'but']),
    );
    expect(rows).toEqual([
      { word: 'wait', occurrences: 2, meanEntropyNats: 1, valid: 1, invalid: 1, isTrigger: true },
      { word: 'x', occurrences: 2, meanEntropyNats: 1, valid: 1, invalid: 1, isTrigger: false },
      { word: 'but', occurrences: 1, meanEntropyNats: 1, valid: 0, invalid: 1, isTrigger: true },
    ]);
  });
});
