/**
 * Small evaluations for the tests of compare/: written out sample by sample, or drawn with a seed.
 */
import type { Bucket } from '#core/ares/options.ts';
import type { Evaluation } from '#core/compare/types.ts';
import { verdictCode } from '#core/grading/verdict.ts';
import type { Verdict } from '#core/grading/verdict.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';

export interface SampleSpec {
  verdict?: Verdict;
  length?: number;
  truncated?: boolean;
  count?: number;
}

export interface ProblemSpec {
  key: string;
  bucket?: Bucket;
  source?: string;
  dataset?: string;
  samples: readonly SampleSpec[];
}

/** An evaluation with exactly these samples; right and ten tokens long unless said otherwise. */
export function evaluationOf(arm: string, problems: readonly ProblemSpec[]): Evaluation {
  const samples = problems.flatMap(({ samples }, problem) => samples.map((sample) => ({ problem, ...sample })));
  return {
    arm,
    label: arm.toUpperCase(),
    problems: problems.map(({ key, bucket = 'easy', source = 'test', dataset = 'tests' }) => {
      return { key, id: `problem ${key}`, bucket, source, dataset };
    }),
    outcomes: {
      problemIndex: Int32Array.from(samples, ({ problem }) => problem),
      correct: Uint8Array.from(samples, ({ verdict = 'correct' }) => (verdict === 'correct' ? 1 : 0)),
      lengthTokens: Int32Array.from(samples, ({ length = 10 }) => length),
      verdict: Uint8Array.from(samples, ({ verdict = 'correct' }) => verdictCode(verdict)),
      truncated: Uint8Array.from(samples, ({ truncated = false }) => (truncated ? 1 : 0)),
      highEntropyCount: Int32Array.from(samples, ({ count = -1 }) => count),
    },
    decoding: { temperature: 1, maxNewTokens: 128, seed: 7 },
  };
}

/** `'110'` is right, right, wrong. */
export function answers(pattern: string, length = 10): SampleSpec[] {
  return [...pattern].map((mark) => ({ verdict: mark === '1' ? 'correct' : 'wrong', length }));
}

/** A drawn evaluation: `rates` and `lengths` per bucket (easy, medium, hard). */
export function drawnEvaluation(
  arm: string,
  rates: readonly [number, number, number],
  lengths: readonly [number, number, number],
  { perBucket = 20, samples = 4, seed = 1 } = {},
): Evaluation {
  const random = new RandomSequence(seed, Stream.problems, arm.length);
  const buckets: readonly Bucket[] = ['easy', 'medium', 'hard'];
  return evaluationOf(
    arm,
    buckets.flatMap((bucket, index) =>
      Array.from({ length: perBucket }, (_, i) => ({
        key: `${bucket}-${i}`,
        bucket,
        samples: Array.from({ length: samples }, () => ({
          verdict: random.uniform() < rates[index]! ? ('correct' as const) : ('wrong' as const),
          length: Math.max(1, Math.round(lengths[index]! + 4 * random.normal())),
          count: random.integer(4),
        })),
      })),
    ),
  );
}
