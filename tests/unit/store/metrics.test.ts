// Metrics: what is written is read, and decimation in SQL equals decimation by hand.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { run, temporaryStore } from './helpers.ts';

test('a series comes back by step, whatever the order and number of batches; NaN and infinity survive', () => {
  const { metrics, runs } = temporaryStore();
  const runId = runs.create(run, []);
  metrics.write(runId, 1, [{ step: 5, values: { loss: NaN, reward: -Infinity } }]);
  metrics.write(runId, 1, [
    { step: 0, values: { loss: 0.1 } },
    { step: 2 ** 31 - 1, values: { loss: -0.25 } },
  ]);
  const series = metrics.read({ runId, stage: 1, name: 'loss' });
  expect(series.step).toEqual(Int32Array.of(0, 5, 2 ** 31 - 1));
  expect(series.value).toEqual(Float64Array.of(0.1, NaN, -0.25));
  expect(metrics.read({ runId, stage: 1, name: 'reward' }).value).toEqual(Float64Array.of(-Infinity));
  expect(metrics.read({ runId, stage: 1, name: 'unheard of' }).step.length).toBe(0);
  expect(metrics.summaries(runId)).toEqual([
    { stage: 1, name: 'loss', points: 3, lastStep: 2 ** 31 - 1, lastValue: -0.25 },
    { stage: 1, name: 'reward', points: 1, lastStep: 5, lastValue: -Infinity },
  ]);
});

test('series of other runs, stages and names are kept apart', () => {
  const { metrics, runs } = temporaryStore();
  const [first, second] = [runs.create(run, []), runs.create(run, [])];
  metrics.write(first, 0, [{ step: 0, values: { loss: 1, other: 2 } }]);
  metrics.write(first, 1, [{ step: 0, values: { loss: 3 } }]);
  metrics.write(second, 0, [{ step: 0, values: { loss: 4 } }]);
  expect(metrics.read({ runId: first, stage: 0, name: 'loss' }).value).toEqual(Float64Array.of(1));
  expect(metrics.readDecimated({ runId: first, stage: 0, name: 'loss' }, 10).max).toEqual(Float64Array.of(1));
  expect(metrics.readDecimated({ runId: first, stage: 1, name: 'loss' }, 10).max).toEqual(Float64Array.of(3));
});

test('a run resumed from a step forgets what came after, in later stages too, and logs it again', () => {
  const { metrics, runs } = temporaryStore();
  const runId = runs.create(run, []);
  for (const stage of [0, 1, 2]) {
    metrics.write(
      runId,
      stage,
      [0, 1, 2].map((step) => ({ step, values: { loss: step } })),
    );
  }
  metrics.removeAfter(runId, 1, 1);
  const steps = (stage: number) => metrics.read({ runId, stage, name: 'loss' }).step.length;
  expect([steps(0), steps(1), steps(2)]).toEqual([3, 2, 0]);
  metrics.write(runId, 1, [{ step: 1, values: { loss: 10 } }]);
  expect(metrics.read({ runId, stage: 1, name: 'loss' }).value).toEqual(Float64Array.of(0, 10));
});

test('a batch with a run that does not exist writes nothing', () => {
  const { metrics, runs } = temporaryStore();
  const runId = runs.create(run, []);
  expect(() => metrics.write(runId + 1, 0, [{ step: 0, values: { loss: 1 } }])).toThrow(/FOREIGN KEY/);
  metrics.write(runId, 0, [{ step: 0, values: { loss: 1 } }]);
  expect(metrics.read({ runId, stage: 0, name: 'loss' }).value).toEqual(Float64Array.of(1));
});

describe('decimation', () => {
  interface Point {
    step: number;
    value: number;
  }

  /** Equal width in steps from the first point to the last, empty buckets left out. */
  function byHand(points: readonly Point[], buckets: number) {
    const sorted = points.toSorted((a, b) => a.step - b.step);
    const low = sorted[0]!.step;
    const width = sorted.at(-1)!.step - low + 1;
    const grouped = Map.groupBy(sorted, ({ step }) => Math.floor(((step - low) * buckets) / width));
    return [...grouped.values()].map((bucket) => {
      const numbers = bucket.map(({ value }) => value).filter((value) => !Number.isNaN(value));
      return {
        firstStep: bucket[0]!.step,
        lastStep: bucket.at(-1)!.step,
        points: bucket.length,
        min: numbers.length === 0 ? NaN : Math.min(...numbers),
        max: numbers.length === 0 ? NaN : Math.max(...numbers),
        mean: numbers.reduce((sum, value) => sum + value, 0) / numbers.length,
      };
    });
  }

  test('equals brute force on any series', () => {
    const { metrics, runs } = temporaryStore();
    let runId = 0;
    const point = fc.record({
      step: fc.integer({ min: 0, max: 300 }),
      // SQLite keeps no sign of zero; adding 0 removes it here too.
      value: fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constant(NaN)).map((value) => value + 0),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(point, { selector: ({ step }) => step, minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 60 }),
        (points, buckets) => {
          runId = runs.create(run, []);
          metrics.write(
            runId,
            0,
            points.map(({ step, value }) => ({ step, values: { loss: value } })),
          );
          const decimated = metrics.readDecimated({ runId, stage: 0, name: 'loss' }, buckets);
          const expected = byHand(points, buckets);
          expect(decimated.firstStep.length).toBeLessThanOrEqual(buckets);
          for (const column of ['firstStep', 'lastStep', 'points', 'min', 'max'] as const) {
            expect([...decimated[column]], column).toEqual(expected.map((bucket) => bucket[column]));
          }
          for (const [i, { mean, min, max }] of expected.entries()) {
            // The database adds with compensation, so only the last digits may differ.
            const tolerance = 1e-12 * Math.max(1, Math.abs(min), Math.abs(max)) * 200;
            if (Number.isNaN(mean)) expect(decimated.mean[i]).toBeNaN();
            else expect(Math.abs(decimated.mean[i]! - mean)).toBeLessThanOrEqual(tolerance);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test('of a short series is the series itself, and of an empty one empty', () => {
    const { metrics, runs } = temporaryStore();
    const runId = runs.create(run, []);
    metrics.write(
      runId,
      0,
      [0, 10, 20, 30].map((step) => ({ step, values: { loss: step / 7 } })),
    );
    const decimated = metrics.readDecimated({ runId, stage: 0, name: 'loss' }, 1000);
    const series = metrics.read({ runId, stage: 0, name: 'loss' });
    expect(decimated.firstStep).toEqual(series.step);
    expect(decimated.lastStep).toEqual(series.step);
    for (const column of ['min', 'max', 'mean'] as const) expect(decimated[column]).toEqual(series.value);
    expect(metrics.readDecimated({ runId, stage: 0, name: 'none' }, 5).firstStep.length).toBe(0);
  });

  test('one outlier in ten thousand steps is never lost', () => {
    const { metrics, runs } = temporaryStore();
    const runId = runs.create(run, []);
    const steps = Array.from({ length: 10_000 }, (_, step) => ({ step, values: { loss: step === 6789 ? 99 : 1 } }));
    metrics.write(runId, 0, steps);
    const { min, max, points } = metrics.readDecimated({ runId, stage: 0, name: 'loss' }, 400);
    expect(max.length).toBe(400);
    expect(Math.max(...max)).toBe(99);
    expect(Math.min(...min)).toBe(1);
    expect(points.every((count) => count === 25)).toBe(true);
  });
});
