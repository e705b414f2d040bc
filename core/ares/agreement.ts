/**
 * How far two judges of difficulty agree: a person and a model, or a person and themselves.
 *
 * Owns: the confusion table over the three buckets and Cohen's κ with its interval. What the buckets come
 * from is difficulty.ts.
 */
import { Z_95 } from '#core/util/statistics.ts';
import { type Bucket, buckets } from './options.ts';

/** counts[first][second], buckets in their usual order. */
export type Confusion = readonly (readonly number[])[];

export interface Agreement {
  /** Problems that both judged. */
  problems: number;
  /** Share on which they agree; NaN without problems. */
  observed: number;
  /** Share on which they would agree by chance, with the buckets they use. */
  expected: number;
  /**
   * (observed − expected) / (1 − expected): 1 for full agreement, 0 for chance. NaN without problems and
   * where one of the two uses a single bucket: it is 0 then whatever the other says, which tells nothing.
   */
  kappa: number;
  /** 95 % interval by the large-sample variance of Fleiss, Cohen and Everitt (1969); NaN with κ. */
  kappaLow: number;
  kappaHigh: number;
}

/** Judgements in pairs, one per problem. */
export function confusionOf(pairs: Iterable<readonly [Bucket, Bucket]>): Confusion {
  const counts = buckets.map(() => buckets.map(() => 0));
  for (const [first, second] of pairs) counts[buckets.indexOf(first)]![buckets.indexOf(second)]!++;
  return counts;
}

/** @param confusion a square table of counts, of any size */
export function agreementOf(confusion: Confusion): Agreement {
  const problems = confusion.flat().reduce((sum, count) => sum + count, 0);
  const share = (i: number, j: number): number => confusion[i]![j]! / problems;
  const indices = [...confusion.keys()];
  const total = (term: (i: number) => number): number => indices.reduce((sum, i) => sum + term(i), 0);
  const rows = indices.map((i) => total((j) => share(i, j)));
  const columns = indices.map((j) => total((i) => share(i, j)));
  const observed = total((i) => share(i, i));
  const expected = total((i) => rows[i]! * columns[i]!);
  const usesOneBucket = [rows, columns].some((shares) => shares.filter((value) => value > 0).length === 1);
  const kappa = usesOneBucket ? NaN : (observed - expected) / (1 - expected);
  const onDiagonal = total((i) => share(i, i) * (1 - (rows[i]! + columns[i]!) * (1 - kappa)) ** 2);
  const offDiagonal = total((i) => total((j) => (i === j ? 0 : share(i, j) * (columns[i]! + rows[j]!) ** 2)));
  const variance =
    (onDiagonal + (1 - kappa) ** 2 * offDiagonal - (kappa - expected * (1 - kappa)) ** 2) /
    (problems * (1 - expected) ** 2);
  // At full agreement the variance is 0 and rounding may leave it just below.
  const half = Z_95 * Math.sqrt(Math.max(0, variance));
  return {
    problems,
    observed,
    expected,
    kappa,
    kappaLow: Math.max(-1, kappa - half),
    kappaHigh: Math.min(1, kappa + half),
  };
}
