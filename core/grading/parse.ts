/**
 * From tokens to the meaning of an answer.
 *
 * Owns: what stands around arithmetic: lists, relations, ratios, sets and intervals, brackets, units, and words
 * that only introduce a value. Values are given by evaluate.ts. Text that is no formula is not its business
 * either: it returns null.
 */
import { Arithmetic } from './arithmetic.ts';
import { toLatexCharacters } from './characters.ts';
import { Unreadable } from './cursor.ts';
import { isUnknown } from './forms.ts';
import { type Node, operation } from './nodes.ts';
import { type Token, tokenize } from './tokens.ts';
import { canonicalUnit, currencies, isUnitWord } from './units.ts';

const relationSigns = new Set(['=', '!=', '<', '>', '<=', '>=', '∈', '≈']);
const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']', '\\{': '\\}', '{': '}', '⟨': '⟩' };
const conjunctions = new Set(['and', 'or']);
/** Words before a value that do not change it. */
const introductions = new Set('about approximately around exactly roughly only'.split(' '));

export interface Parsed {
  /** null when the text is no formula this grammar knows. */
  node: Node | null;
  /** Work done, in visits of grammar rules: the tests bound it by the length of the text. */
  steps: number;
  tokens: readonly Token[];
}

/** Reads an answer written in LaTeX or plain notation. Never throws. */
export function parseFormula(raw: string): Parsed {
  const tokens = tokenize(toLatexCharacters(raw));
  if (tokens === null || tokens.length === 0) return { node: null, steps: 0, tokens: [] };
  const parser = new Parser(tokens);
  let node: Node | null;
  try {
    node = parser.answer();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    node = null;
  }
  return { node, steps: parser.steps, tokens };
}

class Parser extends Arithmetic {
  answer(): Node {
    const node = listOf(this.#items());
    if (this.at < this.tokens.length) throw new Unreadable();
    return node;
  }

  #items(): Node[] {
    const items = [this.nested(() => this.#item())];
    for (;;) {
      const separated = this.accept(',') || this.accept(';');
      // "1, 2, and 3": the word may follow the comma.
      const word = this.acceptWord(conjunctions);
      if (word === '' && !separated) return items;
      // A comma at the end of a line belongs to the typesetting.
      if (this.isSign('\\\\') || this.isSign('end')) return items;
      const item = this.nested(() => this.#item());
      // "x > 1 and x < 3" is one interval; "x < 1 or x > 3" and "1 and 3" are two answers.
      const last = items.at(-1)!;
      if (word === 'and' && isInequality(last) && isInequality(item)) {
        items[items.length - 1] = { kind: 'intersection', items: [last, item] };
      } else items.push(item);
    }
  }

  #item(): Node {
    this.acceptWord(introductions);
    const currency = this.peek(1)?.kind === 'number' ? this.acceptWord(currencies) : '';
    const node = this.#relation();
    if (currency !== '') return { kind: 'quantity', value: node, unit: canonicalUnit([currency]) };
    if (this.accept('pmod')) return { kind: 'quantity', value: node, unit: `modulo ${this.#modulus()}` };
    const unit = this.#unit();
    if (unit === 'percent') return operation('percent', node);
    return unit === '' ? node : { kind: 'quantity', value: node, unit };
  }

  #modulus(): string {
    const braced = this.accept('{');
    const modulus = this.peek();
    if (modulus === undefined) throw new Unreadable();
    this.at++;
    if (braced) this.expect('}');
    return modulus.text;
  }

  /** The words after a value, e.g. "square inches" or "cm^2" or "miles per hour"; "" for none. */
  #unit(): string {
    const parts: string[] = [];
    for (;;) {
      this.steps++;
      const token = this.peek();
      if (token?.kind === 'word' && isUnitWord(token.text, parts.length === 0)) {
        parts.push(token.text);
        this.at++;
      } else if (parts.length > 0 && this.accept('^')) {
        const braced = this.accept('{');
        const exponent = this.peek();
        if (exponent?.kind !== 'number') throw new Unreadable();
        this.at++;
        if (braced) this.expect('}');
        parts.push(`^${exponent.text}`);
      } else if (parts.length > 0 && this.isSign('/') && this.peek(1)?.kind === 'word') {
        this.at++;
        parts.push('/');
      } else return canonicalUnit(parts);
    }
  }

