/**
 * All responses of a stage, counted and put into buckets, for the statistics of the method's findings.
 *
 * Owns: where count and bucket come from. Policy optimisation stored both. Elsewhere the evaluation's
 * yardstick counts, and a problem's bucket is how the base model did on it (training problems: when they
 * were labelled) or the dataset's own grade (held-out problems).
 */
import { bucketOf } from '#core/ares/difficulty.ts';
import { type Bucket, buckets } from '#core/ares/options.ts';
import { heldoutBuckets } from '#core/compare/run/buckets.ts';
import { problemsIn } from '#core/compare/run/evaluations.ts';
import { highEntropyPositions } from '#core/compare/run/highEntropy.ts';
import { finishedStage, stageColumns } from '#core/compare/run/record.ts';
import type { ResponseOf } from '#core/contract/contract.ts';
import { CORRECT } from '#core/grading/verdict.ts';
import type { StageResponses } from '#core/store/rollouts.ts';
import type { ResponseReader } from './responseReader.ts';

const NO_BUCKET = 255;

export function stageResponses(
  reader: ResponseReader,
  stage: number,
  step: number | null,
): ResponseOf<'entropy.responses'> {
  const { store, run } = reader.record;
  const stored = store.rollouts.responses(run.runId, stage, step);
  const isPolicy = reader.planned(stage).kind === 'policy';
  const count = isPolicy ? stored.highEntropyCount : countWithYardstick(reader, stored);
  const bucket = isPolicy ? stored.bucket : bucketsByProblem(reader, stage, stored);
  const shown = Array.from(stored.rolloutId.keys()).filter((i) => count[i]! >= 0);
  const pick = (column: Int32Array): Int32Array => Int32Array.from(shown, (i) => column[i]!);
  return {
    countedBy: shown.length === 0 ? null : isPolicy ? 'step' : 'yardstick',
    rolloutId: pick(stored.rolloutId),
    step: pick(stored.step),
    lengthTokens: pick(stored.lengthTokens),
    highEntropyCount: pick(count),
    correct: Uint8Array.from(shown, (i) => (stored.verdict[i] === CORRECT ? 1 : 0)),
    bucket: Uint8Array.from(shown, (i) => codeOf(bucket[i]!)),
  };
}

function codeOf(bucket: Bucket | null): number {
  return bucket === null ? NO_BUCKET : buckets.indexOf(bucket);
}

function countWithYardstick(reader: ResponseReader, { rolloutId }: StageResponses): Int32Array {
  const yardstick = reader.yardstick();
  return Int32Array.from(rolloutId, (id) => {
    const tokens = yardstick === null ? undefined : reader.record.store.rollouts.tokens(id);
    return tokens === undefined ? -1 : highEntropyPositions(yardstick!, tokens).length;
  });
}

function bucketsByProblem(reader: ResponseReader, stage: number, stored: StageResponses): (Bucket | null)[] {
  const { record } = reader;
  const options = record.recipe.policy.method.buckets;
  if (reader.planned(stage).kind === 'evaluate') {
    const base = finishedStage(record, { kind: 'evaluate', arm: 'base' });
    if (base === undefined) return stored.bucket;
    const columns = stageColumns(record, base);
    const { bucketOf: bucketOfProblem } = heldoutBuckets(problemsIn(record, columns), columns, options);
    return Array.from(stored.problemId, (problemId) => bucketOfProblem.get(problemId) ?? null);
  }
  const { samples } = record.recipe.label;
  const correct = new Map<number, number>();
  const answered = new Map<number, number>();
  // A problem's samples may lie in several steps; those beyond the recipe's number are no part of its label.
  const whole = record.store.rollouts.responses(record.run.runId, stage, null);
  whole.problemId.forEach((problemId, i) => {
    if (whole.sample[i]! >= samples) return;
    answered.set(problemId, (answered.get(problemId) ?? 0) + 1);
    correct.set(problemId, (correct.get(problemId) ?? 0) + Number(whole.verdict[i] === CORRECT));
  });
  return Array.from(stored.problemId, (problemId) => {
    const of = answered.get(problemId);
    return of === undefined ? null : bucketOf(correct.get(problemId)!, of, options);
  });
}
