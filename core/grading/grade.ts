/**
 * Grading: a response against the gold answer, with four outcomes.
 *
 * Owns: the verdict. `ungradable` is the gold's fault and says nothing about the response, so such a
 * problem must be kept out of training rather than counted as solved or failed; `no_answer` and
 * `wrong` are the response's. This file decides at once, within bounds on steps and sizes and without a clock, so
 * that the same response gets the same verdict on every machine. What it cannot decide it says so, and
 * gradeResponses (symbolic.ts) asks a computer algebra system; `grade` settles it without one.
 */
import { type Answer, isReadable, readAnswer, styleOf } from './answer.ts';
import { lastBoxed } from './boxes.ts';
import { isComparable, sameAnswer } from './equivalence.ts';
import { type ExtractionMethod, extractAnswer, lastHash, markedAnswer } from './extract.ts';
import type { Verdict } from './verdict.ts';

export interface Grade {
  verdict: Verdict;
  /** The answer found in the response, as it was written there. */
  extracted: string | null;
  how: ExtractionMethod | null;
  /** Set where the verdict is `ungradable` only because a comparison exceeded its limit. */
  timedOut?: true;
}

export interface GradeRequest {
  /** The gold answer, or a whole solution that marks it with \boxed{…} or ####. */
  gold: string;
  response: string;
}

/** A grade, or two answers of which the rules here cannot say whether they are the same. */
export type Decision =
  | { kind: 'decided'; grade: Grade }
  | { kind: 'undecided'; gold: string; extracted: string; how: ExtractionMethod; otherwise: Verdict };

/** The answer inside a gold: after "####", else in the last box, else the gold itself. */
export function goldAnswer(gold: string): string {
  return (lastHash(gold) ?? lastBoxed(gold)?.answer ?? gold).trim();
}

/** Whether anything but the gold's own words can be graded against this gold. */
export function isGradable(gold: string): boolean {
  const answer = readGold(gold).answer;
  return answer !== null && isReadable(answer);
}

interface Gold {
  text: string;
  answer: Answer | null;
}

function readGold(gold: string): Gold {
  const text = goldAnswer(gold);
  const answer = readAnswer(text);
  // A gold may be a sentence around its answer.
  const isSentence = answer !== null && answer.words !== null && /\banswer\b/i.test(text);
  if (answer !== null && isReadable(answer) && !isSentence) return { text, answer };
  const marked = markedAnswer(gold, 'other')?.answer ?? text;
  return marked === text ? { text, answer } : { text: marked, answer: readAnswer(marked) };
}

/** Grades one response at once. Never throws; the work is bounded by the caps on lengths. */
export function grade({ gold, response }: GradeRequest): Grade {
  return settled(decide(readGold(gold), response));
}

/** Grades many responses; golds that repeat in a row (the samples of one problem) are read once. */
export function gradeBatch(requests: readonly GradeRequest[]): Grade[] {
  return decideBatch(requests).map(settled);
}

/** Decides what can be decided at once, for many responses. */
export function decideBatch(requests: readonly GradeRequest[]): Decision[] {
  let previous: { source: string; gold: Gold } | undefined;
  return requests.map(({ gold, response }) => {
    if (previous?.source !== gold) previous = { source: gold, gold: readGold(gold) };
    return decide(previous.gold, response);
  });
}

/** The grade when nobody else is asked. */
export function settled(decision: Decision): Grade {
  if (decision.kind === 'decided') return decision.grade;
  return { verdict: decision.otherwise, extracted: decision.extracted, how: decision.how };
}

function decide({ text, answer: gold }: Gold, response: string): Decision {
  if (gold === null) return decided('ungradable');
  const extraction = extractAnswer(response, { style: styleOf(gold) });
  const readable = isReadable(gold);
  if (extraction === null) return decided(readable ? 'no_answer' : 'ungradable');
  const answer = readAnswer(extraction.answer);
  const same = answer === null ? false : sameAnswer(gold, answer);
  if (same === true) return decided('correct', extraction);
  // A gold without a reading is matched by its own text and by nothing else.
  const otherwise = isComparable(gold) ? 'wrong' : 'ungradable';
  const isOpen = same === null || !readable || (answer !== null && !isReadable(answer));
  if (!isOpen || !needsAlgebra(text, extraction.answer)) return decided(otherwise, extraction);
  return { kind: 'undecided', gold: text, extracted: extraction.answer, how: extraction.how, otherwise };
}

/** Whether computer algebra could know more: there is a command or a factorial in one of the answers, or a power. */
function needsAlgebra(gold: string, answer: string): boolean {
  return /\\[A-Za-z]|[!^]/.test(gold) || /\\[A-Za-z]|[!^]/.test(answer);
}

function decided(verdict: Verdict, extraction?: { answer: string; how: ExtractionMethod }): Decision {
  return { kind: 'decided', grade: { verdict, extracted: extraction?.answer ?? null, how: extraction?.how ?? null } };
}
