/**
 * N_target(d), the number of high-entropy tokens a bucket is steered to (METHOD §3.4).
 *
 * Owns: the three published rules and one of our own, the value each group gets, and the state between
 * batches. The target must be known before rewards are computed (bug B1), so it is a function of this
 * batch's counts and of the state alone.
 */
import { mean } from '#core/util/statistics.ts';
import { type Bucket, type PerBucket, type TargetOptions, perBucket } from './options.ts';

/** Moving average of N_HE per bucket; null for a bucket not seen yet. */
export type TargetState = PerBucket<number | null>;

export interface GroupCounts {
  bucket: Bucket;
  /** N_HE of every response of the group. */
  counts: readonly number[];
}

export interface BatchTargets {
  /** Per bucket; null where neither this batch nor an earlier one had a group. */
  bucketTargets: PerBucket<number | null>;
  /** [groups] what each group's responses are compared with. */
  groupTargets: number[];
  next: TargetState;
}

/** Nearest integer, halves to the even one, as Python's round() in the released code. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Targets of a batch and the state after it. Buckets absent from the batch keep their state. */
export function batchTargets(options: TargetOptions, state: TargetState, groups: readonly GroupCounts[]): BatchTargets {
  const responseMeans = perBucket((bucket) => {
    const counts = groups.filter((group) => group.bucket === bucket).flatMap((group) => group.counts);
    return counts.length === 0 ? null : mean(counts);
  });
  const next = perBucket((bucket) => {
    const past = state[bucket];
    const current = responseMeans[bucket];
    if (past === null || current === null) return current ?? past;
    return options.emaFactor * past + (1 - options.emaFactor) * current;
  });
  const bucketTargets = perBucket((bucket) => {
    const current = responseMeans[bucket];
    const factor = options.coefficients[bucket];
    switch (options.rule) {
      case 'laggedEma':
      case 'groupMean':
        return scaled(state[bucket] ?? current, factor);
      case 'batchMean':
        return scaled(current, factor);
      case 'roundedGroupMean': {
        const groupMeans = groups.filter((group) => group.bucket === bucket).map((group) => mean(group.counts));
        return groupMeans.length === 0 ? null : roundHalfEven(mean(groupMeans) * factor);
      }
    }
  });
  const groupTargets = groups.map(({ bucket, counts }) => groupTarget(options, bucket, bucketTargets[bucket]!, counts));
  return { bucketTargets, groupTargets, next };
}

function scaled(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}

/** What the responses of one group are held against. */
export function groupTarget(
  { rule, coefficients }: Pick<TargetOptions, 'rule' | 'coefficients'>,
  bucket: Bucket,
  bucketTarget: number,
  counts: readonly number[],
): number {
  return rule === 'groupMean' ? mean(counts) * coefficients[bucket] : bucketTarget;
}
