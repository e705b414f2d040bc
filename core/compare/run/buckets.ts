/**
 * Difficulty buckets of held-out problems: fixed before any arm was trained, the same for every arm.
 *
 * Owns: where they come from (the dataset's own grade, else the base model's answers), and the sentence
 * that says so.
 */
import { bucketOf } from '#core/ares/difficulty.ts';
import { type Bucket, type BucketOptions, buckets } from '#core/ares/options.ts';
import { CORRECT, UNGRADABLE } from '#core/grading/verdict.ts';
import type { Problem } from '#core/store/problems.ts';
import type { RolloutColumns } from '#core/store/rollouts.ts';

export interface HeldoutBuckets {
  /** By problemId. */
  bucketOf: ReadonlyMap<number, Bucket>;
  source: 'grade' | 'base';
}

/** How the buckets came about, as a report states it. */
export const bucketSentences: Readonly<Record<HeldoutBuckets['source'], string>> = {
  grade: 'the dataset’s own grade of each problem',
  base:
    'how often the base model solved each problem in its own evaluation. Its accuracy within a bucket is biased by ' +
    'that choice (too high on easy, too low on hard problems), over all problems it is not',
};

/**
 * The dataset's grade where every problem has one of easy, medium, hard; else pass rates of the base model.
 * @param base all samples of the base model on these problems
 */
export function heldoutBuckets(
  problems: readonly Problem[],
  base: Pick<RolloutColumns, 'problemId' | 'verdict'>,
  options: BucketOptions,
): HeldoutBuckets {
  const grades = problems.flatMap((problem): [number, Bucket][] => {
    const grade = gradeOf(problem.meta);
    return grade === null ? [] : [[problem.problemId, grade]];
  });
  if (grades.length === problems.length) return { bucketOf: new Map(grades), source: 'grade' };
  const correct = new Map<number, number>();
  const graded = new Map<number, number>();
  base.problemId.forEach((problemId, i) => {
    if (base.verdict[i] === UNGRADABLE) return;
    graded.set(problemId, (graded.get(problemId) ?? 0) + 1);
    if (base.verdict[i] === CORRECT) correct.set(problemId, (correct.get(problemId) ?? 0) + 1);
  });
  const measured = problems.map(({ problemId }): [number, Bucket] => {
    const samples = graded.get(problemId);
    // What cannot be graded was not solved.
    return [problemId, samples === undefined ? 'hard' : bucketOf(correct.get(problemId) ?? 0, samples, options)];
  });
  return { bucketOf: new Map(measured), source: 'base' };
}

/** The grade in a problem's meta data, under the name of the importer or of the sample project. */
function gradeOf(meta: unknown): Bucket | null {
  if (typeof meta !== 'object' || meta === null) return null;
  const { level, grade } = meta as { level?: unknown; grade?: unknown };
  return buckets.find((bucket) => bucket === (level ?? grade)) ?? null;
}
