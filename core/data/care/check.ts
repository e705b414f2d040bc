/**
 * A dataset looked through for what would make its numbers untrue: duplicates, answers that contradict each other,
 * and problems of the evaluation among those to train on.
 *
 * Owns: one pass over a stream of problems, the identity of the whole list, and what care drops and keeps. The
 * rules are in duplicates.ts and contamination.ts; storing and showing the findings is the caller's.
 */
import { createHash } from 'node:crypto';
import type { ChatMessage } from '#core/data/mapping.ts';
import { normalisePrompt } from '#core/data/problems.ts';
import { EvaluationIndex, type Match } from './contamination.ts';
import { DuplicateFinder, type DuplicateMember } from './duplicates.ts';
import { GrowingUint32 } from './growing.ts';
import { hashText } from './hashing.ts';
import { readWords } from './words.ts';

export const DEFAULT_THRESHOLD = 0.7;

export interface CheckedProblem {
  prompt: string | readonly ChatMessage[];
  answer: string;
  /** What tells its images from others, in order. */
  images: readonly string[];
}

export interface ClusterMember extends DuplicateMember {
  /** Whether its answer is written as that of the first, spaces, case and LaTeX decoration aside. */
  hasSameAnswer: boolean;
}

export interface CheckSummary {
  problems: number;
  /** Of duplicates. */
  clusters: number;
  /** Problems that have the same words as one before them, and those that are nearly the same. */
  exactDuplicates: number;
  nearDuplicates: number;
  /** Clusters whose answers differ: other problems after all, or mistakes. */
  contradictoryClusters: number;
  /** Problems the evaluation was compared with, and those that share words with it. */
  againstProblems: number;
  contaminated: number;
  skippedComparisons: number;
  /** SHA-256 of the list of problems: prompt, answer and images of each, whatever their order and names. */
  problemsSha256: string;
}

export interface CheckFindings {
  summary: CheckSummary;
  members: ClusterMember[];
  contaminated: (Match & { problem: number })[];
}

/** The text of a prompt that is compared and shown: of a conversation what the user says. */
export function promptText(prompt: CheckedProblem['prompt']): string {
  if (typeof prompt === 'string') return prompt;
  return prompt
    .filter(({ role }) => role === 'user')
    .map(({ content }) => content)
    .join('\n');
}

function comparedAnswer(answer: string): string {
  const { words, figures } = readWords(answer);
  return `${words.join(' ')}\n${figures}`;
}

/** Whether two answers are written alike, spaces, case and LaTeX decoration aside. Equal values may not be. */
export function hasSameAnswer(one: string, other: string): boolean {
  return one === other || comparedAnswer(one) === comparedAnswer(other);
}

export class DatasetCheck {
  readonly #duplicates: DuplicateFinder;
  readonly #against = new EvaluationIndex();
  readonly #contaminated: CheckFindings['contaminated'] = [];
  readonly #answers = new GrowingUint32();
  readonly #digest = new ProblemListDigest();

  /** @param threshold similarity of near duplicates, in (0, 1] */
  constructor(threshold: number) {
    this.#duplicates = new DuplicateFinder(threshold);
  }

  /** A problem of an evaluation; all of them before the first problem that is checked. */
  addAgainst(problem: Pick<CheckedProblem, 'prompt'>): void {
    this.#against.add(readWords(promptText(problem.prompt)));
  }

  /** @param isEvaluation it is one of the evaluation itself: not contaminated by being there */
  add(problem: CheckedProblem, isEvaluation: boolean): void {
    const words = readWords(promptText(problem.prompt));
    const number = this.#duplicates.problems;
    this.#duplicates.add(words, problem.images);
    this.#answers.push(hashText(comparedAnswer(problem.answer)));
    this.#digest.add(problem);
    if (isEvaluation || this.#against.problems === 0) return;
    const match = this.#against.match(words);
    if (match !== null) this.#contaminated.push({ problem: number, ...match });
  }

  /** @param progress called with the share of the comparisons that is done */
  finish(progress?: (share: number) => void): CheckFindings {
    const { members, skippedComparisons } = this.#duplicates.finish(progress);
    const answers = this.#answers.values;
    const clustered = members.map((member): ClusterMember => ({
      ...member,
      hasSameAnswer: answers[member.problem] === answers[member.first],
    }));
    const repeated = clustered.filter(({ problem, first }) => problem !== first);
    const exact = repeated.filter(({ similarity }) => similarity === 1).length;
    const contradictory = new Set(clustered.filter((member) => !member.hasSameAnswer).map(({ first }) => first));
    return {
      summary: {
        problems: this.#duplicates.problems,
        clusters: clustered.length - repeated.length,
        exactDuplicates: exact,
        nearDuplicates: repeated.length - exact,
        contradictoryClusters: contradictory.size,
        againstProblems: this.#against.problems,
        contaminated: this.#contaminated.length,
        skippedComparisons,
        problemsSha256: this.#digest.finish(),
      },
      members: clustered,
      contaminated: this.#contaminated,
    };
  }
}

/** The identity of a list of problems, whatever their order. */
export class ProblemListDigest {
  readonly #digests: string[] = [];

  add({ prompt, answer, images }: CheckedProblem): void {
    const canonical = JSON.stringify([normalisePrompt(prompt), answer, images]);
    this.#digests.push(createHash('sha256').update(canonical).digest('base64'));
  }

  finish(): string {
    const hash = createHash('sha256');
    for (const digest of this.#digests.sort()) hash.update(digest);
    return hash.digest('hex');
  }
}

/** Which care is applied to a dataset that was checked. */
export interface CareOptions {
  /** One of each cluster of duplicates is kept. */
  dropDuplicates: boolean;
  dropContaminated: boolean;
}

export interface CareOutcome {
  /** 1 per problem that stays. */
  kept: Uint8Array<ArrayBuffer>;
  droppedDuplicates: number;
  droppedContaminated: number;
}

/**
 * Applies care. Of a cluster the first stays, and with it those whose answer differs from it: whether they are other
 * problems or mistakes only a person can say. Where a person chose one, it alone stays.
 * @param chosen of some clusters, by their first, the one to keep
 */
export function applyCare(
  problems: number,
  { members, contaminated }: Pick<CheckFindings, 'members'> & { contaminated: readonly { problem: number }[] },
  { dropDuplicates, dropContaminated }: CareOptions,
  chosen: ReadonlyMap<number, number>,
): CareOutcome {
  const kept = new Uint8Array(problems).fill(1);
  let droppedDuplicates = 0;
  let droppedContaminated = 0;
  const drop = (problem: number): number => (kept[problem] === 1 ? 1 - (kept[problem] = 0) : 0);
  if (dropDuplicates) {
    for (const { problem, first, hasSameAnswer } of members) {
      const choice = chosen.get(first);
      const stays = choice === undefined ? problem === first || !hasSameAnswer : problem === choice;
      if (!stays) droppedDuplicates += drop(problem);
    }
  }
  if (dropContaminated) for (const { problem } of contaminated) droppedContaminated += drop(problem);
  return { kept, droppedDuplicates, droppedContaminated };
}
