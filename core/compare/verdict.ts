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
import type { Group } from './types.ts';

/** What the data say about one arm against another. */
export interface Verdict {
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

/** One verdict per compared pair of arms, then one on allocation where there are easy and hard problems. */
export function verdictsOf(comparison: Comparison): Verdict[] {
  const armPairs = new Map(comparison.pairs.map((pair) => [JSON.stringify([pair.arm, pair.against]), pair]));
  const verdicts = [...armPairs.values()].map(({ arm, against }) => pairVerdict(comparison, arm, against));
  const allocation = allocationVerdict(comparison);
  return allocation === null ? verdicts : [...verdicts, allocation];
}

function pairVerdict(comparison: Comparison, arm: string, against: string): Verdict {
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
  const sentences: string[] = [];
  const clauses = ([above, below] as const).flatMap((direction) => {
    const there = shown.filter((pair) => (direction === above ? pair[metric].value > 0 : pair[metric].value < 0));
    const places = there.map((pair) => `${placeOf(pair.group)} (${evidence(comparison, pair, metric)})`);
    return places.length === 0 ? [] : [`${direction} ${listOf(places)}`];
  });
  if (clauses.length > 0) sentences.push(`${subject} ${clauses.join('; ')}.`);
  if (open.length > 0) {
    const places = open.map((pair) => `${placeOf(pair.group)} (${evidence(comparison, pair, metric)})`);
    sentences.push(
      `No difference in ${noun} was shown ${listOf(places)}; the brackets, not corrected for ${countOf(comparison.tests, 'test')}, are what the data allow.`,
    );
  }
  if (untested.length > 0) {
    sentences.push(`Too few problems to compare ${noun} ${listOf(untested.map((pair) => placeOf(pair.group)))}.`);
  }
  return sentences;
}

function placeOf(group: Group): string {
  return group === 'all' ? 'over all problems' : `on ${group} problems`;
}

function testOf({ pHolm }: CorrectedDifference): string {
  const p = formatNumber(pHolm, 'p');
  return p.startsWith('<') ? `p ${p}` : `p = ${p}`;
}

/** `.606 → .894, +.288 [+.210, +.365], p <.001`; lengths lead with the relative change. */
function evidence(comparison: Comparison, pair: PairComparison, metric: Metric): string {
  const from = summaryOf(comparison, pair.against, pair.group)![metric].value;
  const to = summaryOf(comparison, pair.arm, pair.group)![metric].value;
  const difference = pair[metric];
  const accuracy = metric === 'accuracy';
  const quantity = accuracy ? 'share' : 'tokens';
  const ofDifference = accuracy ? 'shareDifference' : 'tokenDifference';
  return [
    ...(accuracy ? [] : [formatPercentChange(difference.value, from)]),
    `${formatNumber(from, quantity)} → ${formatNumber(to, quantity)}`,
    `${formatNumber(difference.value, ofDifference)} ${formatInterval(difference.low, difference.high, ofDifference)}`,
    testOf(difference),
  ].join(', ');
}

function flipSentences(comparison: Comparison, arm: string, against: string): string[] {
  const pair = comparison.flips.find((candidate) => candidate.arm === arm && candidate.against === against);
  if (pair === undefined) return [];
  const gained = pair.flips.filter((flip) => flip.solvedBy === 'first').length;
  const lost = pair.flips.length - gained;
  const problems = comparison.evaluations[0]!.problems.length;
  if (gained + lost === 0) return [`Of ${countOf(problems, 'problem')} none was solved by only one of the two.`];
  return [
    `Of ${countOf(problems, 'problem')}, ${labelOf(comparison, arm)} solved ${formatNumber(gained, 'count')} that ` +
      `${labelOf(comparison, against)} did not, and failed ${formatNumber(lost, 'count')} that it solved.`,
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

function allocationVerdict(comparison: Comparison): Verdict | null {
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
