/**
 * The comparison of several arms on one list of problems: every number a result table, a verdict or a
 * report shows, computed once.
 *
 * Owns: groups, reference, pairs, Holm's correction over all of them, and allocation (how much longer
 * hard problems are thought about than easy ones, the quantity ARES is about). It renders nothing.
 */
import { AresError } from '#core/util/errors.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { bootstrapMeans, percentileInterval } from './bootstrap.ts';
import { holm } from './exactTests.ts';
import {
  type Difference,
  type Estimate,
  type Flip,
  differenceOfAccuracies,
  differenceOfMeans,
  estimateAccuracy,
  estimateMean,
  findFlips,
  pairProblems,
  subtract,
} from './paired.ts';
import { type ProblemMeans, groupsOf, isIn, problemMeans, problemsOf, take } from './problems.ts';
import { NO_ANSWER, UNGRADABLE } from '#core/grading/verdict.ts';
import { type Evaluation, type Group, type GroupKind, checkEvaluation } from './types.ts';

/** One arm on one group of problems. */
export interface ArmSummary {
  arm: string;
  group: Group;
  accuracy: Estimate;
  lengthTokens: Estimate;
  /** Accuracy bought by a thousand tokens: 1000 · accuracy / mean length. */
  accuracyPer1000Tokens: number;
  samples: number;
  truncated: number;
  noAnswer: number;
  ungradable: number;
}

/** A difference whose p-value is also given Holm-corrected over all tests of the comparison. */
export type CorrectedDifference = Difference & { pHolm: number };

/** One arm against another on one group of problems; differences are `arm` − `against`. */
export interface PairComparison {
  arm: string;
  against: string;
  group: Group;
  accuracy: CorrectedDifference;
  lengthTokens: CorrectedDifference;
}

/** Mean length on hard problems minus mean length on easy ones. */
export interface Allocation {
  arm: string;
  tokens: Estimate;
}

export interface FlipsOfPair {
  arm: string;
  against: string;
  flips: Flip[];
}

export interface Comparison {
  evaluations: readonly Evaluation[];
  /** The arm that the others are measured against. */
  reference: string;
  groups: Group[];
  /** [groups × arms], groups outermost. */
  summaries: ArmSummary[];
  /** [groups × pairs], groups outermost. */
  pairs: PairComparison[];
  /** Per arm; empty without both easy and hard problems. */
  allocations: Allocation[];
  flips: FlipsOfPair[];
  /** Number of tests that Holm's correction covers. */
  tests: number;
  resamples: number;
  seed: number;
}

export interface ComparisonOptions {
  /** Default: the first arm. */
  reference?: string;
  /** Further [arm, against] pairs beside each arm against the reference. */
  furtherPairs?: readonly (readonly [string, string])[];
  /** Groups beside buckets. Each is tested too, so each makes the correction stricter. */
  groupBy?: readonly GroupKind[];
  resamples?: number;
  /** Of the bootstrap; any fixed number, so that a report repeats. */
  seed?: number;
  /** Told now and then how many values were resampled, of how many. */
  onProgress?: (done: number, total: number) => void;
}

interface AlignedArm {
  evaluation: Evaluation;
  means: ProblemMeans;
  /** For each problem of the reference its index here. */
  order: number[];
}

/**
 * @throws AresError 'bad-data' when an evaluation is inconsistent or the problems differ,
 *   'usage' when a named arm is absent or an arm appears twice
 */
export function compareEvaluations(evaluations: readonly Evaluation[], options: ComparisonOptions = {}): Comparison {
  const { resamples = 10_000, seed = 0 } = options;
  const arms = alignArms(evaluations, options.reference);
  const reference = options.reference ?? arms[0]!.evaluation.arm;
  const armPairs = pairsToCompare(arms, reference, options.furtherPairs ?? []);
  const problems = arms.find((arm) => arm.evaluation.arm === reference)!.evaluation;
  const groups = groupsOf(problems, options.groupBy);
  const substreams = substreamsOf(groups, groupsOf(problems));
  const members = groups.map((group) => problemsOf(problems, group));
  const total = resamples * members.reduce((sum, { length }) => sum + length, 0);
  let before = 0;
  const results = groups.map((group, index) => {
    const own = members[index]!;
    const result = compareGroup(arms, armPairs, group, own, {
      resamples,
      random: new RandomSequence(seed, Stream.bootstrap, substreams[index]!),
      onResampled: (done) => options.onProgress?.(before + done * own.length, total),
    });
    before += resamples * own.length;
    return result;
  });
  const pairs = results.flatMap((result) => result.pairs);
  return {
    evaluations,
    reference,
    groups,
    summaries: results.flatMap((result) => result.summaries),
    pairs,
    allocations: allocationsOf(results.find(isGroup('easy')), results.find(isGroup('hard'))),
    flips: armPairs.map(([a, b]) => {
      const [arm, against] = [arms[a]!.evaluation, arms[b]!.evaluation];
      return { arm: arm.arm, against: against.arm, flips: findFlips(arm, against) };
    }),
    tests: correctTogether(pairs),
    resamples,
    seed,
  };
}

