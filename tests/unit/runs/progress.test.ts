// Progress over several stages and the estimate of what remains.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Progress,
  advance,
  estimate,
  formatRemaining,
  startClock,
  startProgress,
  stopClock,
} from '#core/runs/progress.ts';

const work = [
  { name: 'label', units: 10, costPerUnit: 1 },
  { name: 'policy', units: 5, costPerUnit: 4 },
];

/** Reports units one by one, each taking so long. */
function run(progress: Progress, stage: number, durationsMs: readonly number[], startMs: number, done = 0): Progress {
  let now = startMs;
  return durationsMs.reduce((state, duration, i) => advance(state, stage, done + i + 1, (now += duration)), progress);
}

describe('the fraction', () => {
  test('weighs units by their cost', () => {
    let progress = startClock(startProgress(work), 0);
    expect(estimate(progress, 0)).toEqual({ fraction: 0, stage: 0, remainingMs: null });
    progress = advance(progress, 0, 10, 1000);
    expect(estimate(progress, 1000)).toMatchObject({ fraction: 10 / 30, stage: 1 });
    progress = advance(progress, 1, 5, 2000);
    expect(estimate(progress, 2000)).toEqual({ fraction: 1, stage: 2, remainingMs: 0 });
  });

  test('of no work at all is whole', () => {
    expect(estimate(startProgress([]), 0)).toEqual({ fraction: 1, stage: 0, remainingMs: 0 });
  });

  test('never falls and time never becomes negative, whatever the pace', () => {
    const report = fc.record({ units: fc.integer({ min: 1, max: 3 }), durationMs: fc.integer({ min: 0, max: 1e7 }) });
    fc.assert(
      fc.property(fc.array(report, { maxLength: 60 }), fc.nat(1e6), (reports, waitMs) => {
        let progress = startClock(startProgress(work), 0);
        let [fraction, now, total] = [0, 0, 0];
        for (const { units, durationMs } of reports) {
          total = Math.min(15, total + units);
          now += durationMs;
          progress = advance(progress, 0, Math.min(10, total), now);
          if (total > 10) progress = advance(progress, 1, total - 10, now);
          const next = estimate(progress, now + waitMs);
          expect(next.fraction).toBeGreaterThanOrEqual(fraction);
          expect(next.fraction).toBeLessThanOrEqual(1);
          expect(next.remainingMs).toBeGreaterThanOrEqual(0);
          fraction = next.fraction;
        }
      }),
    );
  });
});

describe('the remaining time', () => {
  test('extends the pace of a stage, and the relative cost of stages not yet begun', () => {
    const progress = run(startClock(startProgress(work), 0), 0, [100, 100, 100, 100], 0);
    // 6 more of 100 ms, then 5 of four times that.
    expect(estimate(progress, 400).remainingMs).toBeCloseTo(6 * 100 + 5 * 400, 6);
  });

  test('believes a stage rather than its announced cost once it was timed', () => {
    let progress = run(startClock(startProgress(work), 0), 0, Array<number>(10).fill(100), 0);
    progress = advance(progress, 1, 1, 1000 + 50);
    expect(estimate(progress, 1050).remainingMs).toBeCloseTo(4 * 50, 6);
  });

  test('runs down between reports, but not past the unit that is awaited', () => {
    const progress = run(startClock(startProgress(work), 0), 0, Array<number>(9).fill(100), 0);
    const at = (nowMs: number) => estimate(progress, nowMs).remainingMs!;
    expect(at(900) - at(960)).toBeCloseTo(60, 6);
    expect(at(900) - at(99_999)).toBeCloseTo(100, 6);
  });

  test('counts what regularly comes between steps, but not a machine that slept', () => {
    const pace = [100, 100, 100, 1000, 100, 100, 100, 1000];
    const units = { name: 'policy', units: 108, costPerUnit: 1 };
    const regular = run(startClock(startProgress([units]), 0), 0, pace, 0);
    expect(estimate(regular, 2600).remainingMs).toBeCloseTo(100 * 325, 6);
    const slept = run(startClock(startProgress([units]), 0), 0, [100, 100, 3_600_000, 100, 100, 100, 100, 100], 0);
    // The hour counts as twenty typical steps.
    expect(estimate(slept, 3_600_700).remainingMs).toBeCloseTo((100 * (7 * 100 + 20 * 100)) / 8, 6);
  });

  test('follows a machine that becomes slower', () => {
    const units = { name: 'policy', units: 200, costPerUnit: 1 };
    const progress = run(
      startClock(startProgress([units]), 0),
      0,
      [...Array<number>(60).fill(10), ...Array<number>(40).fill(90)],
      0,
    );
    expect(estimate(progress, 4200).remainingMs).toBeCloseTo(100 * 90, 6);
  });

  test('leaves pauses out', () => {
    let progress = run(startClock(startProgress(work), 0), 0, [100, 100], 0);
    progress = startClock(stopClock(progress), 1e9);
    progress = advance(progress, 0, 3, 1e9 + 100);
    expect(estimate(progress, 1e9 + 100).remainingMs).toBeCloseTo(7 * 100 + 5 * 400, 6);
  });

  test('is not confused by a return to a checkpoint', () => {
    let progress = run(startClock(startProgress(work), 0), 0, [100, 100, 100], 0);
    progress = advance(progress, 0, 1, 350);
    const { fraction, remainingMs } = estimate(progress, 350);
    expect(fraction).toBe(1 / 30);
    expect(remainingMs).toBeCloseTo(9 * 100 + 5 * 400, 6);
  });
});

test.each([
  [0, '0 s'],
  [999, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min 00 s'],
  [200_000, '3 min 20 s'],
  [3_599_999, '59 min 59 s'],
  [7_500_000, '2 h 05 min'],
  [86_399_999, '23 h 59 min'],
  [100_800_000, '1 d 04 h'],
])('%d ms is written %s', (durationMs, text) => {
  expect(formatRemaining(durationMs)).toBe(text);
});
