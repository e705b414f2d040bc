// Threshold rules T1–T5 and the reconciled one: their values, their memory, when they apply.
import { describe, expect, it } from 'vitest';
import { type ThresholdOptions, defaultOptions } from '#core/ares/options.ts';
import {
  type ResponseEntropies,
  FALLBACK_NATS,
  batchThresholds,
  bootstrapThreshold,
  forkThreshold,
  measureThreshold,
} from '#core/ares/thresholds.ts';
import { windowMeans } from '#core/ares/windows.ts';
import { mean, median, quantile } from '#core/util/statistics.ts';
import { goldenEntropies } from './golden.ts';

function options(patch: Partial<ThresholdOptions>): ThresholdOptions {
  return { ...defaultOptions.threshold, ...patch };
}

function response(entropies: ArrayLike<number>, size = 2): ResponseEntropies {
  const entropiesNats = Float32Array.from(entropies);
  return {
    entropiesNats,
    windowMeansNats: windowMeans(Float64Array.from(entropies), { size, alignment: 'inclusive' }),
  };
}

const a = response([0, 1, 2, 3, 4]);
const b = response([0, 0, 0, 2]);
const c = response([1, 1, 1, 5]);
const empty = { thetaNats: null };

describe('measureThreshold', () => {
  it('T4 gives the golden percentiles', () => {
    const truncated = goldenEntropies('truncated');
    expect(measureThreshold(options({ rule: 'T4' }), [response(truncated, 2)])).toBeCloseTo(1.009324, 6);
    expect(measureThreshold(options({ rule: 'T4' }), [response(truncated, 4)])).toBeCloseTo(0.937165, 6);
  });

  it('combines as each rule says', () => {
    const q = 0.75;
    const token = [a, b, c].map(({ entropiesNats }) => quantile(entropiesNats, q));
    const window = [quantile([0.5, 1.5, 2.5, 3.5], q), quantile([0, 0, 1], q), quantile([1, 1, 3], q)];
    const padded = [quantile([0.5, 1.5, 2.5, 3.5, 2], q), quantile([0, 0, 1, 1 / 3], q), quantile([1, 1, 3, 5 / 3], q)];
    const at = (rule: ThresholdOptions['rule']): number => measureThreshold(options({ rule, quantile: q }), [a, b, c]);
    expect(at('T1')).toBeCloseTo(mean(token), 12);
    expect(at('T3')).toBeCloseTo(quantile([0, 1, 2, 3, 4, 0, 0, 0, 2, 1, 1, 1, 5], q), 12);
    expect(at('T4')).toBeCloseTo(median(padded), 12);
    expect(at('ares')).toBeCloseTo(mean(window), 12);
  });

  it('leaves out responses shorter than a window, and is NaN with nothing else', () => {
    const short = response([3]);
    expect(measureThreshold(options({ rule: 'ares' }), [a, short])).toBe(
      measureThreshold(options({ rule: 'ares' }), [a]),
    );
    expect(measureThreshold(options({ rule: 'T4' }), [short])).toBeNaN();
  });
});

describe('batchThresholds', () => {
  it('T2 gives every group its own threshold', () => {
    const { groupNats } = batchThresholds(options({ rule: 'T2' }), empty, [[a], [b, c]]);
    expect(groupNats[0]).toBeCloseTo(quantile(a.entropiesNats, 0.95), 12);
    expect(groupNats[1]).toBeCloseTo((quantile(b.entropiesNats, 0.95) + quantile(c.entropiesNats, 0.95)) / 2, 12);
  });

  it('T1 ignores the past but remembers its value for forks', () => {
    const rule = options({ rule: 'T1' });
    const fresh = batchThresholds(rule, empty, [[a]]);
    expect(batchThresholds(rule, { thetaNats: 99 }, [[a]])).toEqual(fresh);
    expect(forkThreshold(rule, fresh.next)).toBe(fresh.groupNats[0]);
  });

  it.each(['T4', 'ares'] as const)('%s counts the first batch with its own value, later ones with the past', (rule) => {
    const chosen = options({ rule, emaFactor: 0.9 });
    const first = batchThresholds(chosen, empty, [[a]]);
    expect(first.groupNats).toEqual([first.measuredNats]);
    const second = batchThresholds(chosen, first.next, [[b]]);
    expect(second.groupNats).toEqual([first.measuredNats]);
    expect(second.next.thetaNats).toBeCloseTo(0.9 * first.measuredNats + 0.1 * second.measuredNats, 12);
  });

  it('T5 lets everything qualify until bootstrapped by the mean of validation quantiles', () => {
    const rule = options({ rule: 'T5' });
    expect(batchThresholds(rule, empty, [[a]]).groupNats).toEqual([-1]);
    const state = bootstrapThreshold(rule, [a, b, c]);
    expect(state.thetaNats).toBeCloseTo(
      mean([a, b, c].map((one) => measureThreshold(options({ rule: 'T4' }), [one]))),
      12,
    );
    expect(batchThresholds(rule, state, [[a]]).groupNats).toEqual([state.thetaNats]);
  });

  it('scale lowers what counts, not what is remembered', () => {
    const full = batchThresholds(options({}), empty, [[a]]);
    const scaled = batchThresholds(options({ scale: 0.8 }), empty, [[a]]);
    expect(scaled.groupNats[0]).toBeCloseTo(0.8 * full.groupNats[0]!, 12);
    expect(scaled.next).toEqual(full.next);
    expect(forkThreshold(options({ scale: 0.8 }), full.next)).toBeCloseTo(scaled.groupNats[0]!, 12);
  });

  it('falls back to 1.5 nats, keeps its memory, and does not fork, when nothing can be measured', () => {
    const short = response([3]);
    const nothing = batchThresholds(options({}), empty, [[short]]);
    expect(nothing.groupNats).toEqual([FALLBACK_NATS]);
    expect(nothing.next).toEqual(empty);
    expect(forkThreshold(options({}), nothing.next)).toBeNull();
    expect(batchThresholds(options({}), { thetaNats: 0.7 }, [[short]]).next).toEqual({ thetaNats: 0.7 });
  });
});
