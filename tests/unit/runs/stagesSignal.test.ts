// The preflight and the rule that ends labelling early: never against what the whole data would say.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mixedGroupProbability } from '#core/ares/difficulty.ts';
import { MIN_PROBLEMS_TO_STOP, checkSignal, isSurelyWithoutSignal, signalUpperBound } from '#core/runs/signal.ts';
import type { AresError } from '#core/util/errors.ts';

function refusal(...args: Parameters<typeof checkSignal>): AresError | null {
  try {
    checkSignal(...args);
    return null;
  } catch (thrown) {
    return thrown as AresError;
  }
}

describe('isSurelyWithoutSignal', () => {
  it('waits for enough problems, and needs more of them the less signal is demanded', () => {
    const needed = (minimum: number) =>
      Array.from({ length: 5000 }, (_, problems) => problems).find((problems) =>
        isSurelyWithoutSignal({ problems, mixed: 0 }, minimum),
      );
    expect(needed(0.5)).toBe(MIN_PROBLEMS_TO_STOP);
    // Wilson: z²/(n + z²) < minimum with z² = 3.8415.
    expect(needed(0.05)).toBe(73);
    expect(needed(0.01)).toBe(381);
    expect(needed(0)).toBeUndefined();
  });

  it('does not stop where a share of problems as large as demanded is still plausible', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.nat({ max: 2000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (problems, some, minimum) => {
          const mixed = Math.min(some, problems);
          fc.pre(mixed / problems >= minimum);
          expect(isSurelyWithoutSignal({ problems, mixed }, minimum)).toBe(false);
        },
      ),
    );
  });

  it('bounds what the preflight measures on the same problems', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 8 }), { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 2, max: 16 }),
        (correct, groupSize) => {
          const mixed = correct.filter((count) => count > 0 && count < 8).length;
          const measured =
            correct.reduce((sum, count) => sum + mixedGroupProbability(count / 8, groupSize), 0) / correct.length;
          expect(measured).toBeLessThanOrEqual(signalUpperBound({ problems: correct.length, mixed }) + 1e-12);
        },
      ),
    );
  });
});

describe('checkSignal', () => {
  it('accepts the demanded share exactly, and nothing at all never', () => {
    const rates = [0, 0, 0.5, 1];
    const share = mixedGroupProbability(0.5, 4) / 4;
    expect(refusal(rates, 4, share)).toBeNull();
    expect(refusal(rates, 4, share + 1e-9)?.code).toBe('no-signal');
    expect(refusal([0, 1], 4, 0)?.code).toBe('no-signal');
  });

  it('says which way the data are unsuitable', () => {
    expect(refusal([0, 0, 1], 8, 0.1)?.hint).toMatch(/easier problems/);
    expect(refusal([0, 1, 1], 8, 0.1)?.hint).toMatch(/harder problems/i);
    expect(refusal([0, 0, 0], 8, 0.1, 97)?.message).toMatch(/stopped after 3 of 100 problems/);
    expect(refusal([0, 0, 0], 8, 0.1)?.message).not.toMatch(/stopped/);
  });
});
