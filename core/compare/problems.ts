/**
 * From samples to problems: the per-problem means every statistic of this room is built on.
 *
 * Owns: the unit of analysis. Samples of one problem are not independent, problems are; so a sample
 * enters only through the mean of its problem, and every problem weighs the same however many samples
 * it has. It draws no conclusions.
 */
import { buckets } from '#core/ares/options.ts';
import { UNGRADABLE } from '#core/grading/verdict.ts';
import type { Evaluation, Group } from './types.ts';

/** [problems] columns, in the order of the evaluation's problems. */
export interface ProblemMeans {
  /** Share of gradable samples that are correct; NaN where no sample could be graded. */
  accuracy: Float64Array;
  /** Mean length over all samples, whatever their verdict. */
  lengthTokens: Float64Array;
  gradable: Int32Array;
  correct: Int32Array;
}

export function problemMeans(evaluation: Evaluation): ProblemMeans {
  const { outcomes } = evaluation;
  const problems = evaluation.problems.length;
  const samples = new Int32Array(problems);
  const gradable = new Int32Array(problems);
  const correct = new Int32Array(problems);
  const lengthTokens = new Float64Array(problems);
  for (let i = 0; i < outcomes.problemIndex.length; i++) {
    const problem = outcomes.problemIndex[i]!;
    samples[problem]! += 1;
    // An ungradable sample says nothing about the model: its gold answer could not be read.
    if (outcomes.verdict[i] !== UNGRADABLE) gradable[problem]! += 1;
    correct[problem]! += outcomes.correct[i]!;
    lengthTokens[problem]! += outcomes.lengthTokens[i]!;
  }
  return {
    accuracy: Float64Array.from(correct, (count, i) => count / gradable[i]!),
    lengthTokens: lengthTokens.map((total, i) => total / samples[i]!),
    gradable,
    correct,
  };
}

/** Indices of the problems of a group, ascending. */
export function problemsOf(evaluation: Evaluation, group: Group): number[] {
  const members: number[] = [];
  evaluation.problems.forEach((problem, index) => {
    if (group === 'all' || problem.bucket === group) members.push(index);
  });
  return members;
}

/** The groups worth a row: every bucket that has problems, then all of them unless that repeats the only bucket. */
export function groupsOf(evaluation: Evaluation): Group[] {
  const present = buckets.filter((bucket) => evaluation.problems.some((problem) => problem.bucket === bucket));
  return present.length === 1 ? [...present] : [...present, 'all'];
}

/** The entries of a [problems] column at the given indices. */
export function take(column: ArrayLike<number>, indices: readonly number[]): Float64Array {
  return Float64Array.from(indices, (index) => column[index]!);
}
