/**
 * How hard a problem is for one model: buckets, pass-rate brackets, labels (METHOD §2.2, §3.2).
 *
 * Owns: everything that follows from counting right answers. Correctness is binary and comes from
 * the grader; a shaped reward never enters here, because filtering or labelling by one lets
 * all-wrong groups look better than they are.
 */
import { AresError } from '#core/util/errors.ts';
import { type Interval, wilsonInterval } from '#core/util/statistics.ts';
import type { Bucket, BucketOptions } from './options.ts';

/** Bucket of `correct` right answers out of `samples`, by counts (§3.2): 6 and 3 of 8 by default. */
export function bucketOf(correct: number, samples: number, options: BucketOptions): Bucket {
  if (correct * options.of >= options.easyAtLeast * samples) return 'easy';
  if (correct * options.of >= options.mediumAtLeast * samples) return 'medium';
  return 'hard';
}

/**
 * Bracket of pass rate, 0 (never solved) … brackets (always solved). With `samples` a multiple of
 * `brackets` this is the count itself; otherwise the nearest inner bracket, while the end brackets
 * stay reserved for problems that are never or always solved.
 */
export function passRateBracket(correct: number, samples: number, brackets: number): number {
  if (correct === 0) return 0;
  if (correct === samples) return brackets;
  return Math.min(brackets - 1, Math.max(1, Math.round((brackets * correct) / samples)));
}

/** Buckets that an interval of pass rates touches: more than one means the label is not certain. */
export function bucketsWithin(interval: Interval, options: BucketOptions): Bucket[] {
  const easyFrom = options.easyAtLeast / options.of;
  const mediumFrom = options.mediumAtLeast / options.of;
  const touched: Bucket[] = [];
  if (interval.high >= easyFrom) touched.push('easy');
  if (interval.high >= mediumFrom && interval.low < easyFrom) touched.push('medium');
  if (interval.low < mediumFrom) touched.push('hard');
  return touched;
}

/** Under which circumstances a difficulty was measured; without them the number means nothing. */
export interface LabelProvenance {
  /** Identity of the model that answered (hash of its weights). */
  model: string;
  grader: string;
  temperature: number;
  maxNewTokens: number;
}

export interface DifficultyLabel extends LabelProvenance {
  correct: number;
  samples: number;
  passRate: number;
  /** Wilson 95 % interval of the pass rate. */
  interval: Interval;
  bucket: Bucket;
  /** Buckets the interval touches. */
  plausibleBuckets: Bucket[];
}

/**
 * The label of one problem.
 * @throws AresError 'bad-data' unless 0 ≤ correct ≤ samples and samples ≥ 1
 */
export function difficultyLabel(
  correct: number,
  samples: number,
  provenance: LabelProvenance,
  options: BucketOptions,
): DifficultyLabel {
  if (!(Number.isInteger(correct) && Number.isInteger(samples) && correct >= 0 && correct <= samples && samples >= 1)) {
    throw new AresError('bad-data', `${correct} right answers out of ${samples} is no pass rate.`);
  }
  const interval = wilsonInterval(correct, samples);
  return {
    ...provenance,
    correct,
    samples,
    passRate: correct / samples,
    interval,
    bucket: bucketOf(correct, samples, options),
    plausibleBuckets: bucketsWithin(interval, options),
  };
}

/**
 * Probability that a group of responses holds both right and wrong answers, 1 − p^G − (1 − p)^G: the
 * share of the work that will teach anything by correctness.
 */
export function mixedGroupProbability(passRate: number, groupSize: number): number {
  return 1 - passRate ** groupSize - (1 - passRate) ** groupSize;
}
