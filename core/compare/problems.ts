/**
 * From samples to problems: the per-problem means every statistic of this room is built on.
 *
 * Owns: the unit of analysis. Samples of one problem are not independent, problems are; so a sample
 * enters only through the mean of its problem, and every problem weighs the same however many samples
 * it has. It draws no conclusions.
 */
import { type Bucket, buckets } from '#core/ares/options.ts';
import { UNGRADABLE } from '#core/grading/verdict.ts';
import type { EvaluatedProblem, Evaluation, Group, GroupKind } from './types.ts';

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
    if (isIn(problem, group)) members.push(index);
  });
  return members;
}

/** More sources than this are a list, not a comparison; the largest are taken. */
const MAX_GROUPS_PER_KIND = 20;

/**
 * The groups worth a row: every bucket that has problems, then the sources and datasets where they are asked
 * for and there are several, then all problems unless that repeats the only row.
 */
export function groupsOf({ problems }: Pick<Evaluation, 'problems'>, by: readonly GroupKind[] = []): Group[] {
  const present: Group[] = buckets.filter((bucket) => problems.some((problem) => problem.bucket === bucket));
  for (const kind of by) {
    const sizes = sizesBy(problems, kind);
    if (sizes.size < 2) continue;
    const largest = [...sizes].sort(([, a], [, b]) => b - a).slice(0, MAX_GROUPS_PER_KIND);
    const names = largest.map(([name]) => name).sort();
    present.push(...names.map((name): Group => `${kind} ${name}`));
  }
  return present.length === 1 ? present : [...present, 'all'];
}

/** How many groups of a kind are left out of `groupsOf` for their number. */
export function groupsLeftOut({ problems }: Pick<Evaluation, 'problems'>, kind: GroupKind): number {
  return Math.max(0, sizesBy(problems, kind).size - MAX_GROUPS_PER_KIND);
}

function sizesBy(problems: readonly EvaluatedProblem[], kind: GroupKind): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const problem of problems) sizes.set(problem[kind], (sizes.get(problem[kind]) ?? 0) + 1);
  return sizes;
}

/** A group as what it groups by and which value that has. */
export function readGroup(group: Group): { kind: 'bucket' | 'all' | GroupKind; name: string } {
  if (group === 'all') return { kind: 'all', name: 'all' };
  if (isBucket(group)) return { kind: 'bucket', name: group };
  const space = group.indexOf(' ');
  return { kind: group.slice(0, space) as GroupKind, name: group.slice(space + 1) };
}

/** A group within a sentence: `hard problems`, `problems of k=3`. */
export function groupPhrase(group: Group): string {
  const { kind, name } = readGroup(group);
  return kind === 'source' || kind === 'dataset' ? `problems of ${name}` : `${name} problems`;
}

export function isIn(problem: EvaluatedProblem, group: Group): boolean {
  const { kind, name } = readGroup(group);
  return kind === 'all' || problem[kind] === name;
}

function isBucket(group: Group): group is Bucket {
  return (buckets as readonly string[]).includes(group);
}

/** The entries of a [problems] column at the given indices. */
export function take(column: ArrayLike<number>, indices: readonly number[]): Float64Array {
  return Float64Array.from(indices, (index) => column[index]!);
}
