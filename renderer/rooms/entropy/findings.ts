/**
 * The paper's findings on a stage's responses: length against N_HE, and both against difficulty.
 *
 * Owns: from columns to the responses the formulas take (core/ares/analysis.ts), lines to draw, and
 * intervals of means. The formulas are the method's.
 */
import {
  type CountedResponse,
  type EntropyDifficultyCells,
  type LengthFit,
  entropyDifficultyTable,
  lengthFits,
} from '#core/ares/analysis.ts';
import { type Bucket, type PerBucket, buckets } from '#core/ares/options.ts';
import type { ResponseOf } from '#core/contract/contract.ts';
import { Z_95, mean, sampleDeviation } from '#core/util/statistics.ts';

export type StageColumns = ResponseOf<'entropy.responses'>;

export interface Findings {
  responses: CountedResponse[];
  /** Index into the columns, per response: those without a bucket are left out. */
  index: number[];
  fits: PerBucket<LengthFit | null>;
  cells: PerBucket<EntropyDifficultyCells | null>;
}

export function findingsOf(columns: StageColumns): Findings {
  const index = Array.from(columns.rolloutId.keys()).filter((i) => columns.bucket[i]! < buckets.length);
  const responses = index.map((i): CountedResponse => ({
    bucket: buckets[columns.bucket[i]!]!,
    correct: columns.correct[i] === 1,
    lengthTokens: columns.lengthTokens[i]!,
    count: columns.highEntropyCount[i]!,
  }));
  return { responses, index, fits: lengthFits(responses), cells: entropyDifficultyTable(responses) };
}

export interface Estimate {
  value: number;
  low: number;
  high: number;
}

/** Mean with its 95 % interval (normal); null for nothing. */
export function meanEstimate(values: readonly number[]): Estimate | null {
  if (values.length === 0) return null;
  const value = mean(values);
  const half = (Z_95 * sampleDeviation(values)) / Math.sqrt(values.length);
  return { value, low: value - half, high: value + half };
}

type Select = (response: CountedResponse) => boolean;

/** One estimate per bucket of what `pick` takes from the responses that `select` keeps. */
export function bucketEstimates(
  responses: readonly CountedResponse[],
  select: Select,
  pick: (response: CountedResponse) => number,
): (Estimate | null)[] {
  return buckets.map((bucket) =>
    meanEstimate(responses.filter((response) => response.bucket === bucket && select(response)).map(pick)),
  );
}

/** The ends of a fitted line over the counts that a bucket has; empty where there is no slope. */
export function fitLine(
  responses: readonly CountedResponse[],
  bucket: Bucket,
  fit: LengthFit | null,
): (readonly [number, number])[] {
  if (fit === null || fit.slope === null) return [];
  const counts = responses.filter((response) => response.bucket === bucket).map(({ count }) => count);
  const ends = [counts.reduce((a, b) => Math.min(a, b)), counts.reduce((a, b) => Math.max(a, b))];
  return ends.map((count) => [count, fit.interceptTokens + fit.slope! * count] as const);
}
