/**
 * What is compared, as plain types: evaluations of arms on problems, and training curves of runs.
 *
 * Owns: the columns a comparison reads and the checks that they hold together. It does not say where
 * they come from (store/, runs/) nor what is computed from them (paired.ts and its neighbours).
 */
import type { Bucket } from '#core/ares/options.ts';
import { CORRECT, verdicts } from '#core/grading/verdict.ts';
import { AresError } from '#core/util/errors.ts';

/** A row of every comparison: one bucket, one source, one dataset, or all problems together. */
export type Group = Bucket | 'all' | `source ${string}` | `dataset ${string}`;

/** What problems can be grouped by beside their bucket. */
export type GroupKind = 'source' | 'dataset';

export interface EvaluatedProblem {
  /** Identity of the problem's content; two evaluations are of the same problems when their keys agree. */
  key: string;
  /** The name a person knows it by. */
  id: string;
  /** Fixed before any arm was trained, and the same for every arm. */
  bucket: Bucket;
  /** Where within the dataset it comes from. */
  source: string;
  dataset: string;
}

/** One entry per sampled response, in any order; every column has the same length. */
export interface Outcomes {
  /** Index into the evaluation's problems. */
  problemIndex: Int32Array;
  /** 1 exactly where the verdict is `correct`. */
  correct: Uint8Array;
  lengthTokens: Int32Array;
  /** Index into `verdicts`. */
  verdict: Uint8Array;
  /** 1 where the length limit ended the response. */
  truncated: Uint8Array;
  /** N_HE of the response (METHOD §1.4); −1 where it was not counted. */
  highEntropyCount?: Int32Array;
}

export interface Decoding {
  temperature: number;
  maxNewTokens: number;
  seed: number;
}

/** One arm (a model, or one stage of its training) on a list of problems. */
export interface Evaluation {
  /** Short identifier, unique within a comparison. */
  arm: string;
  /** What a person reads. */
  label: string;
  problems: readonly EvaluatedProblem[];
  outcomes: Outcomes;
  decoding: Decoding;
}

/** A metric over training steps; NaN marks a step without a value. */
export interface Series {
  step: ArrayLike<number>;
  value: ArrayLike<number>;
}

/** What one run logged, under the names it was logged by: `length/easy/mean`, `kappa/hard` (ares/metrics.ts). */
export interface TrainingCurve {
  arm: string;
  label: string;
  seed: number;
  /** Number of training steps taken. */
  steps: number;
  series: Readonly<Record<string, Series>>;
}

/**
 * Refuses an evaluation whose columns cannot be read as one table.
 * @throws AresError 'bad-data' naming the arm and the first thing wrong
 */
export function checkEvaluation(evaluation: Evaluation): void {
  const { arm, problems, outcomes } = evaluation;
  const refuse = (sentence: string): never => {
    throw new AresError('bad-data', `The evaluation of "${arm}" cannot be used: ${sentence}.`, {
      where: arm,
      hint: 'Evaluate this arm again.',
    });
  };
  const samples = outcomes.problemIndex.length;
  for (const [name, column] of Object.entries(outcomes) as [string, ArrayLike<number>][]) {
    if (column.length !== samples) refuse(`column ${name} has ${column.length} entries, not ${samples}`);
  }
  if (new Set(problems.map((problem) => problem.key)).size !== problems.length)
    refuse('two problems have the same key');
  const sampled = new Uint8Array(problems.length);
  for (let i = 0; i < samples; i++) {
    const problem = outcomes.problemIndex[i]!;
    if (problem < 0 || problem >= problems.length)
      refuse(`sample ${i} belongs to problem ${problem}, which is not listed`);
    if (outcomes.lengthTokens[i]! < 0) refuse(`sample ${i} has a negative length`);
    if (verdicts[outcomes.verdict[i]!] === undefined) refuse(`sample ${i} has verdict code ${outcomes.verdict[i]}`);
    if ((outcomes.correct[i] === 1) !== (outcomes.verdict[i] === CORRECT)) {
      refuse(`sample ${i} is marked correct = ${outcomes.correct[i]} but its verdict disagrees`);
    }
    sampled[problem] = 1;
  }
  const missing = sampled.indexOf(0);
  if (missing >= 0) refuse(`problem "${problems[missing]!.id}" has no samples`);
}
