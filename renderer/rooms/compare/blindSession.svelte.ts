/**
 * A blind test at work: what is shown next, what was judged, and keeping it.
 *
 * Owns: the test that is open and its life (judged, taken back, revealed). Every judgement is stored at once,
 * so that closing the window loses none. The order of problems is blindTest.ts.
 */
import type { BlindTest, ResponseOf, RolloutInfo } from '#core/contract/contract.ts';
import type { Session } from '#renderer/app/session.svelte.ts';
import { type BlindItem, type Side, blindItems, choiceOf, nextItem } from './blindTest.ts';

export interface ShownPair {
  item: BlindItem;
  prompt: string;
  answer: string;
  left: RolloutInfo | null;
  right: RolloutInfo | null;
}

export class BlindSession {
  test = $state.raw<BlindTest | null>(null);
  pair = $state.raw<ShownPair | null>(null);
  isSaving = $state(false);
  readonly #session: Session;
  #comparisonId: number | null = null;
  #items: readonly BlindItem[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  get items(): number {
    return this.#items.length;
  }

  /** Begins a test, or opens one again. */
  async open(test: BlindTest, comparisonId: number | null, problemKeys: readonly string[]): Promise<void> {
    this.#items = blindItems(problemKeys, test.seed);
    this.#comparisonId = comparisonId;
    this.pair = null;
    this.test = test;
    await this.#showNext();
  }

  async judge(choice: Side | 'tie' | 'neither'): Promise<void> {
    const { test, pair } = this;
    if (test === null || pair === null || test.isRevealed || this.isSaving) return;
    const judgement = { problemKey: pair.item.problemKey, choice: choiceOf(choice, pair.item) };
    await this.#keep({ ...test, judgements: [...test.judgements, judgement] });
  }

  async undo(): Promise<void> {
    const { test } = this;
    if (test === null || test.isRevealed || test.judgements.length === 0 || this.isSaving) return;
    await this.#keep({ ...test, judgements: test.judgements.slice(0, -1) });
  }

  /** Ends the test: whoever knows the names does not judge blindly any more. */
  async reveal(): Promise<void> {
    if (this.test === null || this.isSaving) return;
    await this.#keep({ ...this.test, isRevealed: true });
  }

  close(): void {
    this.test = null;
    this.pair = null;
  }

  async #keep(next: BlindTest): Promise<void> {
    this.isSaving = true;
    const kept = await this.#session.attempt(() =>
      this.#session.call('compare.saveBlindTest', { comparisonId: this.#comparisonId, test: next }),
    );
    this.isSaving = false;
    // What could not be stored is not judged: the pair stays.
    if (kept === undefined) return;
    this.#comparisonId = kept.comparisonId;
    this.test = next;
    await this.#showNext();
  }

  async #showNext(): Promise<void> {
    const { test } = this;
    const item = test === null || test.isRevealed ? undefined : nextItem(this.#items, test);
    if (test === null || item === undefined) {
      this.pair = null;
      return;
    }
    const { firstArmId, secondArmId } = test;
    const answers = await this.#session.attempt(() =>
      this.#session.call('compare.rollouts', { armIds: [firstArmId, secondArmId], problemKey: item.problemKey }),
    );
    // Another test may have been opened meanwhile.
    if (answers === undefined || this.test !== test) return;
    this.pair = pairOf(answers, item, test);
  }
}

function pairOf(
  { prompt, answer, arms }: ResponseOf<'compare.rollouts'>,
  item: BlindItem,
  { firstArmId, secondArmId }: BlindTest,
): ShownPair {
  const drawn = (armId: string, draw: number): RolloutInfo | null => {
    const rollouts = arms.find((arm) => arm.armId === armId)?.rollouts ?? [];
    return rollouts[Math.floor(draw * rollouts.length)] ?? null;
  };
  const [first, second] = [drawn(firstArmId, item.draw[0]), drawn(secondArmId, item.draw[1])];
  const [left, right] = item.firstIsLeft ? [first, second] : [second, first];
  return { item, prompt, answer, left, right };
}
