/**
 * Calls about comparing evaluated arms.
 *
 * Owns: joining what the calls need. Arms come from armCatalogue.ts, statistics from a thread of their own
 * (statistics.ts); a comparison that was asked for is kept, so that its report does not compute it again.
 */
import { type ArmSet, responsesTo } from '#core/compare/arms.ts';
import type { Comparison } from '#core/compare/comparison.ts';
import { groupsOf, problemMeans } from '#core/compare/problems.ts';
import { comparisonTable } from '#core/compare/resultTable.ts';
import { questionText } from '#core/compare/run/traces.ts';
import { tableToCsv } from '#core/compare/table.ts';
import type { Group } from '#core/compare/types.ts';
import { type Handlers, type RequestOf, type ResponseOf, bucketNames } from '#core/contract/contract.ts';
import { armCatalogue } from '#core/host/armCatalogue.ts';
import { listBlindTests, saveBlindTest } from '#core/host/blindTests.ts';
import { comparisonReport } from '#core/host/comparisonReport.ts';
import { comparisonView } from '#core/host/comparisonView.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { rolloutInfo } from '#core/host/rolloutInfo.ts';
import { createStatistics } from '#core/host/statistics.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';

type CompareCalls =
  | 'compare.arms'
  | 'compare.compute'
  | 'compare.budget'
  | 'compare.problems'
  | 'compare.rollouts'
  | 'compare.report'
  | 'compare.blindTests'
  | 'compare.saveBlindTest';

type ComparisonRequest = RequestOf<'compare.compute'>;

/** Comparisons that are kept. */
const KEPT = 8;
const PROMPT_CHARACTERS = 160;

export function compareHandlers(host: HostContext): Pick<Handlers, CompareCalls> {
  const statistics = createStatistics();
  const kept = new WeakMap<Store, Map<string, Promise<Comparison>>>();

  const compute = (store: Store, { arms }: ArmSet, request: ComparisonRequest): Promise<Comparison> => {
    const { reference, groupBy, pairs, resamples } = request;
    let known = kept.get(store);
    if (known === undefined) kept.set(store, (known = new Map()));
    const key = JSON.stringify([request.armIds, reference, groupBy, pairs, resamples]);
    const before = known.get(key);
    if (before !== undefined) return before;
    const evaluations = arms.map(({ evaluation }) => evaluation);
    const task = { evaluations, reference, groupBy, pairs, resamples };
    const about = { kind: 'compare', title: `Comparison of ${labelsOf(arms)}`, unit: 'values' } as const;
    const comparison = host.jobs
      .run(about, (control) => statistics.ask('compare', task, control))
      .then((result) => ({ ...result, evaluations }));
    known.set(key, comparison);
    // A failure is not kept: asking again may succeed.
    comparison.catch(() => known.delete(key));
    if (known.size > KEPT) known.delete(known.keys().next().value!);
    return comparison;
  };

  return {
    'compare.arms': ({ against }) => armCatalogue(host.project().store).list(against),
    'compare.compute': async (request) => {
      const { store } = host.project();
      const set = armCatalogue(store).select(request.armIds, request.reference);
      return comparisonView(await compute(store, set, request), set.bucketsFrom);
    },
    'compare.budget': async ({ armIds, reference, group }) => {
      const { arms } = armCatalogue(host.project().store).select(armIds, reference);
      const evaluations = arms.map(({ evaluation }) => evaluation);
      const about = { kind: 'compare', title: `Token budgets of ${labelsOf(arms)}`, unit: 'values' } as const;
      const task = { evaluations, group: requireGroup(arms, group) };
      const curves = await host.jobs.run(about, (control) => statistics.ask('budget', task, control));
      return {
        budgetTokens: Float64Array.from(curves[0]?.budgetTokens ?? []),
        curves: curves.map(({ arm, label, accuracy, low, high }) => ({
          armId: arm,
          label,
          accuracy: Float64Array.from(accuracy),
          low: Float64Array.from(low),
          high: Float64Array.from(high),
        })),
      };
    },
    'compare.problems': ({ armIds, reference }) => {
      const { store } = host.project();
      return problemColumns(store, armCatalogue(store).select(armIds, reference), reference);
    },
    'compare.rollouts': ({ armIds, problemKey }) => {
      const { store } = host.project();
      const { arms } = armCatalogue(store).select(armIds, armIds[0]!);
      const answers = arms.map(({ armId, parts }) => ({ armId, rollouts: responsesTo(parts, problemKey) }));
      const problemId = answers.flatMap(({ rollouts }) => rollouts)[0]?.problemId;
      const problem = problemId === undefined ? undefined : store.problems.get(problemId);
      if (problem === undefined) {
        throw new AresError('not-found', 'None of these arms answered this problem.', { where: problemKey });
      }
      return {
        id: problem.id,
        prompt: questionText(problem.prompt),
        answer: problem.answer,
        arms: answers.map(({ armId, rollouts }) => ({ armId, rollouts: rollouts.map(rolloutInfo) })),
      };
    },
    'compare.report': async ({ format, ...request }) => {
      const { store } = host.project();
      const set = armCatalogue(store).select(request.armIds, request.reference);
      const comparison = await compute(store, set, request);
      const text =
        format === 'csv'
          ? tableToCsv(comparisonTable(comparison))
          : await host.jobs.run(
              { kind: 'compare', title: `Report of ${labelsOf(set.arms)}`, unit: 'values' },
              (control) => statistics.ask('report', comparisonReport(store, set, comparison), control),
            );
      const mediaType = format === 'csv' ? 'text/csv; charset=utf-8' : 'text/html; charset=utf-8';
      return { fileName: `${fileStem(set)}.${format}`, mediaType, bytes: new TextEncoder().encode(text) };
    },
    'compare.blindTests': () => listBlindTests(host.project().store),
    'compare.saveBlindTest': ({ comparisonId, test }) => {
      return { comparisonId: saveBlindTest(host.project().store, comparisonId, test) };
    },
  };
}

