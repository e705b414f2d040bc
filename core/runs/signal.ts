/**
 * Whether there is anything to learn from: the preflight before training.
 *
 * Owns: the share of groups that would hold both right and wrong answers, when labelling may stop
 * because that share cannot become large enough any more, and the refusal with its numbers. Pure.
 */
import { mixedGroupProbability } from '#core/ares/difficulty.ts';
import { AresError } from '#core/util/errors.ts';
import { mean, wilsonInterval } from '#core/util/statistics.ts';

/** Fewer problems than this never end the labelling: a dataset may begin with its odd ones. */
export const MIN_PROBLEMS_TO_STOP = 64;

/** How many of the problems labelled so far were solved in some but not all of their samples. */
export interface MixedCount {
  problems: number;
  mixed: number;
}

/**
 * Upper 95 % bound of the share of problems that are solved sometimes. No more groups than these can
 * hold both right and wrong answers by the labels, so it also bounds what the preflight measures. The
 * trials are problems and not responses, because responses to the same problem resemble each other;
 * it is valid for problems labelled in random order.
 */
export function signalUpperBound({ problems, mixed }: MixedCount): number {
  return wilsonInterval(mixed, problems).high;
}

/** Whether labelling can stop: after enough problems, and sure that the preflight will refuse. */
export function isSurelyWithoutSignal(count: MixedCount, minimumFraction: number): boolean {
  return count.problems >= MIN_PROBLEMS_TO_STOP && signalUpperBound(count) < minimumFraction;
}

/**
 * Refuses to train where nothing could be learned: reinforcement compares right with wrong answers to
 * the same problem, so a model that solves everything or nothing gives it no direction.
 * @param passRates measured, one per problem
 * @param unlabelled problems that labelling left out because it stopped early
 * @throws AresError 'no-signal' with the numbers
 */
export function checkSignal(
  passRates: readonly number[],
  groupSize: number,
  minimumFraction: number,
  unlabelled = 0,
): void {
  const never = passRates.filter((rate) => rate === 0).length;
  const always = passRates.filter((rate) => rate === 1).length;
  const expected = mean(passRates.map((rate) => mixedGroupProbability(rate, groupSize)));
  if (expected >= minimumFraction && expected > 0) return;
  const problems = passRates.length;
  const bound = signalUpperBound({ problems, mixed: problems - never - always });
  const early =
    unlabelled === 0
      ? ''
      : ` Labelling stopped after ${problems} of ${problems + unlabelled} problems: with 95 % confidence no more than ` +
        `${percent(bound)} of all problems are solved sometimes.`;
  throw new AresError(
    'no-signal',
    `There is no signal to learn from: of ${problems} problems the model never solves ${never} and always solves ${always}, ` +
      `so only ${percent(expected)} of the groups would hold both right and wrong answers ` +
      `(at least ${percent(minimumFraction)} are needed).${early}`,
    {
      hint:
        never >= always
          ? 'Start from a model that solves some of these problems, or choose easier problems.'
          : 'Choose harder problems: this model has nothing left to learn from these.',
    },
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
