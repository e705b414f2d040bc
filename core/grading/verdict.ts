/**
 * The four outcomes of grading, and their order in numeric columns.
 *
 * Owns: the vocabulary alone, so that stores and statistics can number outcomes without the grader.
 */

/** In the order in which columns number them. */
export const verdicts = ['correct', 'wrong', 'no_answer', 'ungradable'] as const;
export type Verdict = (typeof verdicts)[number];

export function verdictCode(verdict: Verdict): number {
  return verdicts.indexOf(verdict);
}

/** Codes that statistics ask for; constants because they are compared once per sample. */
export const CORRECT = verdictCode('correct');
export const NO_ANSWER = verdictCode('no_answer');
export const UNGRADABLE = verdictCode('ungradable');