/**
 * Each arm against the reference, and the others against each other.
 * @throws AresError as compareEvaluations
 */
export function compareEveryPair(
  evaluations: readonly Evaluation[],
  options: Omit<ComparisonOptions, 'furtherPairs'> = {},
): Comparison {
  const reference = options.reference ?? evaluations[0]?.arm;
  const others = evaluations.map(({ arm }) => arm).filter((arm) => arm !== reference);
  const furtherPairs = others.flatMap((against, i) => others.slice(i + 1).map((arm) => [arm, against] as const));
  return compareEvaluations(evaluations, { ...options, furtherPairs });
}

/** Of sources and datasets; those of buckets are below, that of budget curves (tokenBudget.ts) between. */
const FIRST_FURTHER_SUBSTREAM = 1000;

/** Buckets and the whole keep their random numbers, and so their intervals, whatever else is asked for. */
function substreamsOf(groups: readonly Group[], plain: readonly Group[]): number[] {
  return groups.map((group, index) => {
    const place = plain.indexOf(group);
    return place === -1 ? FIRST_FURTHER_SUBSTREAM + index : place;
  });
}

interface GroupResult {
  group: Group;
  summaries: ArmSummary[];
  pairs: PairComparison[];
  /** Per arm, the resampled mean lengths. */
  resampledLengths: Float64Array[];
}

function isGroup(wanted: Group): (result: GroupResult) => boolean {
  return ({ group }) => group === wanted;
}

function compareGroup(
  arms: readonly AlignedArm[],
  armPairs: readonly (readonly [number, number])[],
  group: Group,
  members: readonly number[],
  { resamples, random, onResampled }: { resamples: number; random: RandomSequence; onResampled(done: number): void },
): GroupResult {
  const columns = arms.map((arm) => groupColumns(arm, members));
  const lengthDifferences = armPairs.map(([a, b]) => subtract(columns[a]!.lengthTokens, columns[b]!.lengthTokens));
  // One call, so that every mean and every difference is over the same resampled problems.
  const resampled = bootstrapMeans(
    [
      ...columns.map((column) => column.accuracy),
      ...columns.map((column) => column.lengthTokens),
      ...armPairs.map(([a, b]) => subtract(columns[a]!.accuracy, columns[b]!.accuracy)),
      ...lengthDifferences,
    ],
    resamples,
    random,
    onResampled,
  );
  const resampledLengths = resampled.slice(arms.length, 2 * arms.length);
  const resampledDifferences = resampled.slice(2 * arms.length);
  const summaries = arms.map(({ evaluation }, index): ArmSummary => {
    const { accuracy: perProblem, gradable, lengthTokens: lengths } = columns[index]!;
    const accuracy = estimateAccuracy(perProblem, gradable, resampled[index]!);
    const lengthTokens = estimateMean(lengths, resampledLengths[index]!);
    const accuracyPer1000Tokens = (1000 * accuracy.value) / lengthTokens.value;
    const counts = countOutcomes(evaluation, group);
    return { arm: evaluation.arm, group, accuracy, lengthTokens, accuracyPer1000Tokens, ...counts };
  });
  const pairs = armPairs.map(([a, b], pair): PairComparison => {
    const accuracy = differenceOfAccuracies(columns[a]!, columns[b]!, resampledDifferences[pair]!);
    const lengthTokens = differenceOfMeans(lengthDifferences[pair]!, resampledDifferences[armPairs.length + pair]!);
    return {
      arm: arms[a]!.evaluation.arm,
      against: arms[b]!.evaluation.arm,
      group,
      accuracy: { ...accuracy, pHolm: NaN },
      lengthTokens: { ...lengthTokens, pHolm: NaN },
    };
  });
  return { group, summaries, pairs, resampledLengths };
}

