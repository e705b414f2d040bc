/**
 * The responses of a step, problem by problem.
 *
 * Owns: the sums a list of problems shows, from columns over responses.
 */

/** As rollouts.columns gives them. */
export interface StepColumns {
  problemId: Int32Array;
  verdict: Uint8Array;
  lengthTokens: Int32Array;
  highEntropyCount: Int32Array;
}

export interface ProblemGroup {
  problemId: number;
  samples: number;
  correct: number;
  meanLengthTokens: number;
  /** Null where high-entropy tokens were not counted. */
  meanHighEntropyCount: number | null;
}

/** Index of 'correct' among the verdicts. */
const CORRECT = 0;

/** In the order in which the problems first appear. */
export function groupByProblem({ problemId, verdict, lengthTokens, highEntropyCount }: StepColumns): ProblemGroup[] {
  const rows = new Map<number, number[]>();
  problemId.forEach((id, i) => {
    const own = rows.get(id);
    if (own === undefined) rows.set(id, [i]);
    else own.push(i);
  });
  return [...rows].map(([id, own]) => {
    const counted = own.filter((i) => highEntropyCount[i]! >= 0);
    const mean = (indices: readonly number[], values: Int32Array) =>
      indices.reduce((sum, i) => sum + values[i]!, 0) / indices.length;
    return {
      problemId: id,
      samples: own.length,
      correct: own.filter((i) => verdict[i] === CORRECT).length,
      meanLengthTokens: mean(own, lengthTokens),
      meanHighEntropyCount: counted.length === 0 ? null : mean(counted, highEntropyCount),
    };
  });
}

/** Index of the stored step nearest to a wanted one; the last where none is wanted. */
export function nearestStep(steps: Int32Array, wanted: number | null): number {
  if (wanted === null) return Math.max(0, steps.length - 1);
  let best = 0;
  for (let i = 1; i < steps.length; i++) if (Math.abs(steps[i]! - wanted) < Math.abs(steps[best]! - wanted)) best = i;
  return best;
}
