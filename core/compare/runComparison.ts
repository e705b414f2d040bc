/**
 * What several runs ended with, compared on the problems they share.
 *
 * Owns: the one arm of each run that is compared, names that tell the runs apart, and the report. Runs
 * may be of different projects; problems are recognised by their content.
 */
import type { StoreReader } from '#core/store/store.ts';
import { GRADER } from '#core/runs/constants.ts';
import type { Recipe } from '#core/runs/recipe.ts';
import { AresError } from '#core/util/errors.ts';
import { type Comparison, compareEveryPair } from './comparison.ts';
import { distinctLabels } from './distinctLabels.ts';
import { listOf } from './format.ts';
import type { DeviationSection, ReportData } from './report/data.ts';
import { bucketSentences } from './run/buckets.ts';
import { readCurves } from './run/curves.ts';
import { deviationsOf } from './run/deviations.ts';
import { type RunEvaluations, readEvaluations } from './run/evaluations.ts';
import type { MachineFacts } from './run/facts.ts';
import { type RunRecord, readRun } from './run/record.ts';
import type { Evaluation } from './types.ts';

/** A run by where it is. */
export interface RunAddress {
  /** What a person knows the project by. */
  project: string;
  store: StoreReader;
  runId: number;
}

interface ComparedRun {
  record: RunRecord;
  /** The model it ended with; `arm` and `label` name the run. */
  evaluation: Evaluation;
  buckets: RunEvaluations['buckets'];
}

export interface RunComparison {
  runs: readonly ComparedRun[];
  comparison: Comparison;
}

/**
 * Compares what the runs ended with, each against the first and against each other. Buckets are those of
 * the first run, so that they are the same for all.
 * @throws AresError 'not-found' for a run without evaluations, 'bad-data' when problems differ
 */
export function compareRuns(addresses: readonly RunAddress[]): RunComparison {
  const ended = addresses.map((address) => ({ address, ...lastEvaluation(address) }));
  const bucketOf = new Map(ended[0]!.evaluation.problems.map(({ key, bucket }) => [key, bucket]));
  const labels = distinctLabels(
    ended.map(({ evaluation, record, address }) => ({
      label: evaluation.label,
      marks: [`seed ${record.run.seed}`, `run ${address.runId}`, addressText(address)],
    })),
  );
  const runs = ended.map(({ address, record, evaluation, buckets }, i): ComparedRun => {
    const problems = evaluation.problems.map((each) => ({ ...each, bucket: bucketOf.get(each.key) ?? each.bucket }));
    const named = { arm: addressText(address), label: labels[i]! };
    return { record, buckets, evaluation: { ...evaluation, ...named, problems } };
  });
  const comparison = compareEveryPair(runs.map(({ evaluation }) => evaluation));
  return { runs, comparison };
}

function addressText({ project, runId }: RunAddress): string {
  return `${project}, run ${runId}`;
}

function lastEvaluation(address: RunAddress): ComparedRun {
  const { store, runId } = address;
  const record = readRun(store, runId);
  const { evaluations, buckets } = readEvaluations(record, null);
  const evaluation = evaluations.at(-1);
  if (evaluation !== undefined) return { record, evaluation, buckets };
  throw new AresError('not-found', 'This run has not evaluated any model yet.', {
    where: addressText(address),
    hint: 'Resume it, or compare another run.',
  });
}

/** The report of such a comparison. */
export function reportOfComparison({ runs, comparison }: RunComparison, facts: MachineFacts): ReportData {
  const labels = runs.map(({ evaluation }) => evaluation.label);
  const [{ buckets, evaluation: first }] = runs as [ComparedRun];
  const curves = runs.flatMap(({ record, evaluation: { arm, label } }) =>
    readCurves(record)
      .filter((curve) => curve.arm === 'policy')
      .map((curve) => ({ ...curve, arm, label })),
  );
  const deviations = deviationsOfRuns(runs.map(({ record: { recipe }, evaluation: { label } }) => ({ label, recipe })));
  return {
    title: `Comparison of ${listOf(labels)}`,
    run: { what: `What ${runs.length} runs ended with, on the same held-out problems.`, ...facts, times: [] },
    grader: GRADER,
    comparison,
    measurement: [
      ...runs.map(({ record: { run }, evaluation: { arm, label } }): [string, string] => [
        label,
        `${arm}: “${run.name}”, seed ${run.seed}, recipe ${run.recipeHash}`,
      ]),
      ...(buckets === null
        ? []
        : ([['Buckets', `${bucketSentences[buckets]}; those of ${first.label} for all`]] satisfies [string, string][])),
    ],
    ...(curves.length === 0 ? {} : { curves }),
    ...(deviations === undefined ? {} : { deviations }),
  };
}

/** Each method once; settings under the name of the run that has them. */
export function deviationsOfRuns(runs: readonly { label: string; recipe: Recipe }[]): DeviationSection | undefined {
  const sections = runs.flatMap(({ label, recipe }) => {
    const section = deviationsOf(recipe);
    return section === undefined ? [] : [{ label, ...section }];
  });
  if (sections.length === 0) return undefined;
  return {
    methods: [...new Map(sections.flatMap(({ methods }) => methods).map((method) => [method.title, method])).values()],
    settings: sections.flatMap(({ label, settings }) =>
      settings.map((each) => ({ ...each, setting: `${label}: ${each.setting}` })),
    ),
  };
}
