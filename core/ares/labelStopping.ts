/**
 * When to stop sampling a problem whose bucket is all that is wanted.
 *
 * Owns: the looks, the boundaries of the rule 'certain', and their exact error. Only for buckets: the
 * pass-rate brackets of AdaCS need every sample.
 *
 * An interval that is looked at after every sample excludes the truth more often than it says, because
 * each look is a further chance to err. So the boundaries are not those of an interval. Whatever the pass
 * rate, all orders of the samples are equally likely once it is known how many of all of them are right:
 * the way to that number is drawing from an urn without replacement. So the chance of ending with another
 * bucket than all samples would have given is a finite sum, for every number of right ones, and the
 * boundaries are widened until the largest of these chances reaches the level. That holds for every
 * problem and so for every mixture of problems; no distribution of pass rates is assumed. (A truncated
 * sequential test by stochastic curtailment, Lan, Simon & Halperin 1982, calibrated exactly.)
 */
import { bucketOf } from './difficulty.ts';
import type { BucketOptions, LabelStopRule } from './options.ts';

/** Largest chance, under 'certain', that a bucket is not the one that all samples would have given. */
export const CERTAIN_ERROR = 0.05;

export interface LabelStopping {
  /** Numbers of samples after which a problem is looked at, the last being all of them. */
  readonly looks: readonly number[];
  /** Whether a problem needs no more samples; false between two looks. */
  hasEnough(correct: number, drawn: number): boolean;
  /**
   * Of a problem of which `correct` of all samples would be right, over the orders in which they come: the
   * chance that its bucket is another than theirs, and how many samples are drawn on average.
   */
  expectation(correct: number): { error: number; drawn: number };
}

export interface Looks {
  /** Samples before the first look; null for as few as can decide anything. */
  firstSamples: number | null;
  /** Between two looks. */
  moreSamples: number;
}

/**
 * Whether the samples that are left cannot change the bucket: all of them right and all of them wrong lead
 * to the same one.
 */
export function isBucketSettled(correct: number, drawn: number, samples: number, options: BucketOptions): boolean {
  const remaining = samples - drawn;
  return bucketOf(correct, samples, options) === bucketOf(correct + remaining, samples, options);
}

/** The rule for `samples` samples per problem. */
export function labelStopping(
  samples: number,
  rule: LabelStopRule,
  buckets: BucketOptions,
  { firstSamples, moreSamples }: Looks,
): LabelStopping {
  if (rule === 'never') return stoppingAt(samples, buckets, [samples], () => false);
  const boundary = (looks: readonly number[]) =>
    rule === 'settled'
      ? (correct: number, drawn: number) => isBucketSettled(correct, drawn, samples, buckets)
      : certainBoundary(samples, buckets, looks);
  const first = firstSamples ?? fewestSamples(samples, boundary(looksFrom(1, 1, samples)));
  const looks = looksFrom(Math.min(first, samples), moreSamples, samples);
  return stoppingAt(samples, buckets, looks, boundary(looks));
}

/** True where sampling stops after `drawn` samples, fewer than all. */
type Boundary = (correct: number, drawn: number) => boolean;

function looksFrom(first: number, more: number, samples: number): number[] {
  const looks: number[] = [];
  for (let drawn = first; drawn < samples; drawn += more) looks.push(drawn);
  return [...looks, samples];
}

/** Fewest samples after which any problem can have enough: looking before is of no use. */
function fewestSamples(samples: number, stops: Boundary): number {
  for (let drawn = 1; drawn < samples; drawn++)
    for (let correct = 0; correct <= drawn; correct++) if (stops(correct, drawn)) return drawn;
  return samples;
}

function stoppingAt(samples: number, buckets: BucketOptions, looks: readonly number[], stops: Boundary): LabelStopping {
  const isLook = new Set(looks);
  const hasEnough: Boundary = (correct, drawn) => drawn >= samples || (isLook.has(drawn) && stops(correct, drawn));
  return {
    looks,
    hasEnough,
    expectation: (correct) => expectationOf(correct, samples, buckets, hasEnough),
  };
}

/** Follows the distribution of right answers from draw to draw; what has stopped leaves it. */
function expectationOf(
  right: number,
  samples: number,
  buckets: BucketOptions,
  hasEnough: Boundary,
): ReturnType<LabelStopping['expectation']> {
  const final = bucketOf(right, samples, buckets);
  /** By the number of right ones so far: the chance to be there, not having stopped. */
  const chance = new Float64Array(right + 2);
  chance[0] = 1;
  let error = 0;
  let drawn = 0;
  for (let n = 1; n <= samples; n++) {
    const left = samples - n + 1;
    for (let k = Math.min(n - 1, right); k >= 0; k--) {
      const here = chance[k]!;
      if (here === 0) continue;
      const next = (right - k) / left;
      chance[k + 1]! += here * next;
      chance[k] = here * (1 - next);
    }
    for (let k = Math.min(n, right); k >= 0; k--) {
      if (chance[k] === 0 || !hasEnough(k, n)) continue;
      drawn += chance[k]! * n;
      if (bucketOf(k, n, buckets) !== final) error += chance[k]!;
      chance[k] = 0;
    }
  }
  return { error, drawn };
}

/**
 * Stops where another bucket has become improbable enough, seen from a uniform prior. The prior only orders
 * the places at which one could stop; how improbable is enough follows from the exact error.
 */
function certainBoundary(samples: number, buckets: BucketOptions, looks: readonly number[]): Boundary {
  const risks = new Map(
    looks.map((drawn) => [
      drawn,
      Float64Array.from({ length: drawn + 1 }, (_, k) => changeRisk(k, drawn, samples, buckets)),
    ]),
  );
  const stopsBelow =
    (limit: number): Boundary =>
    (correct, drawn) =>
      risks.get(drawn)![correct]! <= limit;
  const keepsLevel = (limit: number) => {
    const { expectation } = stoppingAt(samples, buckets, looks, stopsBelow(limit));
    for (let right = 0; right <= samples; right++) if (expectation(right).error > CERTAIN_ERROR) return false;
    return true;
  };
  // At a limit of 0 it stops where the bucket is settled, which never errs.
  const limits = [...new Set([0, ...Array.from(risks.values(), (each) => [...each]).flat()])].sort((a, b) => a - b);
  let kept = 0;
  let broken = limits.length;
  while (broken - kept > 1) {
    const middle = (kept + broken) >> 1;
    if (keepsLevel(limits[middle]!)) kept = middle;
    else broken = middle;
  }
  return stopsBelow(limits[kept]!);
}

/** Chance that all samples give another bucket than the first ones, were every number of right ones equally likely. */
function changeRisk(correct: number, drawn: number, samples: number, buckets: BucketOptions): number {
  const now = bucketOf(correct, drawn, buckets);
  const wrong = drawn - correct;
  let total = 0;
  let other = 0;
  // C(right, correct) · C(samples − right, wrong), up to a factor.
  let weight = 1;
  for (let right = correct; right <= samples - wrong; right++) {
    total += weight;
    if (bucketOf(right, samples, buckets) !== now) other += weight;
    weight *= ((right + 1) / (right + 1 - correct)) * ((samples - right - wrong) / (samples - right));
  }
  return other / total;
}
