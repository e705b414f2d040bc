/**
 * The reader's place in the tokens of an answer.
 *
 * Owns: looking at the next tokens, consuming them, and the cap on nesting. It knows no grammar:
 * that is arithmetic.ts and parse.ts, which build on it.
 */
import type { Token } from './tokens.ts';

/** Grammar rules within each other; a pair of brackets takes three. */
const MAX_DEPTH = 200;

/** Raised inside the parser only; parseFormula turns it into null. */
export class Unreadable extends Error {}

export class Cursor {
  /** Visits of grammar rules so far. */
  steps = 0;
  protected readonly tokens: Token[];
  protected at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = [...tokens];
  }

  protected peek(offset = 0): Token | undefined {
    return this.tokens[this.at + offset];
  }

  protected isSign(text: string, offset = 0): boolean {
    const token = this.peek(offset);
    return token?.kind === 'sign' && token.text === text;
  }

  protected accept(text: string): boolean {
    if (!this.isSign(text)) return false;
    this.at++;
    return true;
  }

  protected expect(text: string): void {
    if (!this.accept(text)) throw new Unreadable();
  }

  /** Consumes the next token when it is one of these words, and returns it in lower case; "" otherwise. */
  protected acceptWord(words: ReadonlySet<string>): string {
    const token = this.peek();
    const word = token?.kind === 'word' ? token.text.toLowerCase() : '';
    if (!words.has(word)) return '';
    this.at++;
    return word;
  }

  /** Runs a rule one level deeper; the cap keeps hostile nesting from exhausting the stack. */
  protected nested<T>(rule: () => T): T {
    this.steps++;
    if (++this.#depth > MAX_DEPTH) throw new Unreadable();
    const result = rule();
    this.#depth--;
    return result;
  }

  /** One or more of what a rule reads, separated by a sign. */
  protected chain<T>(sign: string, rule: () => T): T[] {
    const items = [rule()];
    while (this.accept(sign)) items.push(rule());
    return items;
  }
}
