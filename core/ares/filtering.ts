/**
 * Which groups are worth training on (METHOD §3.12).
 *
 * Owns: the filter on group means, and what it does to groups that are all right or all wrong.
 * Sampling more problems until enough groups are kept is the trainer's business.
 */
import { mean } from '#core/util/statistics.ts';
import { type GroupRewards, keepsShaping } from './advantages.ts';
import type { FilterOptions, UniformGroupRule } from './options.ts';

/**
 * Whether a group is kept. Under 'accuracy' this drops exactly the groups without a right or without
 * a wrong answer (for 8 responses and the default range) — except those that
 * `keepShapingOnUniformGroups` wants for their shaping and whose shaping distinguishes responses.
 * Under 'overall' the mean of the whole reward decides, as in the released code.
 */
export function keepsGroup(group: GroupRewards, filter: FilterOptions, uniformGroups: UniformGroupRule): boolean {
  if (filter.rule === 'none') return true;
  if (filter.rule === 'overall') {
    return isWithin(mean(group.task.map((reward, i) => reward + group.shaping[i]!)), filter);
  }
  if (isWithin(mean(group.correct.map(Number)), filter)) return true;
  const isUniform = group.correct.every((correct) => correct === group.correct[0]);
  const hasSignal = group.shaping.some((reward) => reward !== group.shaping[0]);
  return isUniform && hasSignal && keepsShaping(group.correct, uniformGroups);
}

function isWithin(value: number, filter: FilterOptions): boolean {
  return value > filter.low && value < filter.high;
}
