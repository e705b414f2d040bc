/**
 * The sample project as a whole: which problems, which model, which trigger words.
 *
 * Owns: the description a first start shows and the committed dataset files, which are exactly what
 * `sampleDatasetFiles` generates. Paths are names inside resources/sample; reading them is up to the host.
 */
import { GRADES, chainKey, generateProblems, parseQuestion } from './problems.ts';
import type { Problem } from './problems.ts';
import { SLOW_WORDS } from './vocabulary.ts';

export interface SampleProject {
  name: string;
  title: string;
  description: string;
  /** Folder of the base model. */
  modelFolder: string;
  datasets: readonly { split: 'train' | 'heldout'; file: string; problems: number }[];
  triggerWords: readonly string[];
  /** Longest response worth waiting for: the longest correct one has 114 tokens. */
  maxNewTokens: number;
}

const SEED = 2510_08457;
const CHAIN_LENGTHS = [3, 4];

/**
 * 80 held-out problems per grade. With 4 samples each, an accuracy of .9 per grade has a standard
 * error between .017 (all samples independent) and .034 (a problem's samples all alike); over the
 * three grades .010–.019. Paired differences between models are sharper than that.
 */
const HELDOUT_COUNT = 240;
/** 120 in each of the six cells of grade and chain length: 45 groups of 16 per pass of training. */
const TRAIN_COUNT = 720;

/** The held-out problems. Nothing is trained on their chains, neither the base model nor its successors. */
export function heldoutProblems(): Problem[] {
  return generateProblems({
    seed: SEED,
    count: HELDOUT_COUNT,
    idPrefix: 'heldout-',
    grades: GRADES,
    chainLengths: CHAIN_LENGTHS,
  });
}

/** Chains (as chainKey) that must not occur in any training data. */
export function heldoutChains(): Set<string> {
  return new Set(heldoutProblems().map(({ question }) => chainKey(parseQuestion(question)!)));
}

/** The problems for labelling, cold start and reinforcement learning. */
export function trainProblems(): Problem[] {
  return generateProblems({
    seed: SEED + 1,
    count: TRAIN_COUNT,
    idPrefix: 'train-',
    grades: GRADES,
    chainLengths: CHAIN_LENGTHS,
    reserved: heldoutChains(),
  });
}

export function sampleProject(): SampleProject {
  return {
    name: 'counter',
    title: 'Two-digit counter',
    description:
      'Chains of three or four steps on a two-digit counter, solved by a language model of 0.7 million ' +
      'parameters. Adding and subtracting is easy for it at a glance; multiplying only succeeds digit by ' +
      'digit. A good policy thinks where it must and nowhere else.',
    modelFolder: 'base',
    datasets: [
      { split: 'train', file: 'problems-train.jsonl', problems: TRAIN_COUNT },
      { split: 'heldout', file: 'problems-heldout.jsonl', problems: HELDOUT_COUNT },
    ],
    triggerWords: SLOW_WORDS,
    maxNewTokens: 160,
  };
}

/** Content of the committed dataset files, by file name. */
export function sampleDatasetFiles(): Record<string, string> {
  return { 'problems-train.jsonl': jsonLines(trainProblems()), 'problems-heldout.jsonl': jsonLines(heldoutProblems()) };
}

function jsonLines(problems: readonly Problem[]): string {
  return problems.map((problem) => `${JSON.stringify(problem)}\n`).join('');
}