  #relation(): Node {
    const operands = [this.#ratio()];
    const operators: string[] = [];
    for (let sign = this.peek(); sign?.kind === 'sign' && relationSigns.has(sign.text); sign = this.peek()) {
      this.at++;
      operators.push(sign.text);
      operands.push(this.#ratio());
    }
    const rounded = operators.indexOf('≈');
    if (rounded >= 0) {
      // After ≈ the value before it stands once more, rounded; unless there is but a name before it.
      const nameOnly = rounded === 0 && isUnknown(operands[0]!);
      if (nameOnly) operators[0] = '=';
      operands.length = nameOnly ? 2 : rounded + 1;
      operators.length = nameOnly ? 1 : rounded;
    }
    return operators.length === 0 ? operands[0]! : { kind: 'relation', operands, operators };
  }

  #ratio(): Node {
    const items = this.chain(':', () => this.#union());
    return items.length === 1 ? items[0]! : { kind: 'collection', open: ':', close: ':', items };
  }

  #union(): Node {
    const items = this.chain('∪', () => this.#intersection());
    return items.length === 1 ? items[0]! : { kind: 'union', items };
  }

  #intersection(): Node {
    const items = this.chain('∩', () => this.#difference());
    return items.length === 1 ? items[0]! : { kind: 'intersection', items };
  }

  #difference(): Node {
    const items = this.chain('∖', () => this.sum());
    return items.length === 1 ? items[0]! : { kind: 'difference', items };
  }

  protected bracket(open: string): Node {
    const close = closing[open];
    if (close === undefined) return this.#lines(open);
    if (open === '\\{') {
      if (this.accept('\\}')) return { kind: 'symbol', name: 'emptyset' };
      this.#setBuilder();
    }
    const items = this.#items();
    const ending = this.peek();
    if (ending?.kind !== 'sign') throw new Unreadable();
    // (0, 1] opens with one kind and closes with the other.
    const matches = ending.text === close || ('(['.includes(open) && ')]'.includes(ending.text) && items.length === 2);
    if (!matches) throw new Unreadable();
    this.at++;
    if (open === '\\{') return { kind: 'collection', open: '{', close: '}', items };
    // Braces that are not drawn only group.
    if (open === '{') return listOf(items);
    const [first] = items;
    if (items.length === 1 && (open === '(' || first?.kind === 'matrix')) return first!;
    return matrixOfRows(items) ?? { kind: 'collection', open, close: ending.text, items };
  }

  /** The "x :" or "x ∈ ℝ |" of a set that is given by a condition. */
  #setBuilder(): void {
    if (this.peek()?.kind !== 'symbol') return;
    const restricted = this.isSign('∈', 1) && this.peek(2)?.kind === 'symbol' ? 3 : 1;
    if (this.isSign('|', restricted) || this.isSign(':', restricted)) this.at += restricted + 1;
  }

  /** The lines of cases or aligned equations: several answers. */
  #lines(open: string): Node {
    if (open !== 'lines') throw new Unreadable();
    const items: Node[] = [];
    while (!this.accept('end')) {
      items.push(...this.#items());
      if (!this.accept('\\\\') && !this.isSign('end')) throw new Unreadable();
    }
    return listOf(items);
  }
}

function listOf(items: Node[]): Node {
  return items.length === 1 ? items[0]! : { kind: 'list', items };
}

function isInequality(node: Node): boolean {
  if (node.kind === 'intersection') return true;
  return node.kind === 'relation' && node.operators.every((operator) => /^[<>]/.test(operator));
}

/** [[1, 2], [3, 4]] is a matrix; null for anything else. */
function matrixOfRows(items: readonly Node[]): Node | null {
  const rows: Node[][] = [];
  for (const item of items) {
    if (item.kind !== 'collection' || item.open !== '[' || item.close !== ']') return null;
    rows.push(item.items);
  }
  return rows.length > 1 && rows.every((row) => row.length === rows[0]!.length) ? { kind: 'matrix', rows } : null;
}
