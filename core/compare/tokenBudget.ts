/**
 * Accuracy at an equal token budget: what each arm would score if every response had to end within
 * so many tokens.
 *
 * Owns: the budget curve. A response longer than the budget counts as wrong, which is what cutting it
 * off would have done; that it might have hurried under a known budget cannot be seen from here.
 */
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { bootstrapMeans, meanOfPresent, percentileInterval } from './bootstrap.ts';
import { UNGRADABLE } from '#core/grading/verdict.ts';
import { isIn } from './problems.ts';
import type { Evaluation, Group } from './types.ts';

export interface BudgetCurve {
  arm: string;
  label: string;
  /** Tokens per response, ascending. */
  budgetTokens: number[];
  /** Mean over problems, and its 95 % bootstrap interval. */
  accuracy: number[];
  low: number[];
  high: number[];
}

export interface BudgetOptions {
  group?: Group;
  /** Default: 48 steps from nothing to the longest response of any arm. */
  budgetTokens?: readonly number[];
  resamples?: number;
  seed?: number;
}

const STEPS = 48;
/** Substream of the bootstrap, apart from those of the groups in comparison.ts. */
const SUBSTREAM = 100;

/** One curve per arm over the same budgets and the same resampled problems of each arm. */
export function budgetCurves(evaluations: readonly Evaluation[], options: BudgetOptions = {}): BudgetCurve[] {
  const { group = 'all', resamples = 1000, seed = 0 } = options;
  const budgetTokens = [...(options.budgetTokens ?? defaultBudgets(evaluations, group))];
  return evaluations.map((evaluation) => {
    const columns = budgetTokens.map((budget) => accuracyWithin(evaluation, group, budget));
    const resampled = bootstrapMeans(columns, resamples, new RandomSequence(seed, Stream.bootstrap, SUBSTREAM));
    const intervals = resampled.map(percentileInterval);
    return {
      arm: evaluation.arm,
      label: evaluation.label,
      budgetTokens,
      accuracy: columns.map(meanOfPresent),
      low: intervals.map((interval) => interval.low),
      high: intervals.map((interval) => interval.high),
    };
  });
}

function defaultBudgets(evaluations: readonly Evaluation[], group: Group): number[] {
  let longest = 0;
  for (const { outcomes, problems } of evaluations) {
    outcomes.lengthTokens.forEach((length, sample) => {
      if (isIn(problems[outcomes.problemIndex[sample]!]!, group)) longest = Math.max(longest, length);
    });
  }
  const step = Math.max(1, Math.ceil(longest / STEPS));
  return Array.from({ length: Math.ceil(longest / step) + 1 }, (_, i) => i * step);
}

/** Per problem of the group: share of graded samples that are correct and no longer than the budget. */
function accuracyWithin({ problems, outcomes }: Evaluation, group: Group, budget: number): Float64Array {
  const hits = new Float64Array(problems.length);
  const graded = new Float64Array(problems.length);
  outcomes.problemIndex.forEach((problem, sample) => {
    if (outcomes.verdict[sample] === UNGRADABLE) return;
    graded[problem]! += 1;
    if (outcomes.lengthTokens[sample]! <= budget) hits[problem]! += outcomes.correct[sample]!;
  });
  return hits.map((hit, problem) => hit / graded[problem]!).filter((_, problem) => isIn(problems[problem]!, group));
}
