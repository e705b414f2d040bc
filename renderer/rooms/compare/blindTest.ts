/**
 * Judging two arms without knowing which is which.
 *
 * Owns: what a seed fixes (order of problems, sample shown, sides) and what the judgements add up to. The
 * order does not depend on the arms, so a test continued later continues the same list.
 */
import { mcnemarExact } from '#core/compare/exactTests.ts';
import type { BlindChoice, BlindTest } from '#core/contract/contract.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { wilsonInterval } from '#core/util/statistics.ts';

export interface BlindItem {
  problemKey: string;
  /** Whether the first arm stands on the left. */
  firstIsLeft: boolean;
  /** In [0, 1): which sample of each arm is shown. */
  draw: [number, number];
}

export type Side = 'left' | 'right';

/** The items in the order of the test. */
export function blindItems(problemKeys: readonly string[], seed: number): BlindItem[] {
  // Sorted, because the host gives the problems in an order that depends on the reference.
  const keys = new RandomSequence(seed, Stream.shuffle).shuffled([...problemKeys].sort());
  const random = new RandomSequence(seed, Stream.selection);
  return keys.map((problemKey) => ({
    problemKey,
    firstIsLeft: random.uniform() < 0.5,
    draw: [random.uniform(), random.uniform()],
  }));
}

/** The first item that is not judged yet; undefined when all are. */
export function nextItem(
  items: readonly BlindItem[],
  { judgements }: Pick<BlindTest, 'judgements'>,
): BlindItem | undefined {
  const judged = new Set(judgements.map(({ problemKey }) => problemKey));
  return items.find(({ problemKey }) => !judged.has(problemKey));
}

/** A choice of a side as a choice of an arm. */
export function choiceOf(
  choice: Side | 'tie' | 'neither',
  { firstIsLeft }: Pick<BlindItem, 'firstIsLeft'>,
): BlindChoice {
  if (choice === 'tie' || choice === 'neither') return choice;
  return (choice === 'left') === firstIsLeft ? 'first' : 'second';
}

export interface Tally {
  first: number;
  second: number;
  tie: number;
  neither: number;
  /** Share of the decided judgements (first or second) that preferred the first, with a 95 % Wilson interval. */
  preference: { value: number; low: number; high: number };
  /** Exact two-sided sign test of "no preference"; NaN where nothing was decided. */
  p: number;
}

export function tallyOf(judgements: BlindTest['judgements']): Tally {
  const counts = { first: 0, second: 0, tie: 0, neither: 0 };
  for (const { choice } of judgements) counts[choice]++;
  const decided = counts.first + counts.second;
  return {
    ...counts,
    preference: { value: counts.first / decided, ...wilsonInterval(counts.first, decided) },
    // The sign test is McNemar's: both ask whether a fair coin would split so.
    p: decided === 0 ? NaN : mcnemarExact(counts.first, counts.second),
  };
}
