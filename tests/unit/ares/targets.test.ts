// Target counts: the rules, and the memory of those that have one.
import { describe, expect, it } from 'vitest';
import { type TargetOptions, defaultOptions, perBucket } from '#core/ares/options.ts';
import { batchTargets, roundHalfEven } from '#core/ares/targets.ts';

const none = perBucket<number | null>(() => null);
const groups = [
  { bucket: 'easy' as const, counts: [1, 2] },
  { bucket: 'easy' as const, counts: [4, 6] },
  { bucket: 'hard' as const, counts: [10, 13] },
];

function options(patch: Partial<TargetOptions>): TargetOptions {
  return { ...defaultOptions.target, ...patch };
}

describe('laggedEma', () => {
  it('starts at the batch mean and then follows earlier batches only', () => {
    const first = batchTargets(options({ emaFactor: 0.9 }), none, groups);
    expect(first.bucketTargets).toEqual({ easy: 3.25, medium: null, hard: 11.5 });
    const second = batchTargets(options({ emaFactor: 0.9 }), first.next, [{ bucket: 'easy', counts: [13.25] }]);
    expect(second.bucketTargets).toEqual({ easy: 3.25, medium: null, hard: 11.5 });
    expect(second.next.easy).toBeCloseTo(4.25, 12);
    expect(second.next.hard).toBe(11.5);
  });

  it('with factor 0 is the previous batch alone', () => {
    const past = { easy: 7, medium: null, hard: null };
    const { bucketTargets, next } = batchTargets(options({ emaFactor: 0 }), past, groups);
    expect([bucketTargets.easy, next.easy]).toEqual([7, 3.25]);
  });
});

describe('the rules of the same batch', () => {
  it('batchMean ignores the past', () => {
    const past = perBucket(() => 99);
    expect(batchTargets(options({ rule: 'batchMean' }), past, groups).groupTargets).toEqual([3.25, 3.25, 11.5]);
  });

  it('roundedGroupMean rounds the mean of group means half to even, after its coefficient', () => {
    const rounded = batchTargets(options({ rule: 'roundedGroupMean' }), none, groups);
    expect(rounded.bucketTargets).toEqual({ easy: 3, medium: null, hard: 12 });
    const coefficients = { easy: 2, medium: 1, hard: 1 };
    expect(batchTargets(options({ rule: 'roundedGroupMean', coefficients }), none, groups).bucketTargets.easy).toBe(6);
  });

  it('roundHalfEven agrees with Python', () => {
    expect([0.5, 1.5, 2.5, 3.5, 54.5, 2.4, 2.6, 0].map(roundHalfEven)).toEqual([0, 2, 2, 4, 54, 2, 3, 0]);
  });
});

describe('groupMean', () => {
  it('compares every group with itself, and moves the targets of the buckets as laggedEma does', () => {
    const past = { easy: 3, medium: 3, hard: null };
    const coefficients = { easy: 1, medium: 1, hard: 2 };
    const own = batchTargets(options({ rule: 'groupMean', coefficients }), past, groups);
    expect(own.groupTargets).toEqual([1.5, 5, 23]);
    const lagged = batchTargets(options({ coefficients }), past, groups);
    expect([own.bucketTargets, own.next]).toEqual([lagged.bucketTargets, lagged.next]);
  });
});
