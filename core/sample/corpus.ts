/**
 * The pre-training stream: worked problems without end, drawn as they are needed.
 *
 * Owns: turning a recipe's mixture into batches of token ids. A batch depends only on (recipe, seed,
 * reserved chains, step), so a run can be resumed at any step. It trains nothing.
 */
import type { Sequence } from '#core/engine/api.ts';
import { AresError } from '#core/util/errors.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { chainKey, drawChain, drawQuestionPieces } from './problems.ts';
import type { Chain } from './problems.ts';
import { totalSteps } from './recipe.ts';
import type { DocumentKind, PretrainPhase, PretrainRecipe } from './recipe.ts';
import { promptIds, responseIds } from './tokenizer.ts';
import { renderTrace } from './traces.ts';
import type { Style } from './traces.ts';

/** A worked problem, and which tokens of the response the model learns from. */
export interface PretrainingDocument extends Sequence {
  /** [response tokens] 1, or 0 where nothing is learned. */
  learned: Uint8Array;
}

export class PretrainingStream {
  readonly #recipe: PretrainRecipe;
  readonly #seed: number;
  readonly #reserved: ReadonlySet<string>;
  /** The pool drawn last. Steps are asked for in order, so this saves drawing it anew for each. */
  #pool: { index: number; batches: PretrainingDocument[][] } = { index: -1, batches: [] };

  /**
   * @param reserved chains (as chainKey) that no document may contain: the held-out problems
   * @throws AresError 'bad-recipe' when a phase is not a whole number of pools
   */
  constructor(recipe: PretrainRecipe, seed: number, reserved: ReadonlySet<string>) {
    for (const { name, steps } of recipe.phases) {
      if (steps % recipe.poolSteps === 0) continue;
      throw new AresError('bad-recipe', `A phase of ${steps} steps cannot be cut into pools of ${recipe.poolSteps}.`, {
        where: `phase ${name}`,
        hint: `Make its steps a multiple of ${recipe.poolSteps}.`,
      });
    }
    this.#recipe = recipe;
    this.#seed = seed;
    this.#reserved = reserved;
  }

  /**
   * Sequences of one optimizer step (0-based), shortest first.
   * @throws AresError 'usage' after the last step of the recipe
   */
  batch(step: number): readonly PretrainingDocument[] {
    const index = Math.floor(step / this.#recipe.poolSteps);
    if (this.#pool.index !== index) this.#pool = { index, batches: this.#drawPool(index) };
    return this.#pool.batches[step % this.#recipe.poolSteps]!;
  }

  #drawPool(index: number): PretrainingDocument[][] {
    const { poolSteps, tokensPerBatch, glanceShare } = this.#recipe;
    const random = new RandomSequence(this.#seed, Stream.problems, index);
    const { kinds } = phaseOf(this.#recipe, index * poolSteps);
    const documents: { sequence: PretrainingDocument; tokens: number }[] = [];
    let total = 0;
    while (total < poolSteps * tokensPerBatch) {
      const sequence = drawDocument(random, drawKind(random, kinds), glanceShare, this.#reserved);
      const tokens = sequence.promptIds.length + sequence.responseIds.length;
      documents.push({ sequence, tokens });
      total += tokens;
    }
    documents.sort((a, b) => a.tokens - b.tokens);
    const batches: PretrainingDocument[][] = Array.from({ length: poolSteps }, () => []);
    let before = 0;
    for (const { sequence, tokens } of documents) {
      batches[Math.floor((before * poolSteps) / total)]!.push(sequence);
      before += tokens;
    }
    return random.shuffled(batches);
  }
}

/** The phase a step belongs to. */
function phaseOf(recipe: PretrainRecipe, step: number): PretrainPhase {
  let end = 0;
  for (const phase of recipe.phases) {
    end += phase.steps;
    if (step < end) return phase;
  }
  throw new AresError('usage', `Pre-training has ${totalSteps(recipe)} steps; step ${step} does not exist.`);
}

function drawKind(random: RandomSequence, kinds: readonly DocumentKind[]): DocumentKind {
  const total = kinds.reduce((sum, kind) => sum + kind.weight, 0);
  let rest = random.uniform() * total;
  for (const kind of kinds) {
    rest -= kind.weight;
    if (rest < 0) return kind;
  }
  return kinds.at(-1)!;
}

function drawDocument(
  random: RandomSequence,
  kind: DocumentKind,
  glanceShare: number,
  reserved: ReadonlySet<string>,
): PretrainingDocument {
  let chain: Chain;
  do {
    const length = random.pick(kind.chainLengths);
    const multiplications = random.uniform() < kind.additiveShare ? 0 : random.integer(length + 1);
    chain = drawChain(random, length, multiplications);
  } while (reserved.has(chainKey(chain)));
  const slowShare = random.pick(kind.slowShares);
  const styles = chain.operations.map((): Style => (random.uniform() < slowShare ? 'slow' : 'fast'));
  const hidden: number[] = [];
  const pieces = renderTrace(chain, styles, random, (step, piece) => {
    const glance = styles[step] === 'fast' && chain.operations[step]!.operator === 'times';
    if (glance && random.uniform() >= glanceShare) hidden.push(piece, piece + 1);
  });
  const response = responseIds(pieces);
  const learned = new Uint8Array(response.length).fill(1);
  for (const piece of hidden) learned[piece] = 0;
  return { promptIds: promptIds(drawQuestionPieces(random, chain)), responseIds: response, learned };
}
