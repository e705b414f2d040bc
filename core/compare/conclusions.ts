/**
 * A comparison in plain sentences.
 *
 * Owns: the rule for saying that a difference was shown (Holm-corrected p < .05 and an interval that
 * excludes zero) and the wording of everything else: not shown, not testable, not comparable. Every
 * sentence is derived from the statistics; none is chosen by hand.
 */
import {
  type Comparison,
  type CorrectedDifference,
  type PairComparison,
  labelOf,
  overallOf,
  summaryOf,
} from './comparison.ts';
import { countOf, formatInterval, formatNumber, formatPercentChange, listOf } from './format.ts';
import { groupPhrase } from './problems.ts';

/** The rule behind the sentences, to be shown with them. */
export const CONCLUSION_RULE =
  'A difference is called shown when its p-value, corrected for all tests made here, is below .05 and its 95 % ' +
  'interval excludes zero. Not shown does not mean equal.';

/** What the data say about one arm against another. */
export interface Conclusion {
  heading: string;
  sentences: string[];
}

const SIGNIFICANCE = 0.05;
/** Above this share of cut-off responses a mean length says more about the limit than about the model. */
const TRUNCATION_WORTH_A_WARNING = 0.05;

/** Whether the statistics show a difference at all, after correction for the number of tests. */
export function isShown({ low, high, pHolm }: CorrectedDifference): boolean {
  return pHolm < SIGNIFICANCE && (low > 0 || high < 0);
}

/** One conclusion per compared pair of arms, then one on allocation where there are easy and hard problems. */
export function conclusionsOf(comparison: Comparison): Conclusion[] {
  const armPairs = new Map(comparison.pairs.map((pair) => [JSON.stringify([pair.arm, pair.against]), pair]));
  const conclusions = [...armPairs.values()].map(({ arm, against }) => pairConclusion(comparison, arm, against));
  const allocation = allocationConclusion(comparison);
  return allocation === null ? conclusions : [...conclusions, allocation];
}

function pairConclusion(comparison: Comparison, arm: string, against: string): Conclusion {
  const pairs = comparison.pairs.filter((pair) => pair.arm === arm && pair.against === against);
  return {
    heading: `${labelOf(comparison, arm)} against ${labelOf(comparison, against)}`,
    sentences: [
      ...metricSentences(comparison, pairs, 'accuracy'),
      ...metricSentences(comparison, pairs, 'lengthTokens'),
      ...flipSentences(comparison, arm, against),
      ...truncationSentences(comparison, [arm, against]),
    ],
  };
}

const wording = {
  accuracy: { subject: 'Accuracy was', noun: 'accuracy', above: 'higher', below: 'lower' },
  lengthTokens: { subject: 'Responses were', noun: 'response length', above: 'longer', below: 'shorter' },
} as const;
type Metric = keyof typeof wording;

function metricSentences(comparison: Comparison, pairs: readonly PairComparison[], metric: Metric): string[] {
  const { subject, noun, above, below } = wording[metric];
  const shown = pairs.filter((pair) => isShown(pair[metric]));
  const untested = pairs.filter((pair) => Number.isNaN(pair[metric].p));
  const open = pairs.filter((pair) => !shown.includes(pair) && !untested.includes(pair));
  const clauses = ([above, below] as const).flatMap((direction) => {
    const there = shown.filter((pair) => (direction === above ? pair[metric].value > 0 : pair[metric].value < 0));
    if (there.length === 0) return [];
    return [`${direction} on ${places(there, (pair) => change(comparison, pair, metric))}`];
  });
  return [
    ...(clauses.length === 0 ? [] : [`${subject} ${clauses.join(', ')}.`]),
    ...(open.length === 0
      ? []
      : [`No difference in ${noun} was shown on ${places(open, (pair) => uncertainty(comparison, pair, metric))}.`]),
    ...(untested.length === 0 ? [] : [`Too few problems to compare ${noun} on ${places(untested)}.`]),
  ];
}

/** `easy problems (.991 → .931) and all problems (.670 → .886)`. */
function places(pairs: readonly PairComparison[], evidence?: (pair: PairComparison) => string): string {
  return listOf(
    pairs.map((pair) => `${groupPhrase(pair.group)}${evidence === undefined ? '' : ` (${evidence(pair)})`}`),
  );
}

/** `.606 → .894`; lengths lead with the relative change: `−27 %, 51.5 → 37.5 tokens`. */
function change(comparison: Comparison, pair: PairComparison, metric: Metric): string {
  const from = summaryOf(comparison, pair.against, pair.group)![metric].value;
  const to = summaryOf(comparison, pair.arm, pair.group)![metric].value;
  if (metric === 'accuracy') return `${formatNumber(from, 'share')}\u00a0→\u00a0${formatNumber(to, 'share')}`;
  const percent = formatPercentChange(pair[metric].value, from);
  return `${percent}, ${formatNumber(from, 'tokens')}\u00a0→\u00a0${formatNumber(to, 'tokens')} tokens`;
}

/** What a test that showed nothing leaves possible. */
function uncertainty({ tests }: Comparison, pair: PairComparison, metric: Metric): string {
  const { value, low, high, pHolm } = pair[metric];
  const quantity = metric === 'accuracy' ? 'shareDifference' : 'tokenDifference';
  const difference = formatNumber(value, quantity);
  if (low <= 0 && high >= 0) {
    const unit = metric === 'accuracy' ? '' : ' tokens';
    return `${difference}; anything from ${formatNumber(low, quantity)} to ${formatNumber(high, quantity)}${unit} fits the data`;
  }
  const interval = formatInterval(low, high, quantity);
  return `${difference} ${interval}, but p\u00a0=\u00a0${formatNumber(pHolm, 'p')} once corrected for ${countOf(tests, 'test')}`;
}

function flipSentences(comparison: Comparison, arm: string, against: string): string[] {
  const pair = comparison.flips.find((candidate) => candidate.arm === arm && candidate.against === against);
  if (pair === undefined) return [];
  const gained = pair.flips.filter((flip) => flip.solvedBy === 'first').length;
  const lost = pair.flips.length - gained;
  const problems = comparison.evaluations[0]!.problems.length;
  const [name, other] = [labelOf(comparison, arm), labelOf(comparison, against)];
  return [
    `Of ${countOf(problems, 'problem')}, ${formatNumber(gained, 'count')} were solved by ${name} but not by ${other}, ` +
      `${formatNumber(lost, 'count')} by ${other} but not by ${name}.`,
  ];
}

function truncationSentences(comparison: Comparison, arms: readonly string[]): string[] {
  return arms.flatMap((arm) => {
    const { truncated, samples } = overallOf(comparison, arm);
    const share = truncated / samples;
    if (share <= TRUNCATION_WORTH_A_WARNING) return [];
    return [
      `The lengths of ${labelOf(comparison, arm)} are lower bounds: ` +
        `${Math.round(100 * share)} % of its responses were cut off by the length limit.`,
    ];
  });
}

function allocationConclusion(comparison: Comparison): Conclusion | null {
  if (comparison.allocations.length === 0) return null;
  const parts = comparison.allocations.map(({ arm, tokens }) => {
    const interval = formatInterval(tokens.low, tokens.high, 'tokenDifference');
    return `${labelOf(comparison, arm)} ${formatNumber(tokens.value, 'tokenDifference')}${interval === '' ? '' : ` ${interval}`}`;
  });
  return {
    heading: 'Allocation',
    sentences: [`Tokens spent on a hard problem beyond those spent on an easy one: ${listOf(parts)}.`],
  };
}
