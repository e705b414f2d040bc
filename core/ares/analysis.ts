/**
 * The measurements behind the paper's findings, on any set of rollouts (METHOD §1.6).
 *
 * Owns: N_HE against length, the accuracy and length table around a count threshold (Fig. 4b), the
 * sweep of window size and percentile against the trigger vocabulary (Fig. 2a), and the table of
 * high-entropy words (Fig. 2b). Drawing and confidence beyond simple intervals are elsewhere.
 */
import { linearRegression } from '#core/util/regression.ts';
import { type Interval, type Numbers, mean, quantileOfSorted, wilsonInterval } from '#core/util/statistics.ts';
import { type Bucket, type PerBucket, type WindowAlignment, perBucket } from './options.ts';
import { normaliseToken } from './triggers.ts';
import { windowMeans } from './windows.ts';

export interface CountedResponse {
  bucket: Bucket;
  correct: boolean;
  lengthTokens: number;
  /** N_HE */
  count: number;
}

/** E[L] = intercept + slope·N_HE [P App. J]; slope and r² are null where N_HE does not vary. */
export interface LengthFit {
  responses: number;
  interceptTokens: number;
  /** Tokens per high-entropy token. */
  slope: number | null;
  r2: number | null;
}

/** Least squares of length on N_HE, per bucket; null for a bucket without responses. */
export function lengthFits(responses: readonly CountedResponse[]): PerBucket<LengthFit | null> {
  return perBucket((bucket) => {
    const own = responses.filter((response) => response.bucket === bucket);
    return own.length === 0 ? null : fitLength(own);
  });
}

function fitLength(responses: readonly CountedResponse[]): LengthFit {
  const counts = responses.map(({ count }) => count);
  const lengths = responses.map(({ lengthTokens }) => lengthTokens);
  const { intercept, slope, correlation } = linearRegression(counts, lengths);
  if (Number.isNaN(slope)) {
    return { responses: responses.length, interceptTokens: mean(lengths), slope: null, r2: null };
  }
  // Lengths that do not vary lie on the line, although there is no correlation to speak of.
  const r2 = Number.isNaN(correlation) ? 1 : correlation ** 2;
  return { responses: responses.length, interceptTokens: intercept, slope, r2 };
}

export interface AccuracyCell {
  responses: number;
  accuracy: number;
  interval: Interval;
}

export interface MeanCell {
  responses: number;
  meanLengthTokens: number;
  meanCount: number;
}

/** Fig. 4b of the paper for one bucket; cells without responses are null. */
export interface EntropyDifficultyCells {
  /** The split: mean N_HE of the bucket. */
  thresholdCount: number;
  below: AccuracyCell | null;
  above: AccuracyCell | null;
  all: MeanCell | null;
  correct: MeanCell | null;
  wrong: MeanCell | null;
}

/**
 * Accuracy below and above a threshold on N_HE, length and N_HE by correctness, per bucket.
 * Interpretation: the paper's "batch-adaptive threshold on the count" is the bucket's mean; a count
 * equal to it is below.
 */
export function entropyDifficultyTable(
  responses: readonly CountedResponse[],
): PerBucket<EntropyDifficultyCells | null> {
  return perBucket((bucket) => {
    const own = responses.filter((response) => response.bucket === bucket);
    if (own.length === 0) return null;
    const thresholdCount = mean(own.map(({ count }) => count));
    return {
      thresholdCount,
      below: accuracyCell(own.filter(({ count }) => count <= thresholdCount)),
      above: accuracyCell(own.filter(({ count }) => count > thresholdCount)),
      all: meanCell(own),
      correct: meanCell(own.filter(({ correct }) => correct)),
      wrong: meanCell(own.filter(({ correct }) => !correct)),
    };
  });
}

function accuracyCell(responses: readonly CountedResponse[]): AccuracyCell | null {
  if (responses.length === 0) return null;
  const right = responses.filter(({ correct }) => correct).length;
  const interval = wilsonInterval(right, responses.length);
  return { responses: responses.length, accuracy: right / responses.length, interval };
}

function meanCell(responses: readonly CountedResponse[]): MeanCell | null {
  if (responses.length === 0) return null;
  return {
    responses: responses.length,
    meanLengthTokens: mean(responses.map(({ lengthTokens }) => lengthTokens)),
    meanCount: mean(responses.map(({ count }) => count)),
  };
}

