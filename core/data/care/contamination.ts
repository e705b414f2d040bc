/**
 * Training problems that share words with problems of an evaluation.
 *
 * Owns: the rule and the index behind it. A problem is contaminated when eight words in a row, as words.ts reads
 * them (numbers and operators are words), also stand in an evaluation problem; an evaluation problem of fewer
 * words must be the whole of it. This is the 8-gram rule of open-r1 and others. It is deliberately wide: formulaic
 * wording ("how many different ways are there to …") is found too, so every match tells how far it goes and how much
 * of the evaluation problem it covers. Words are compared, not hashes: there is no false match.
 */
import { GrowingUint32 } from './growing.ts';
import { combine } from './hashing.ts';
import type { Words } from './words.ts';

export const NGRAM_WORDS = 8;

/** Evaluation problems with the same eight words that one problem is compared with. */
const MAX_POSTINGS = 32;

export interface Match {
  /** Number of the evaluation problem, in the order in which they were added. */
  against: number;
  /** Length of the longest run of words both have. */
  matchedWords: number;
  /** That run as a share of the words of the evaluation problem. */
  coverage: number;
  /** Where the run stands, UTF-16 positions in the text of either. */
  start: number;
  end: number;
  againstStart: number;
  againstEnd: number;
}

const NONE = 0xffffffff;

export class EvaluationIndex {
  /** Words as numbers, over all evaluation problems. */
  readonly #vocabulary = new Map<string, number>();
  readonly #words = new GrowingUint32();
  readonly #places = new GrowingUint32();
  /** Where each problem begins among the words. */
  readonly #begins = new GrowingUint32();
  /** Hash of eight words to the last posting; each posting is a place among the words and the posting before it. */
  readonly #heads = new Map<number, number>();
  readonly #postingWord = new GrowingUint32();
  readonly #postingProblem = new GrowingUint32();
  readonly #postingBefore = new GrowingUint32();
  /** Problems shorter than an n-gram, by all their words. */
  readonly #short = new Map<string, number>();

  get problems(): number {
    return this.#begins.length;
  }

  add({ words, starts, ends }: Words): void {
    const problem = this.#begins.length;
    const begin = this.#words.length;
    this.#begins.push(begin);
    words.forEach((word, i) => {
      let id = this.#vocabulary.get(word);
      if (id === undefined) this.#vocabulary.set(word, (id = this.#vocabulary.size));
      this.#words.push(id);
      this.#places.push(starts[i]!);
      this.#places.push(ends[i]!);
    });
    if (words.length > 0 && words.length < NGRAM_WORDS) {
      const text = words.join(' ');
      if (!this.#short.has(text)) this.#short.set(text, problem);
    }
    for (let at = begin; at + NGRAM_WORDS <= begin + words.length; at++) {
      const hash = hashAt(this.#words.values, at);
      this.#postingBefore.push(this.#heads.get(hash) ?? NONE);
      this.#heads.set(hash, this.#postingWord.length);
      this.#postingWord.push(at);
      this.#postingProblem.push(problem);
    }
  }

  /** The longest run of words that a problem has in common with an evaluation problem; null when it is clean. */
  match({ words, starts, ends }: Words): Match | null {
    const short = words.length < NGRAM_WORDS ? this.#short.get(words.join(' ')) : undefined;
    if (short !== undefined) return this.#result(short, this.#begins.values[short]!, words.length, 0, starts, ends);
    const ids = Uint32Array.from(words, (word) => this.#vocabulary.get(word) ?? NONE);
    let best: { problem: number; word: number; length: number; at: number } | null = null;
    for (let at = 0; at + NGRAM_WORDS <= ids.length; at++) {
      let posting = this.#heads.get(hashAt(ids, at)) ?? NONE;
      for (let looked = 0; posting !== NONE && looked < MAX_POSTINGS; looked++) {
        const word = this.#postingWord.values[posting]!;
        const problem = this.#postingProblem.values[posting]!;
        posting = this.#postingBefore.values[posting]!;
        // A run that goes further back was found where it begins.
        const isInside = at > 0 && word > this.#begins.values[problem]! && ids[at - 1] === this.#words.values[word - 1];
        const length = isInside ? 0 : this.#runFrom(ids, at, word, this.#endOf(problem));
        if (length < NGRAM_WORDS) continue;
        // On a tie the problem that was added first: it is the last of the chain.
        if (best === null || length > best.length || (length === best.length && problem < best.problem))
          best = { problem, word, length, at };
      }
    }
    return best === null ? null : this.#result(best.problem, best.word, best.length, best.at, starts, ends);
  }

  #endOf(problem: number): number {
    return problem + 1 < this.#begins.length ? this.#begins.values[problem + 1]! : this.#words.length;
  }

  #runFrom(ids: Uint32Array, at: number, word: number, end: number): number {
    const words = this.#words.values;
    let length = 0;
    while (at + length < ids.length && word + length < end && ids[at + length] === words[word + length]) length++;
    return length;
  }

  #result(
    against: number,
    word: number,
    matchedWords: number,
    at: number,
    starts: readonly number[],
    ends: readonly number[],
  ): Match {
    const places = this.#places.values;
    const last = word + matchedWords - 1;
    return {
      against,
      matchedWords,
      coverage: matchedWords / (this.#endOf(against) - this.#begins.values[against]!),
      start: starts[at]!,
      end: ends[at + matchedWords - 1]!,
      againstStart: places[2 * word]!,
      againstEnd: places[2 * last + 1]!,
    };
  }
}

function hashAt(ids: Uint32Array, at: number): number {
  let hash = 0;
  for (let i = 0; i < NGRAM_WORDS; i++) hash = combine(hash, ids[at + i]!);
  return hash;
}
