/**
 * The report of a comparison of chosen arms.
 *
 * Owns: what goes into it beside the comparison: training curves and settings of the runs behind the arms,
 * in what their recipes differ, and a few answers side by side. The page is compare/report's.
 */
import type { ArmSet, ComparedArm } from '#core/compare/arms.ts';
import { responsesTo } from '#core/compare/arms.ts';
import type { Comparison } from '#core/compare/comparison.ts';
import { listOf } from '#core/compare/format.ts';
import { recipeDifferences, settingText } from '#core/compare/recipeDiff.ts';
import type { ReportData, TraceResponse, TraceSample } from '#core/compare/report/data.ts';
import { readCurves } from '#core/compare/run/curves.ts';
import { machineFacts } from '#core/compare/run/facts.ts';
import type { RunRecord } from '#core/compare/run/record.ts';
import { TRACE_RULE, questionText, traceTokens, tracedProblems } from '#core/compare/run/traces.ts';
import { deviationsOfRuns } from '#core/compare/runComparison.ts';
import { GRADER } from '#core/runs/constants.ts';
import type { Store } from '#core/store/store.ts';
import { responseReader } from './responseReader.ts';

/** @throws AresError as responseReader, whose tokenizers the answers are read with */
export function comparisonReport(store: Store, { arms, bucketsFrom }: ArmSet, comparison: Comparison): ReportData {
  const labels = arms.map(({ label }) => label);
  const trained = arms.flatMap(({ label, parts }) =>
    parts.filter(({ arm }) => arm === 'policy').map(({ record }) => ({ label, record })),
  );
  const runs = distinctRuns(arms);
  const differences = recipeDifferences(runs.map(({ recipe }) => recipe));
  const curves = trained.flatMap(({ label, record }) =>
    readCurves(record)
      .filter((curve) => curve.arm === 'policy')
      .map((curve) => ({ ...curve, arm: label, label })),
  );
  const traces = traceSamples(store, arms);
  const deviations = deviationsOfRuns(trained.map(({ label, record: { recipe } }) => ({ label, recipe })));
  return {
    title: `Comparison of ${listOf(labels)}`,
    run: { what: `${labels.length} models on the same problems.`, ...machineFacts(), times: [] },
    grader: GRADER,
    comparison,
    measurement: [
      ...arms.map(({ label, parts }): [string, string] => [
        `${label} is`,
        parts
          .map(
            ({ arm, record: { run } }) =>
              `${arm} of run ${run.runId} “${run.name}”, seed ${run.seed}, recipe ${run.recipeHash}`,
          )
          .join('; '),
      ]),
      ['Buckets', bucketsFrom],
      ...(traces.length === 0 ? [] : ([['Sample traces', TRACE_RULE]] satisfies [string, string][])),
    ],
    ...(differences.length === 0
      ? {}
      : {
          recipeDifferences: {
            runs: runs.map(({ run }) => `run ${run.runId}`),
            rows: differences.map(({ path, values }) => ({ path, values: values.map(settingText) })),
          },
        }),
    ...(curves.length === 0 ? {} : { curves }),
    ...(traces.length === 0 ? {} : { traces }),
    ...(deviations === undefined ? {} : { deviations }),
  };
}

function distinctRuns(arms: readonly ComparedArm[]): RunRecord[] {
  const records = arms.flatMap(({ parts }) => parts.map(({ record }) => record));
  return [...new Map(records.map((record) => [record.run.runId, record])).values()];
}

/** By the fixed rule of compare/run/traces.ts, so that nobody picks the ones that look best. */
function traceSamples(store: Store, arms: readonly ComparedArm[]): TraceSample[] {
  const { evaluation } = arms[0]!;
  return tracedProblems(evaluation).map(({ index, bucket }): TraceSample => {
    const { key, id } = evaluation.problems[index]!;
    const answers = arms.map(({ label, parts }) => ({ label, parts, rollout: responsesTo(parts, key)[0] }));
    const responses = answers.flatMap(({ label, parts, rollout }): TraceResponse[] => {
      if (rollout === undefined) return [];
      const part = parts.find(({ problemIds }) => problemIds.includes(rollout.problemId))!;
      const reader = responseReader(store, part.record.run.runId);
      const tokens = traceTokens({ store }, rollout, reader.base.tokenizer, reader.yardstick());
      return [{ label, verdict: rollout.verdict, tokens }];
    });
    const { prompt, answer } = store.problems.get(answers[0]!.rollout!.problemId)!;
    return { problemId: id, bucket, question: questionText(prompt), answer, responses };
  });
}
