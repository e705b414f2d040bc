/**
 * Auditing grades: where two graders that work differently disagree.
 *
 * Owns: the list of disagreements and its order. Most entries are the strict grader's misses, equal answers in
 * different notation; among them a false "correct" of the first grader would be found.
 */
import type { Grade, GradeRequest } from './grade.ts';
import { gradeStrictly } from './strict.ts';
import type { Verdict } from './verdict.ts';

export interface Disagreement {
  /** Position among the cases. */
  index: number;
  gold: string;
  verdict: Verdict;
  extracted: string | null;
  strictVerdict: Verdict;
  strictExtracted: string | null;
}

/**
 * Cases to which the strict grader gives another verdict than `grades`, which has one grade per case. Those that
 * only the strict grader calls correct come first: they are the most likely to be mistakes.
 */
export function disagreements(cases: readonly GradeRequest[], grades: readonly Grade[]): Disagreement[] {
  const found = cases.flatMap(({ gold, response }, index): Disagreement[] => {
    const { verdict, extracted } = grades[index]!;
    const strict = gradeStrictly(gold, response);
    if (strict.verdict === verdict) return [];
    return [{ index, gold, verdict, extracted, strictVerdict: strict.verdict, strictExtracted: strict.extracted }];
  });
  const suspicion = ({ strictVerdict }: Disagreement): number => (strictVerdict === 'correct' ? 0 : 1);
  return found.sort((a, b) => suspicion(a) - suspicion(b) || a.index - b.index);
}
