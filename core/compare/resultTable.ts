/**
 * The result table of a comparison: per bucket, every arm's accuracy and mean length with intervals,
 * and its differences from the reference.
 *
 * Owns: which columns there are, in which order they give way to a narrow terminal, and the notes
 * that say how the numbers were measured. Layout is table.ts.
 */
import { type ArmSummary, type Comparison, type PairComparison, labelOf, overallOf } from './comparison.ts';
import { countOf, formatNumber, listOf } from './format.ts';
import type { Cell, NumberCell, Table } from './table.ts';
import { groupsLeftOut, isIn, readGroup } from './problems.ts';
import type { Decoding, Group } from './types.ts';

export function resultTable(comparison: Comparison): Table {
  const differences = comparison.evaluations.length > 1;
  return {
    title: `Accuracy and mean response length, ${populationOf(comparison)}`,
    columns: [
      { key: 'accuracy', header: 'accuracy', quantity: 'share', priority: 0 },
      { key: 'length', header: 'length (tokens)', quantity: 'tokens', priority: 1 },
      ...(differences
        ? ([
            { key: 'accuracy_difference', header: 'Δ accuracy', quantity: 'shareDifference', priority: 2 },
            { key: 'accuracy_p', header: 'p', quantity: 'p', priority: 4 },
            { key: 'length_difference', header: 'Δ length', quantity: 'tokenDifference', priority: 3 },
            { key: 'length_p', header: 'p', quantity: 'p', priority: 5 },
          ] as const)
        : []),
    ],
    groups: comparison.groups.map((group) => ({
      key: group,
      label: groupLabel(comparison, group),
      rows: comparison.summaries
        .filter((summary) => summary.group === group)
        .map((summary) => ({
          label: labelOf(comparison, summary.arm),
          cells: { ...summaryCells(summary), ...differenceCells(comparison, summary) },
        })),
    })),
    notes: comparisonNotes(comparison),
  };
}

/** The result table with everything a program may ask for: counts, uncorrected p, and how each was computed. */
export function comparisonTable(comparison: Comparison): Table {
  const table = resultTable(comparison);
  const further = [
    { key: 'problems', header: 'problems', quantity: 'count' },
    { key: 'samples', header: 'samples', quantity: 'count' },
    { key: 'truncated', header: 'truncated', quantity: 'count' },
    { key: 'no_answer', header: 'no answer', quantity: 'count' },
    { key: 'ungradable', header: 'ungradable', quantity: 'count' },
    { key: 'accuracy_interval', header: 'interval', quantity: 'count' },
    { key: 'accuracy_p_uncorrected', header: 'p uncorrected', quantity: 'p' },
    { key: 'accuracy_test', header: 'test', quantity: 'count' },
    { key: 'length_p_uncorrected', header: 'p uncorrected', quantity: 'p' },
    { key: 'length_test', header: 'test', quantity: 'count' },
  ] as const;
  return {
    ...table,
    columns: [...table.columns, ...further.map((column) => ({ ...column, priority: 6 }))],
    groups: comparison.groups.map((group, i) => ({
      ...table.groups[i]!,
      rows: comparison.summaries
        .filter((summary) => summary.group === group)
        .map((summary, row) => {
          const { label, cells } = table.groups[i]!.rows[row]!;
          return { label, cells: { ...cells, ...detailCells(comparison, summary) } };
        }),
    })),
  };
}

function detailCells(comparison: Comparison, summary: ArmSummary): Record<string, Cell> {
  const { arm, group, accuracy, samples, truncated, noAnswer, ungradable } = summary;
  const pair = pairOf(comparison, arm, comparison.reference, group);
  return {
    problems: { value: accuracy.problems },
    samples: { value: samples },
    truncated: { value: truncated },
    no_answer: { value: noAnswer },
    ungradable: { value: ungradable },
    accuracy_interval: accuracy.interval,
    ...(pair === undefined
      ? {}
      : {
          accuracy_p_uncorrected: { value: pair.accuracy.p },
          accuracy_test: pair.accuracy.test,
          length_p_uncorrected: { value: pair.lengthTokens.p },
          length_test: pair.lengthTokens.test,
        }),
  };
}

/** How the numbers were measured, and what the means hide. */
export function comparisonNotes(comparison: Comparison): string[] {
  const reference = labelOf(comparison, comparison.reference);
  return [...methodNotes(comparison, reference), ...groupNotes(comparison), ...outcomeNotes(comparison)];
}

/** `240 problems × 4 samples`, or the total where problems have different numbers of samples. */
export function populationOf({ evaluations }: Comparison): string {
  const [first] = evaluations;
  const problems = first!.problems.length;
  const samples = evaluations.map(({ outcomes }) => outcomes.problemIndex.length);
  const perProblem = samples[0]! / problems;
  const regular = samples.every((count) => count === samples[0]) && Number.isInteger(perProblem);
  return regular
    ? `${countOf(problems, 'problem')} × ${countOf(perProblem, 'sample')}`
    : `${countOf(problems, 'problem')}, ${listOf(samples.map((count) => formatNumber(count, 'count')))} samples`;
}

function groupLabel(comparison: Comparison, group: Group): string {
  const count = comparison.evaluations[0]!.problems.filter((problem) => isIn(problem, group)).length;
  return `${readGroup(group).name} · ${countOf(count, 'problem')}`;
}

function summaryCells({ accuracy, lengthTokens }: ArmSummary): Record<string, Cell> {
  return { accuracy: intervalCell(accuracy), length: intervalCell(lengthTokens) };
}