function alignArms(evaluations: readonly Evaluation[], referenceArm: string | undefined): AlignedArm[] {
  const names = evaluations.map((evaluation) => evaluation.arm);
  if (new Set(names).size !== names.length) {
    throw new AresError('usage', 'Two evaluations carry the same arm name.', { where: names.join(', ') });
  }
  const reference = referenceArm === undefined ? evaluations[0] : evaluations.find(({ arm }) => arm === referenceArm);
  if (reference === undefined) {
    throw new AresError('usage', `There is no evaluation of "${referenceArm ?? 'any arm'}" to compare against.`, {
      hint: names.length === 0 ? 'Evaluate a model first.' : `Choose one of ${names.join(', ')}.`,
    });
  }
  return evaluations.map((evaluation) => {
    checkEvaluation(evaluation);
    return { evaluation, means: problemMeans(evaluation), order: pairProblems(reference, evaluation) };
  });
}

function pairsToCompare(
  arms: readonly AlignedArm[],
  reference: string,
  further: readonly (readonly [string, string])[],
): [number, number][] {
  const named = [
    ...arms
      .filter(({ evaluation }) => evaluation.arm !== reference)
      .map(({ evaluation }) => [evaluation.arm, reference]),
    ...further,
  ];
  // A pair asked for twice is one comparison: counting it twice would tighten the correction for nothing.
  const distinct = new Map(named.map((pair) => [JSON.stringify(pair), pair]));
  return [...distinct.values()].map((pair) => {
    const [arm, against] = pair.map((name) => arms.findIndex(({ evaluation }) => evaluation.arm === name));
    if (arm === -1 || against === -1 || arm === against) {
      throw new AresError('usage', `${pair.join(' against ')} is no pair of evaluated arms.`);
    }
    return [arm!, against!];
  });
}

/** Per-problem columns of a group, in the order of the reference's problems. */
function groupColumns({ means, order }: AlignedArm, members: readonly number[]) {
  const indices = members.map((member) => order[member]!);
  return {
    accuracy: take(means.accuracy, indices),
    lengthTokens: take(means.lengthTokens, indices),
    gradable: take(means.gradable, indices),
  };
}

function countOutcomes({ problems, outcomes }: Evaluation, group: Group) {
  const members = Uint8Array.from(problems, (problem) => Number(isIn(problem, group)));
  const counts = { samples: 0, truncated: 0, noAnswer: 0, ungradable: 0 };
  outcomes.problemIndex.forEach((problem, sample) => {
    if (members[problem] === 0) return;
    counts.samples += 1;
    counts.truncated += outcomes.truncated[sample]!;
    if (outcomes.verdict[sample] === NO_ANSWER) counts.noAnswer += 1;
    if (outcomes.verdict[sample] === UNGRADABLE) counts.ungradable += 1;
  });
  return counts;
}

/** Fills in the corrected p-values of one family: everything the comparison tests. Returns its size. */
function correctTogether(pairs: readonly PairComparison[]): number {
  const tests = pairs.flatMap((pair) => [pair.accuracy, pair.lengthTokens]);
  const adjusted = holm(tests.map((test) => test.p));
  tests.forEach((test, index) => {
    test.pHolm = adjusted[index]!;
  });
  return adjusted.filter((p) => !Number.isNaN(p)).length;
}

function allocationsOf(easy: GroupResult | undefined, hard: GroupResult | undefined): Allocation[] {
  if (easy === undefined || hard === undefined) return [];
  return hard.summaries.map(({ arm, lengthTokens: onHard }, index) => {
    const onEasy = easy.summaries[index]!.lengthTokens;
    const value = onHard.value - onEasy.value;
    const problems = Math.min(onHard.problems, onEasy.problems);
    if (problems < 2) return { arm, tokens: { value, low: NaN, high: NaN, problems, interval: 'none' } };
    // Easy and hard problems are different problems: their resamples are independent, not paired.
    const resampled = subtract(hard.resampledLengths[index]!, easy.resampledLengths[index]!);
    return { arm, tokens: { value, ...percentileInterval(resampled), problems, interval: 'bootstrap' } };
  });
}

/** The summary of an arm on a group; undefined where the comparison has none. */
export function summaryOf(comparison: Comparison, arm: string, group: Group): ArmSummary | undefined {
  return comparison.summaries.find((summary) => summary.arm === arm && summary.group === group);
}

/** The summary of an arm on all problems. */
export function overallOf(comparison: Comparison, arm: string): ArmSummary {
  return summaryOf(comparison, arm, comparison.groups.at(-1)!)!;
}

/** What a person reads for an arm. */
export function labelOf(comparison: Comparison, arm: string): string {
  return comparison.evaluations.find((evaluation) => evaluation.arm === arm)?.label ?? arm;
}
