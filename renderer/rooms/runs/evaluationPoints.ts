/**
 * What the evaluations of a run measured, one point per model.
 *
 * Owns: shares and means over the responses of an evaluation stage with their intervals. Comparisons that
 * claim anything are the Compare room's; these are the points beside the curves.
 */
import { wilsonInterval } from '#core/util/statistics.ts';

export interface ResponseColumns {
  verdict: Uint8Array;
  lengthTokens: Int32Array;
  truncated: Uint8Array;
}

export interface EvaluationPoint {
  stage: number;
  /** 'base', 'cold-start' or 'policy'. */
  arm: string;
  responses: number;
  accuracy: number;
  /** 95 % interval as if all responses were independent. */
  low: number;
  high: number;
  meanLengthTokens: number;
  truncatedShare: number;
}

/** Index of 'correct' among the verdicts. */
const CORRECT = 0;

/** @returns null where nothing was answered yet */
export function evaluationPoint(
  stage: number,
  name: string,
  steps: readonly ResponseColumns[],
): EvaluationPoint | null {
  let responses = 0;
  let correct = 0;
  let tokens = 0;
  let truncated = 0;
  for (const step of steps) {
    responses += step.verdict.length;
    for (let i = 0; i < step.verdict.length; i++) {
      if (step.verdict[i] === CORRECT) correct++;
      tokens += step.lengthTokens[i]!;
      truncated += step.truncated[i]!;
    }
  }
  if (responses === 0) return null;
  const { low, high } = wilsonInterval(correct, responses);
  return {
    stage,
    arm: name.replace(/^evaluate /, ''),
    responses,
    accuracy: correct / responses,
    low,
    high,
    meanLengthTokens: tokens / responses,
    truncatedShare: truncated / responses,
  };
}