function differenceCells(comparison: Comparison, { arm, group }: ArmSummary): Record<string, Cell> {
  const pair = pairOf(comparison, arm, comparison.reference, group);
  if (pair === undefined) return {};
  return {
    accuracy_difference: intervalCell(pair.accuracy),
    accuracy_p: { value: pair.accuracy.pHolm },
    length_difference: intervalCell(pair.lengthTokens),
    length_p: { value: pair.lengthTokens.pHolm },
  };
}

/** The comparison of two arms on a group; undefined where it was not made. */
export function pairOf({ pairs }: Comparison, arm: string, against: string, group: Group): PairComparison | undefined {
  return pairs.find((pair) => pair.arm === arm && pair.against === against && pair.group === group);
}

function intervalCell({ value, low, high }: NumberCell & { low: number; high: number }): Cell {
  return { value, low, high };
}

function methodNotes(comparison: Comparison, reference: string): string[] {
  const notes = [
    'Mean over problems, each weighing the same; [low, high] is a 95 % interval over the choice of problems ' +
      `(${intervalMethods(comparison)}). Training seeds are not part of it.`,
  ];
  if (comparison.pairs.length > 0) {
    notes.push(
      `Δ is the difference from ${reference} on the same problems; p is two-sided (${testMethods(comparison)}), ` +
        `Holm-corrected over ${countOf(comparison.tests, 'test')}.${floorNote(comparison)}`,
    );
  }
  return notes;
}

function groupNotes({ evaluations, groups }: Comparison): string[] {
  return (['source', 'dataset'] as const).flatMap((kind) => {
    const left = groupsLeftOut(evaluations[0]!, kind);
    if (left === 0 || !groups.some((group) => readGroup(group).kind === kind)) return [];
    return [`Only the ${kind}s with the most problems have a row; left out: ${countOf(left, kind)}.`];
  });
}

/** Equal smallest p-values are a limit of the resampling, not of the data; said so that nobody wonders. */
function floorNote({ pairs, resamples, tests }: Comparison): string {
  if (!pairs.some(({ lengthTokens }) => lengthTokens.test === 'bootstrap')) return '';
  const floor = (2 * tests) / (resamples + 1);
  return ` The smallest p that ${formatNumber(resamples, 'count')} resamples can establish is ${formatNumber(floor, 'p')}.`;
}

function intervalMethods({ summaries, resamples, seed }: Comparison): string {
  const kinds = new Set(summaries.flatMap(({ accuracy, lengthTokens }) => [accuracy.interval, lengthTokens.interval]));
  const names = [
    ...(kinds.has('bootstrap')
      ? [`bootstrap clustered by problem, ${formatNumber(resamples, 'count')} resamples, seed ${seed}`]
      : []),
    ...(kinds.has('wilson') ? ['Wilson where each problem has one graded sample or all agree'] : []),
  ];
  return names.length === 0 ? 'too few problems for one' : names.join('; ');
}

function testMethods({ pairs }: Comparison): string {
  const tests = new Set(pairs.flatMap(({ accuracy, lengthTokens }) => [accuracy.test, lengthTokens.test]));
  const names = [
    ...(tests.has('bootstrap') ? ['paired bootstrap'] : []),
    ...(tests.has('mcnemar') ? ['exact McNemar for accuracy'] : []),
  ];
  return names.length === 0 ? 'none possible' : names.join('; ');
}

/** What would otherwise be hidden in the means: truncation, missing and ungradable answers, unlike decoding. */
function outcomeNotes(comparison: Comparison): string[] {
  const notes: string[] = [];
  const perArm = (what: (overall: ArmSummary, decoding: Decoding) => string | null): string[] =>
    comparison.evaluations.flatMap(({ arm, label, decoding }) => {
      const text = what(overallOf(comparison, arm), decoding);
      return text === null ? [] : [`${label} ${text}`];
    });
  const truncated = perArm(({ truncated, samples }, { maxNewTokens }) =>
    truncated === 0
      ? null
      : `${formatNumber(truncated, 'count')} of ${formatNumber(samples, 'count')} at ${maxNewTokens}`,
  );
  if (truncated.length > 0) notes.push(`Cut off by the length limit: ${listOf(truncated)}.`);
  const noAnswer = perArm(({ noAnswer }) => (noAnswer === 0 ? null : formatNumber(noAnswer, 'count')));
  if (noAnswer.length > 0) notes.push(`No answer found (counted as wrong): ${listOf(noAnswer)}.`);
  const ungradable = perArm(({ ungradable }) => (ungradable === 0 ? null : formatNumber(ungradable, 'count')));
  if (ungradable.length > 0) notes.push(`Could not be graded (left out of accuracy): ${listOf(ungradable)}.`);
  const decodings = comparison.evaluations.map(({ decoding }) => decodingText(decoding));
  if (new Set(decodings).size === 1) notes.push(`Sampled at ${decodings[0]}.`);
  else {
    notes.push(
      'The arms were not sampled alike, which a difference may come from: ' +
        `${listOf(comparison.evaluations.map(({ label }, index) => `${label} at ${decodings[index]}`))}.`,
    );
  }
  return notes;
}

/** `temperature 1, at most 128 new tokens, seed 7`. */
export function decodingText({ temperature, maxNewTokens, seed }: Decoding): string {
  return `temperature ${temperature}, at most ${formatNumber(maxNewTokens, 'count')} new tokens, seed ${seed}`;
}