/** @throws AresError 'usage' when the arms have no such group */
function requireGroup(arms: ArmSet['arms'], wanted: string): Group {
  const known = groupsOf(arms[0]!.evaluation, ['source', 'dataset']).find((group) => group === wanted);
  // A single bucket has no row for all problems, but they are a group all the same.
  if (known !== undefined || wanted === 'all') return known ?? 'all';
  throw new AresError('usage', 'There is no such group of problems in this comparison.', { where: wanted });
}

/** In the order of the reference's problems. */
function problemColumns(store: Store, { arms }: ArmSet, reference: string): ResponseOf<'compare.problems'> {
  const { evaluation, parts } = arms.find(({ armId }) => armId === reference)!;
  const { problems } = evaluation;
  const ids = parts.flatMap(({ problemIds }) => problemIds);
  const sources = [...new Set(problems.map(({ source }) => source))];
  const sourceIndex = new Map(sources.map((source, index) => [source, index]));
  const means = arms.map(({ evaluation: own }) => {
    const indexOf = new Map(own.problems.map(({ key }, index) => [key, index]));
    const { problemIndex } = own.outcomes;
    const samples = new Int32Array(own.problems.length);
    for (const index of problemIndex) samples[index]! += 1;
    return { ...problemMeans(own), samples, order: problems.map(({ key }) => indexOf.get(key)!) };
  });
  const column = (name: 'correct' | 'gradable' | 'samples' | 'lengthTokens'): number[] =>
    means.flatMap((each) => each.order.map((index) => each[name][index]!));
  return {
    key: problems.map(({ key }) => key),
    id: problems.map(({ id }) => id),
    prompt: ids.map((problemId) => questionText(store.problems.get(problemId)!.prompt).slice(0, PROMPT_CHARACTERS)),
    bucket: Uint8Array.from(problems, ({ bucket }) => bucketNames.indexOf(bucket)),
    sources,
    source: Int32Array.from(problems, ({ source }) => sourceIndex.get(source)!),
    correct: Int32Array.from(column('correct')),
    graded: Int32Array.from(column('gradable')),
    samples: Int32Array.from(column('samples')),
    meanLengthTokens: Float64Array.from(column('lengthTokens')),
  };
}

function labelsOf(arms: ArmSet['arms']): string {
  return arms.map(({ label }) => label).join(', ');
}

/** A file name of letters, digits and hyphens. */
function fileStem({ arms }: ArmSet): string {
  const words = arms
    .map(({ label }) => label)
    .join(' ')
    .toLowerCase();
  return `comparison-${words
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 80)}`;
}
