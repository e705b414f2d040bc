/**
 * Evaluated arms by their ids, read from a project's store and made comparable.
 *
 * Owns: what an arm id means, reading the arms of a run, joining the evaluations of one model on several
 * benchmarks into one arm, and the buckets and labels that a set of arms shares. Statistics are
 * comparison.ts.
 */
import { stageName, type Arm } from '#core/runs/pipeline.ts';
import type { StoreReader } from '#core/store/store.ts';
import type { Rollout } from '#core/store/rollouts.ts';
import { AresError } from '#core/util/errors.ts';
import { distinctLabels } from './distinctLabels.ts';
import { listOf } from './format.ts';
import { bucketSentences } from './run/buckets.ts';
import { readEvaluations } from './run/evaluations.ts';
import { type RunRecord, readRun } from './run/record.ts';
import type { Evaluation, Outcomes } from './types.ts';

/** One model's answers in one stage of one run. */
export interface StoredArm {
  /** `runId:stage`. */
  armId: string;
  record: RunRecord;
  stage: number;
  arm: Arm;
  evaluation: Evaluation;
  /** The store's ids of the evaluation's problems, in the same order. */
  problemIds: readonly number[];
  /** How its buckets came about, within a sentence. */
  buckets: string;
}

/** The arms of a run whose evaluation is finished, base first. @throws AresError as readRun and readEvaluations */
export function armsOfRun(store: StoreReader, runId: number): StoredArm[] {
  const record = readRun(store, runId);
  const { evaluations, problemIds, buckets } = readEvaluations(record, null);
  return evaluations.map((evaluation): StoredArm => {
    const arm = evaluation.arm as Arm;
    const { stage } = record.stages.find(({ name }) => name === stageName({ kind: 'evaluate', arm }))!;
    const armId = `${runId}:${stage}`;
    const named = { ...evaluation, arm: armId };
    return { armId, record, stage, arm, evaluation: named, problemIds, buckets: bucketSentences[buckets!] };
  });
}

/** Several evaluations of one model count as one arm under their ids, joined by this. */
const JOINT = '+';

/** The single arms an id names. @throws AresError 'usage' for a text that is no such id */
export function partsOf(armId: string): { armId: string; runId: number }[] {
  return armId.split(JOINT).map((part) => {
    const match = /^(\d{1,10}):\d{1,6}$/.exec(part);
    if (match !== null) return { armId: part, runId: Number(match[1]) };
    throw new AresError('usage', `"${armId}" names no evaluated arm.`, { hint: 'Choose it from the list of arms.' });
  });
}

/** One arm of a comparison: one evaluation, or several of one model on different benchmarks. */
export interface ComparedArm {
  armId: string;
  label: string;
  parts: readonly StoredArm[];
  evaluation: Evaluation;
}

export interface ArmSet {
  arms: ComparedArm[];
  /** Whose buckets all arms are shown in, and how they came about, within a sentence. */
  bucketsFrom: string;
}

/**
 * Arms under shared buckets, those of the reference, and with labels that tell them apart.
 * @param named per arm its id and its parts
 * @throws AresError 'bad-data' when the parts of an arm overlap or were sampled differently, 'usage' when
 *   the reference is not among them
 */
export function arrangeArms(
  named: readonly { armId: string; parts: readonly StoredArm[] }[],
  reference: string,
): ArmSet {
  const labels = distinctLabels(named.map(({ parts }) => labelOfParts(parts)));
  const referenceParts = named.find(({ armId }) => armId === reference)?.parts;
  if (referenceParts === undefined) {
    throw new AresError('usage', 'The arm to compare against is not among those to compare.', { where: reference });
  }
  const bucketOf = new Map(
    referenceParts.flatMap(({ evaluation }) => evaluation.problems.map(({ key, bucket }) => [key, bucket] as const)),
  );
  const arms = named.map(({ armId, parts }, i): ComparedArm => {
    const label = labels[i]!;
    const joined = joinEvaluations(armId, label, parts);
    const problems = joined.problems.map((each) => ({ ...each, bucket: bucketOf.get(each.key) ?? each.bucket }));
    return { armId, label, parts, evaluation: { ...joined, problems } };
  });
  const how = [...new Set(referenceParts.map(({ buckets }) => buckets))];
  const runs = [...new Set(referenceParts.map(({ record }) => `run ${record.run.runId}`))];
  return { arms, bucketsFrom: `those of ${listOf(runs)}: ${listOf(how)}` };
}

function labelOfParts(parts: readonly StoredArm[]) {
  const { evaluation, record } = parts[0]!;
  return {
    label: evaluation.label,
    marks: [
      `seed ${record.run.seed}`,
      record.run.name,
      `run ${listOf(parts.map((part) => String(part.record.run.runId)))}`,
    ],
  };
}

function joinEvaluations(arm: string, label: string, parts: readonly StoredArm[]): Evaluation {
  const evaluations = parts.map(({ evaluation }) => evaluation);
  const [first, ...others] = evaluations as [Evaluation, ...Evaluation[]];
  if (others.length === 0) return { ...first, arm, label };
  const differs = others.some(
    ({ decoding: { temperature, maxNewTokens } }) =>
      temperature !== first.decoding.temperature || maxNewTokens !== first.decoding.maxNewTokens,
  );
  const problems = evaluations.flatMap((evaluation) => evaluation.problems);
  if (differs || new Set(problems.map(({ key }) => key)).size < problems.length) {
    throw new AresError('bad-data', `The evaluations of ${label} cannot be taken together.`, {
      where: parts.map(({ record }) => `run ${record.run.runId}`).join(', '),
      hint: differs
        ? 'They were sampled differently. Evaluate both benchmarks at the same temperature and length limit.'
        : 'They share problems. Choose one of them.',
    });
  }
  const offsets = evaluations.map((_, i) =>
    evaluations.slice(0, i).reduce((sum, each) => sum + each.problems.length, 0),
  );
  const joined = (name: Exclude<keyof Outcomes, 'highEntropyCount' | 'problemIndex'>): number[] =>
    evaluations.flatMap(({ outcomes }) => Array.from(outcomes[name]));
  return {
    arm,
    label,
    problems,
    outcomes: {
      problemIndex: Int32Array.from(
        evaluations.flatMap(({ outcomes }, i) => Array.from(outcomes.problemIndex, (index) => index + offsets[i]!)),
      ),
      correct: Uint8Array.from(joined('correct')),
      lengthTokens: Int32Array.from(joined('lengthTokens')),
      verdict: Uint8Array.from(joined('verdict')),
      truncated: Uint8Array.from(joined('truncated')),
    },
    decoding: first.decoding,
  };
}

/** The responses of an arm to the problem of a key, by sample; empty where it has none. */
export function responsesTo(parts: readonly StoredArm[], key: string): Rollout[] {
  return parts.flatMap(({ record, stage, evaluation, problemIds }) => {
    const index = evaluation.problems.findIndex((problem) => problem.key === key);
    if (index === -1) return [];
    const { store, run } = record;
    const { runId } = run;
    return store.rollouts
      .steps(runId, stage)
      .flatMap((step) => store.rollouts.ofProblem({ runId, stage, step }, problemIds[index]!));
  });
}
