// What a threshold makes of a trace: it must agree with the method's own count.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countHighEntropy } from '#core/ares/counts.ts';
import { countDefinitions } from '#core/ares/options.ts';
import {
  type Judged,
  judge,
  meansOf,
  neighbouringTrigger,
  neighbouringWindow,
  ownThreshold,
} from '#renderer/rooms/entropy/judgement.ts';

function trace(entropies: number[], triggers: number[], changes: Partial<Judged> = {}): Judged {
  return {
    entropiesNats: Float32Array.from(entropies),
    triggers: Uint8Array.from(triggers),
    window: { size: 2, alignment: 'inclusive' },
    count: { definition: 'C', word: 'sampled' },
    ...changes,
  };
}

describe('judge', () => {
  // Window means: 0, 1, 2, 1, 0, 0.5, –
  const sample = trace([0, 0, 2, 2, 0, 0, 1], [1, 0, 1, 0, 1, 0, 1]);

  it('outlines every token of the windows that reach the threshold', () => {
    const { windows, inWindow } = judge(sample, meansOf(sample), 1);
    expect(windows).toEqual([{ start: 1, end: 5, excessNats: 1 }]);
    expect([...inWindow]).toEqual([0, 1, 1, 1, 1, 0, 0]);
  });

  it('sorts trigger words into valid, invalid and undecided', () => {
    expect([...judge(sample, meansOf(sample), 1).triggers]).toEqual([2, 0, 1, 0, 2, 0, 3]);
    expect([...judge(sample, meansOf(sample), 0).triggers]).toEqual([1, 0, 1, 0, 1, 0, 3]);
  });

  it('starts an exclusive window one token later', () => {
    const later = { ...sample, window: { size: 2, alignment: 'exclusive' } } as const;
    const { windows } = judge(later, meansOf(later), 2);
    expect(windows).toEqual([{ start: 2, end: 4, excessNats: 0 }]);
  });

  it('counts as the method does under every definition, and its windows cover what is counted', () => {
    const token = fc.record({ nats: fc.double({ min: 0, max: 3, noNaN: true }), trigger: fc.nat(1) });
    fc.assert(
      fc.property(
        fc.array(token, { maxLength: 60 }),
        fc.constantFrom(...countDefinitions),
        fc.constantFrom('inclusive' as const, 'exclusive' as const),
        fc.double({ min: 0, max: 3, noNaN: true }),
        (tokens, definition, alignment, theta) => {
          const drawn = trace(
            tokens.map(({ nats }) => nats),
            tokens.map(({ trigger }) => trigger),
            { window: { size: 4, alignment }, count: { definition, word: 'sampled' } },
          );
          const means = meansOf(drawn);
          const { count, inWindow, windows, triggers } = judge(drawn, means, theta);
          const expected = countHighEntropy(
            definition,
            { entropiesNats: drawn.entropiesNats, windowMeansNats: means },
            drawn.triggers,
            theta,
          );
          expect(count).toEqual(expected);
          expect(triggers.filter((state) => state === 1)).toHaveLength(expected.validTriggers);
          expect(triggers.filter((state) => state === 2)).toHaveLength(expected.invalidTriggers);
          const covered = windows.reduce((total, { start, end }) => total + end - start, 0);
          expect(covered).toBe(inWindow.reduce((total, inside) => total + inside, 0));
        },
      ),
    );
  });
});

describe('moving', () => {
  const windows = [
    { start: 3, end: 7, excessNats: 0 },
    { start: 20, end: 24, excessNats: 0 },
  ];

  it('goes to the next window and the one before, and stays where there is none', () => {
    expect(neighbouringWindow(windows, 0, 1)).toBe(3);
    expect(neighbouringWindow(windows, 3, 1)).toBe(20);
    expect(neighbouringWindow(windows, 20, 1)).toBeNull();
    expect(neighbouringWindow(windows, 20, -1)).toBe(3);
    expect(neighbouringWindow(windows, 3, -1)).toBeNull();
  });

  it('goes from trigger to trigger', () => {
    const triggers = Uint8Array.of(0, 2, 0, 1, 3);
    expect(neighbouringTrigger(triggers, 0, 1)).toBe(1);
    expect(neighbouringTrigger(triggers, 3, 1)).toBe(4);
    expect(neighbouringTrigger(triggers, 4, 1)).toBeNull();
    expect(neighbouringTrigger(triggers, 1, -1)).toBeNull();
  });
});

it("a trace's own threshold is a quantile of its complete windows", () => {
  expect(ownThreshold(Float64Array.of(1, 2, 3, NaN), 0.5)).toBe(2);
  expect(ownThreshold(Float64Array.of(NaN), 0.5)).toBe(0);
});