export interface TriggeredEntropies {
  entropiesNats: Float32Array;
  /** 1 where the token is a trigger word: the truth that the sweep is scored against. */
  triggers: Uint8Array;
}

export interface SweepPoint {
  windowSize: number;
  /** In [0, 1]. */
  percentile: number;
  thresholdNats: number;
  precision: number;
  recall: number;
  f1: number;
}

/**
 * How well "window entropy above a percentile" finds trigger words (Fig. 2a). The paper does not
 * define its ground truth; the vocabulary V_sem stands in for it. Percentiles are taken over the
 * complete windows of all responses together. Scores without any hit are 0.
 */
export function windowSweep(
  responses: readonly TriggeredEntropies[],
  windowSizes: readonly number[],
  percentiles: readonly number[],
  alignment: WindowAlignment,
): SweepPoint[] {
  return windowSizes.flatMap((size) => {
    const values: number[] = [];
    const ofTriggers: number[] = [];
    for (const { entropiesNats, triggers } of responses) {
      for (const [t, value] of windowMeans(entropiesNats, { size, alignment }).entries()) {
        if (Number.isNaN(value)) continue;
        values.push(value);
        if (triggers[t] === 1) ofTriggers.push(value);
      }
    }
    // Sorted once: every percentile then takes a few comparisons.
    const sorted = Float64Array.from(values).sort();
    const sortedTriggers = Float64Array.from(ofTriggers).sort();
    return percentiles.map((percentile) => {
      const thresholdNats = quantileOfSorted(sorted, percentile);
      return { windowSize: size, percentile, thresholdNats, ...detectionScores(sorted, sortedTriggers, thresholdNats) };
    });
  });
}

/** @param values of all windows, and `triggers` of those that begin at a trigger word, both ascending */
function detectionScores(
  values: Float64Array,
  triggers: Float64Array,
  thresholdNats: number,
): { precision: number; recall: number; f1: number } {
  const flagged = countFrom(values, thresholdNats);
  const found = countFrom(triggers, thresholdNats);
  const present = triggers.length;
  return {
    precision: flagged === 0 ? 0 : found / flagged,
    recall: present === 0 ? 0 : found / present,
    f1: flagged + present === 0 ? 0 : (2 * found) / (flagged + present),
  };
}

/** How many of some ascending values are at least `least`. */
function countFrom(sorted: Numbers, least: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! >= least) high = middle;
    else low = middle + 1;
  }
  return sorted.length - low;
}

export interface WordTokens {
  /** Decoded text of every token. */
  texts: readonly string[];
  entropiesNats: Float32Array;
  windowMeansNats: Float64Array;
  /** Threshold the response was counted with. */
  thetaNats: number;
}

export interface WordRow {
  /** Normal form of the token. */
  word: string;
  occurrences: number;
  meanEntropyNats: number;
  /** Occurrences whose window reaches the threshold, and those whose does not. */
  valid: number;
  invalid: number;
  isTrigger: boolean;
}

/**
 * Words by how often their window is above the threshold, then by mean entropy (Fig. 2b). Tokens
 * whose normal form is empty are left out; incomplete windows are neither valid nor invalid.
 */
export function wordTable(responses: readonly WordTokens[], triggers: ReadonlySet<string>): WordRow[] {
  const rows = new Map<string, WordRow>();
  for (const { texts, entropiesNats, windowMeansNats, thetaNats } of responses) {
    for (const [t, text] of texts.entries()) {
      const word = normaliseToken(text);
      if (word === '') continue;
      const row = rows.get(word) ?? {
        word,
        occurrences: 0,
        meanEntropyNats: 0,
        valid: 0,
        invalid: 0,
        isTrigger: triggers.has(word),
      };
      row.occurrences++;
      row.meanEntropyNats += (entropiesNats[t]! - row.meanEntropyNats) / row.occurrences;
      if (windowMeansNats[t]! >= thetaNats) row.valid++;
      else if (windowMeansNats[t]! < thetaNats) row.invalid++;
      rows.set(word, row);
    }
  }
  return [...rows.values()].sort(
    (a, b) => b.valid - a.valid || b.meanEntropyNats - a.meanEntropyNats || (a.word < b.word ? -1 : 1),
  );
}
