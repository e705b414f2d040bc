/**
 * The statistics of one arm and of two arms on the same problems.
 *
 * Owns: which interval and which test a number gets, the pairing of evaluations by problem, and
 * flips. The bootstrap itself is in bootstrap.ts; which arms are compared, and the correction for
 * comparing many, is in comparison.ts.
 */
import { AresError } from '#core/util/errors.ts';
import { wilsonInterval } from '#core/util/statistics.ts';
import { bootstrapPValue, countPresent, meanOfPresent, percentileInterval } from './bootstrap.ts';
import { mcnemarExact } from './exactTests.ts';
import { problemMeans } from './problems.ts';
import type { EvaluatedProblem, Evaluation } from './types.ts';

/** A mean over problems with its 95 % interval. */
export interface Estimate {
  value: number;
  /** NaN where two or more problems would be needed. */
  low: number;
  high: number;
  /** Problems behind the value (those with at least one usable sample). */
  problems: number;
  interval: 'bootstrap' | 'wilson' | 'none';
}

/** First arm minus second, over the same problems. */
export interface Difference extends Estimate {
  /** Two-sided; NaN where no test could be made. */
  p: number;
  test: 'bootstrap' | 'mcnemar' | 'none';
}

/**
 * For each problem of `first` its index in `second`.
 * @throws AresError 'bad-data' unless both hold the same problems in the same buckets
 */
export function pairProblems(first: Evaluation, second: Evaluation): number[] {
  const refuse = (sentence: string): never => {
    throw new AresError('bad-data', `"${first.arm}" and "${second.arm}" cannot be compared: ${sentence}.`, {
      where: second.arm,
      hint: 'Evaluate both on the same list of problems, with the same difficulty labels.',
    });
  };
  const indexOfKey = new Map(second.problems.map((problem, index) => [problem.key, index]));
  if (first.problems.length !== second.problems.length) {
    refuse(`one was evaluated on ${first.problems.length} problems, the other on ${second.problems.length}`);
  }
  return first.problems.map((problem) => {
    const index = indexOfKey.get(problem.key);
    if (index === undefined) return refuse(`problem "${problem.id}" is missing from the second`);
    const { bucket } = second.problems[index]!;
    if (bucket !== problem.bucket)
      refuse(`problem "${problem.id}" is ${problem.bucket} in one and ${bucket} in the other`);
    return index;
  });
}

/**
 * Accuracy with its interval: Wilson where every problem has one graded sample, else the bootstrap.
 * @param accuracy per problem, NaN where nothing could be graded
 * @param gradable graded samples per problem
 * @param resampled bootstrap means of `accuracy`
 */
export function estimateAccuracy(accuracy: Float64Array, gradable: Float64Array, resampled: Float64Array): Estimate {
  const value = meanOfPresent(accuracy);
  const problems = countPresent(accuracy);
  const single = gradable.every((samples) => samples <= 1);
  // Where every problem agrees the bootstrap cannot vary, and its empty interval would claim certainty.
  if (problems > 0 && (single || isConstant(accuracy))) {
    return { value, ...wilsonInterval(value * problems, problems), problems, interval: 'wilson' };
  }
  return bootstrapEstimate(value, problems, resampled);
}

/** A mean over problems with its bootstrap interval. */
export function estimateMean(perProblem: Float64Array, resampled: Float64Array): Estimate {
  return bootstrapEstimate(meanOfPresent(perProblem), countPresent(perProblem), resampled);
}

function bootstrapEstimate(value: number, problems: number, resampled: Float64Array): Estimate {
  if (problems < 2) return { value, low: NaN, high: NaN, problems, interval: 'none' };
  return { value, ...percentileInterval(resampled), problems, interval: 'bootstrap' };
}

function isConstant(values: Float64Array): boolean {
  const present = values.filter((value) => !Number.isNaN(value));
  return present.every((value) => value === present[0]);
}

/** Entry-wise first − second; NaN where either is missing. */
export function subtract(first: Float64Array, second: Float64Array): Float64Array {
  return first.map((value, index) => value - second[index]!);
}

/** Difference of two means over the same problems, with interval and p-value from the paired bootstrap. */
export function differenceOfMeans(perProblem: Float64Array, resampled: Float64Array): Difference {
  const estimate = estimateMean(perProblem, resampled);
  if (estimate.interval === 'none') return { ...estimate, p: NaN, test: 'none' };
  return { ...estimate, p: bootstrapPValue(resampled, estimate.problems), test: 'bootstrap' };
}

/**
 * Difference of two accuracies on the same problems: McNemar's exact test where both arms have one
 * graded sample per problem, else the paired bootstrap; the interval is the bootstrap's.
 * @param first, second per problem; @param resampled bootstrap means of first − second
 */
export function differenceOfAccuracies(
  first: { accuracy: Float64Array; gradable: Float64Array },
  second: { accuracy: Float64Array; gradable: Float64Array },
  resampled: Float64Array,
): Difference {
  const perProblem = subtract(first.accuracy, second.accuracy);
  const difference = differenceOfMeans(perProblem, resampled);
  if (difference.interval === 'none') return difference;
  if (perProblem.every((value) => Number.isNaN(value) || value === 0)) {
    // No problem tells the arms apart; what n problems cannot exclude is a rare one that would.
    const unseen = wilsonInterval(0, difference.problems).high;
    difference.low = -unseen;
    difference.high = unseen;
    difference.interval = 'wilson';
  }
  const single = [...first.gradable, ...second.gradable].every((samples) => samples <= 1);
  if (!single) return difference;
  const onlyFirst = perProblem.filter((value) => value === 1).length;
  const onlySecond = perProblem.filter((value) => value === -1).length;
  return { ...difference, p: mcnemarExact(onlyFirst, onlySecond), test: 'mcnemar' };
}

/** A problem that one arm solves and the other does not. */
export interface Flip {
  problem: EvaluatedProblem;
  solvedBy: 'first' | 'second';
  /** [correct, graded] samples of each arm. */
  first: [number, number];
  second: [number, number];
}

/**
 * Problems solved by exactly one of two arms, the most clear-cut first. Solved means that more than
 * half of the graded samples are correct.
 */
export function findFlips(first: Evaluation, second: Evaluation): Flip[] {
  const [a, b] = [problemMeans(first), problemMeans(second)];
  const flips = pairProblems(first, second).flatMap((other, index): Flip[] => {
    const [rate, otherRate] = [a.accuracy[index]!, b.accuracy[other]!];
    if (Number.isNaN(rate - otherRate) || rate > 0.5 === otherRate > 0.5) return [];
    return [
      {
        problem: first.problems[index]!,
        solvedBy: rate > otherRate ? 'first' : 'second',
        first: [a.correct[index]!, a.gradable[index]!],
        second: [b.correct[other]!, b.gradable[other]!],
      },
    ];
  });
  const gap = ({ first: [x, n], second: [y, m] }: Flip): number => Math.abs(x / n - y / m);
  return flips.sort((x, y) => gap(y) - gap(x) || (x.problem.key < y.problem.key ? -1 : 1));
}
