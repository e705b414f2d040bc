/**
 * A comparison as a plain record, for results.json and `ares compare --json`.
 *
 * Owns: which numbers programs get and under which names. Single samples stay in the store.
 */
import type { Comparison } from './comparison.ts';
import { conclusionsOf } from './conclusions.ts';

/** Everything JSON can hold; a number that was not measured becomes null when it is written. */
export function comparisonRecord(comparison: Comparison): Record<string, unknown> {
  const { evaluations, reference, summaries, pairs, allocations, flips, tests, resamples, seed } = comparison;
  return {
    problems: evaluations[0]!.problems.length,
    reference,
    arms: evaluations.map(({ arm, label, decoding, outcomes }) => ({
      arm,
      label,
      samples: outcomes.problemIndex.length,
      decoding,
    })),
    summaries,
    differences: pairs,
    allocations,
    flips: flips.map(({ arm, against, flips }) => ({
      arm,
      against,
      gained: flips.filter(({ solvedBy }) => solvedBy === 'first').map(({ problem }) => problem.id),
      lost: flips.filter(({ solvedBy }) => solvedBy === 'second').map(({ problem }) => problem.id),
    })),
    conclusions: conclusionsOf(comparison),
    statistics: { resamples, seed, testsCorrectedFor: tests },
  };
}
