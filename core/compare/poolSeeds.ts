/**
 * The evaluations of one arm from several seeds as one, for statistics over problems.
 *
 * Owns: the pooling. What it gives is the mean of the seeds there are; how much another seed would differ
 * is aggregateSeeds.ts.
 */
import { pairProblems } from './paired.ts';
import type { StudyRun } from './study.ts';
import type { Evaluation, Outcomes } from './types.ts';

/**
 * One evaluation per arm, in order of first appearance, with the samples of all its seeds.
 * @throws AresError 'bad-data' when seeds of an arm were evaluated on different problems
 */
export function poolSeeds(runs: readonly StudyRun[]): Evaluation[] {
  const arms = new Map<string, Evaluation[]>();
  for (const { evaluation } of runs) arms.set(evaluation.arm, [...(arms.get(evaluation.arm) ?? []), evaluation]);
  return [...arms.values()].map((seeds) => {
    const first = seeds[0]!;
    const placed = seeds.map((evaluation) => {
      // For each problem of this seed its place among those of the first.
      const place = new Int32Array(evaluation.problems.length);
      pairProblems(first, evaluation).forEach((index, inFirst) => (place[index] = inFirst));
      return { ...evaluation.outcomes, problemIndex: evaluation.outcomes.problemIndex.map((index) => place[index]!) };
    });
    const joined = (name: Exclude<keyof Outcomes, 'highEntropyCount'>): number[] =>
      placed.flatMap((outcomes) => Array.from(outcomes[name]));
    return {
      ...first,
      outcomes: {
        problemIndex: Int32Array.from(joined('problemIndex')),
        correct: Uint8Array.from(joined('correct')),
        lengthTokens: Int32Array.from(joined('lengthTokens')),
        verdict: Uint8Array.from(joined('verdict')),
        truncated: Uint8Array.from(joined('truncated')),
      },
    };
  });
}
