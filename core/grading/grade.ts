/**
 * Grading: a response against the gold answer, with four outcomes.
 *
 * Owns: the verdict. `ungradable` is the gold's fault and says nothing about the response, so such a
 * problem must be kept out of training rather than counted as solved or failed; `no_answer` and
 * `wrong` are the response's.
 */
import { type Answer, readAnswer, styleOf } from './answer.ts';
import { sameAnswer } from './equivalence.ts';
import { type ExtractionMethod, extractAnswer, lastBoxed, lastHash } from './extract.ts';
import type { Verdict } from './verdict.ts';

export interface Grade {
  verdict: Verdict;
  /** The answer found in the response, as it was written there. */
  extracted: string | null;
  how: ExtractionMethod | null;
}

export interface GradeRequest {
  /** The gold answer, or a whole solution that marks it with \boxed{…} or ####. */
  gold: string;
  response: string;
}

/** The answer inside a gold: after "####", else in the last box, else the gold itself. */
export function goldAnswer(gold: string): string {
  return (lastHash(gold) ?? lastBoxed(gold) ?? gold).trim();
}

/** Whether anything can be graded against this gold. */
export function isGradable(gold: string): boolean {
  return readAnswer(goldAnswer(gold)) !== null;
}

/** Grades one response. Never throws; the work is bounded by the caps on lengths. */
export function grade({ gold, response }: GradeRequest): Grade {
  return gradeAgainst(readAnswer(goldAnswer(gold)), response);
}

/** Grades many responses; golds that repeat in a row (the samples of one problem) are read once. */
export function gradeBatch(requests: readonly GradeRequest[]): Grade[] {
  let previous: { gold: string; answer: Answer | null } | undefined;
  return requests.map(({ gold, response }) => {
    if (previous?.gold !== gold) previous = { gold, answer: readAnswer(goldAnswer(gold)) };
    return gradeAgainst(previous.answer, response);
  });
}

function gradeAgainst(gold: Answer | null, response: string): Grade {
  if (gold === null) return { verdict: 'ungradable', extracted: null, how: null };
  const extraction = extractAnswer(response, { style: styleOf(gold) });
  if (extraction === null) return { verdict: 'no_answer', extracted: null, how: null };
  const answer = readAnswer(extraction.answer);
  const correct = answer !== null && sameAnswer(gold, answer);
  return { verdict: correct ? 'correct' : 'wrong', extracted: extraction.answer, how: extraction.how };
}
