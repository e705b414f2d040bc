/**
 * Problems by pass rate: the nine brackets 0/8 … 8/8, a band of them, and what lies in it.
 *
 * Owns: counting, and the pass rates that a band of brackets means when problems have other numbers of
 * samples, so that the histogram and the table it filters always count the same problems.
 */
import { bucketOf, passRateBracket } from '#core/ares/difficulty.ts';
import { type Bucket, type PerBucket, buckets, defaultOptions, perBucket } from '#core/ares/options.ts';
import type { ResponseOf } from '#core/contract/contract.ts';

export const BRACKETS = 8;

export type LabelColumns = ResponseOf<'labels.columns'>;

/** Brackets from `first` to `last`, both within. */
export interface Band {
  first: number;
  last: number;
}

export const wholeBand: Band = { first: 0, last: BRACKETS };

export function isWhole({ first, last }: Band): boolean {
  return first === 0 && last === BRACKETS;
}

/** Smaller than the difference between pass rates of any two numbers of samples in use. */
const TINY = 1e-7;

/** The pass rates of a band, both ends included; the brackets at the ends hold exactly 0 and 1. */
export function passRatesOf({ first, last }: Band): { low: number; high: number } {
  const low = first === 0 ? 0 : first === BRACKETS ? 1 : Math.max(TINY, (first - 0.5) / BRACKETS);
  const high = last === BRACKETS ? 1 : last === 0 ? 0 : Math.min(1 - TINY, (last + 0.5) / BRACKETS - TINY);
  // Half-way rates are rounded up into the next bracket, but never into the first or last.
  return { low: first === 1 ? TINY : low, high: last === BRACKETS - 1 ? 1 - TINY : high };
}

/** The bucket of a bracket by METHOD §3.2, for its colour. */
export function bucketOfBracket(bracket: number): Bucket {
  return bucketOf(bracket, BRACKETS, defaultOptions.buckets);
}

export interface LabelSummary {
  /** [BRACKETS + 1] problems. */
  perBracket: number[];
  perBucket: PerBucket<number>;
  labelled: number;
  unlabelled: number;
  /** Mean over labelled problems; NaN without any. */
  meanPassRate: number;
  /** Samples behind the labels, in all and at most for a problem. */
  samples: number;
  mostSamples: number;
}

export function summarise({ samples, correct }: Pick<LabelColumns, 'samples' | 'correct'>): LabelSummary {
  const perBracket = Array.from({ length: BRACKETS + 1 }, () => 0);
  const counts: Record<Bucket, number> = { easy: 0, medium: 0, hard: 0 };
  let [labelled, rates, drawn, mostSamples] = [0, 0, 0, 0];
  for (let i = 0; i < samples.length; i++) {
    const [n, c] = [samples[i]!, correct[i]!];
    if (n === 0) continue;
    labelled++;
    rates += c / n;
    drawn += n;
    mostSamples = Math.max(mostSamples, n);
    perBracket[passRateBracket(c, n, BRACKETS)]!++;
    counts[bucketOf(c, n, defaultOptions.buckets)]++;
  }
  return {
    perBracket,
    perBucket: perBucket((bucket) => counts[bucket]),
    labelled,
    unlabelled: samples.length - labelled,
    meanPassRate: rates / labelled,
    samples: drawn,
    mostSamples,
  };
}

/** Pairs of judgements, by hand first, of the problems that have both. */
export function* judgedPairs({ samples, correct, human }: LabelColumns): Generator<readonly [Bucket, Bucket]> {
  for (let i = 0; i < human.length; i++) {
    if (human[i] === 0 || samples[i] === 0) continue;
    yield [buckets[human[i]! - 1]!, bucketOf(correct[i]!, samples[i]!, defaultOptions.buckets)];
  }
}
