/**
 * From tokens to the meaning of an answer: recursive descent, one token of lookahead for almost
 * everything, never going back, so the work is linear in the length of the answer.
 *
 * Owns: precedence, implicit multiplication, mixed numbers, brackets, lists, relations, units.
 * Values are given by evaluate.ts. Text that is no formula is not its business either: it returns null.
 */
import { toLatexCharacters } from './characters.ts';
import { type Exact, parseDecimal } from './exact.ts';
import { type Node, operation } from './nodes.ts';
import { type Token, tokenize } from './tokens.ts';
import { canonicalUnit, isUnitWord, scales } from './units.ts';

/** Grammar rules within each other; a pair of brackets takes three. */
const MAX_DEPTH = 200;
const relationSigns = new Set(['=', '!=', '<', '>', '<=', '>=', '∈']);
const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']', '\\{': '\\}', '{': '}', '⟨': '⟩' };

/** Raised inside the parser only; parseFormula turns it into null. */
class Unreadable extends Error {}

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

class Parser {
  steps = 0;
  readonly #tokens: Token[];
  #at = 0;
  #depth = 0;
  #openBars = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = [...tokens];
  }

  answer(): Node {
    const node = this.#list();
    if (this.#at < this.#tokens.length) throw new Unreadable();
    return node;
  }

  // Tokens ---------------------------------------------------------------------------------------

  #peek(offset = 0): Token | undefined {
    return this.#tokens[this.#at + offset];
  }

  #isSign(text: string, offset = 0): boolean {
    const token = this.#peek(offset);
    return token?.kind === 'sign' && token.text === text;
  }

  #accept(text: string): boolean {
    if (!this.#isSign(text)) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) throw new Unreadable();
  }

  #acceptWord(...words: string[]): boolean {
    const token = this.#peek();
    if (token?.kind !== 'word' || !words.includes(token.text.toLowerCase())) return false;
    this.#at++;
    return true;
  }

  /** Runs a rule one level deeper; the cap keeps hostile nesting from exhausting the stack. */
  #nested<T>(rule: () => T): T {
    this.steps++;
    if (++this.#depth > MAX_DEPTH) throw new Unreadable();
    const result = rule();
    this.#depth--;
    return result;
  }

  // Lists, relations, units ----------------------------------------------------------------------

  #list(): Node {
    const items = this.#items();
    return items.length === 1 ? items[0]! : { kind: 'list', items };
  }

  #items(): Node[] {
    const items = [this.#nested(() => this.#item())];
    for (;;) {
      const separated = this.#accept(',') || this.#accept(';');
      // "1, 2, and 3": the word may follow the comma.
      if (!this.#acceptWord('and', 'or') && !separated) return items;
      items.push(this.#nested(() => this.#item()));
    }
  }

  #item(): Node {
    const currency = this.#acceptWord('$');
    const node = this.#relation();
    if (currency) return { kind: 'quantity', value: node, unit: 'dollar' };
    const unit = this.#unit();
    if (unit === 'percent') return operation('percent', node);
    return unit === '' ? node : { kind: 'quantity', value: node, unit };
  }

  /** The words after a value, e.g. "square inches" or "cm^2" or "miles per hour"; "" for none. */
  #unit(): string {
    const parts: string[] = [];
    for (;;) {
      this.steps++;
      const token = this.#peek();
      if (token?.kind === 'word' && isUnitWord(token.text, parts.length === 0)) {
        parts.push(token.text);
        this.#at++;
      } else if (parts.length > 0 && this.#accept('^')) {
        const braced = this.#accept('{');
        const exponent = this.#peek();
        if (exponent?.kind !== 'number') throw new Unreadable();
        this.#at++;
        if (braced) this.#expect('}');
        parts.push(`^${exponent.text}`);
      } else if (parts.length > 0 && this.#isSign('/') && this.#peek(1)?.kind === 'word') {
        this.#at++;
        parts.push('/');
      } else return canonicalUnit(parts);
    }
  }

  #relation(): Node {
    const operands = [this.#ratio()];
    const operators: string[] = [];
    for (let sign = this.#peek(); sign?.kind === 'sign' && relationSigns.has(sign.text); sign = this.#peek()) {
      this.#at++;
      operators.push(sign.text);
      operands.push(this.#ratio());
    }
    return operators.length === 0 ? operands[0]! : { kind: 'relation', operands, operators };
  }

  #ratio(): Node {
    const items = this.#chain(':', () => this.#union());
    return items.length === 1 ? items[0]! : { kind: 'collection', open: ':', close: ':', items };
  }

  #union(): Node {
    const items = this.#chain('∪', () => this.#sum());
    return items.length === 1 ? items[0]! : { kind: 'union', items };
  }

  #chain(sign: string, rule: () => Node): Node[] {
    const items = [rule()];
    while (this.#accept(sign)) items.push(rule());
    return items;
  }

  // Arithmetic -----------------------------------------------------------------------------------

  #sum(): Node {
    const name = this.#peek();
    // "Area = 12": a word before a relation names the unknown.
    if (name?.kind === 'word' && this.#isSign('=', 1)) {
      this.#at++;
      return { kind: 'symbol', name: name.text };
    }
    let node: Node | null = null;
    for (;;) {
      this.steps++;
      let sign = '+';
      if (this.#accept('+')) sign = '+';
      else if (this.#accept('-')) sign = '-';
      else if (this.#accept('±')) sign = '±';
      else if (this.#accept('∓')) sign = '∓';
      else if (node !== null) return node;
      const term = this.#nested(() => this.#product());
      if (node === null) node = sign === '+' ? term : operation(sign === '-' ? 'negate' : sign, term);
      else if (sign === '±' || sign === '∓') node = operation(sign, node, term);
      else node = appended(node, 'add', sign === '-' ? operation('negate', term) : term);
    }
  }

  #product(): Node {
    let node = this.#signedPower();
    for (;;) {
      this.steps++;
      if (this.#accept('*')) node = appended(node, 'multiply', this.#signedPower());
      else if (this.#accept('/')) node = operation('divide', node, this.#signedPower());
      else if (this.#startsFactor()) node = appended(node, 'multiply', this.#power());
      else return node;
    }
  }

  #signedPower(): Node {
    if (this.#accept('-')) return operation('negate', this.#power());
    this.#accept('+');
    return this.#power();
  }

  /** Whether the next token begins a factor that is multiplied without a sign. */
  #startsFactor(): boolean {
    const token = this.#peek();
    if (token === undefined) return false;
    if (token.kind === 'symbol' || token.kind === 'function') return true;
    // "3 5" is two numbers, not fifteen.
    if (token.kind === 'number') return this.#peek(-1)?.kind !== 'number';
    if (token.kind === 'word') return scales.has(token.text.toLowerCase());
    if (token.text === '|') return this.#openBars === 0;
    return ['(', '{', 'frac', 'sqrt', 'binom', '⌊', '⌈', 'begin'].includes(token.text);
  }

  #power(): Node {
    const base = this.#postfix(this.#nested(() => this.#primary()));
    if (!this.#accept('^')) return base;
    if (this.#isDegreeSign()) return this.#postfix(operation('degree', base));
    return this.#postfix(operation('power', base, this.#exponent()));
  }

  #exponent(): Node {
    return this.#nested(() => {
      if (this.#accept('-')) return operation('negate', this.#exponent());
      const base = this.#postfix(this.#primary());
      // Exponents associate to the right.
      return this.#accept('^') ? operation('power', base, this.#exponent()) : base;
    });
  }

  /** The rest of ^\circ or ^{\circ}, consumed when it is there. */
  #isDegreeSign(): boolean {
    if (this.#accept('°')) return true;
    if (!(this.#isSign('{') && this.#isSign('°', 1) && this.#isSign('}', 2))) return false;
    this.#at += 3;
    return true;
  }

  #postfix(node: Node): Node {
    if (this.#accept('!')) return this.#postfix(operation('factorial', node));
    if (this.#accept('%')) return this.#postfix(operation('percent', node));
    if (this.#accept('°')) return this.#postfix(operation('degree', node));
    return node;
  }

  #primary(): Node {
    const token = this.#peek();
    if (token === undefined) throw new Unreadable();
    this.#at++;
    if (token.kind === 'word') return this.#scaleOrCurrency(token.text);
    if (token.kind === 'number') return this.#numeral(token);
    if (token.kind === 'symbol') return { kind: 'symbol', name: token.text + this.#subscript() };
    if (token.kind === 'function') return this.#call(token.text);
    switch (token.text) {
      case 'frac':
        return operation('divide', this.#argument(), this.#argument());
      case 'binom':
        return operation('binomial', this.#argument(), this.#argument());
      case 'sqrt':
        return this.#root();
      case '|': {
        this.#openBars++;
        const inside = this.#sum();
        this.#expect('|');
        this.#openBars--;
        return operation('abs', inside);
      }
      case '⌊':
      case '⌈': {
        const inside = this.#sum();
        this.#expect(token.text === '⌊' ? '⌋' : '⌉');
        return operation(token.text === '⌊' ? 'floor' : 'ceil', inside);
      }
      case 'begin':
        return this.#matrix();
      default:
        return this.#bracket(token.text);
    }
  }

  /** "5 million" and "-\$5": the only words that stand among numbers. */
  #scaleOrCurrency(word: string): Node {
    const scale = scales.get(word.toLowerCase());
    if (scale !== undefined) return integer(scale);
    const next = this.#peek();
    if (word !== '$' || next?.kind !== 'number') throw new Unreadable();
    this.#at++;
    return this.#numeral(next);
  }

  #bracket(open: string): Node {
    const close = closing[open];
    if (close === undefined) throw new Unreadable();
    const isSet = open === '\\{';
    if (isSet && this.#accept('\\}')) return { kind: 'symbol', name: 'emptyset' };
    const items = this.#items();
    const ending = this.#peek();
    if (ending?.kind !== 'sign') throw new Unreadable();
    // (0, 1] opens with one kind and closes with the other.
    const matches = ending.text === close || ('(['.includes(open) && ')]'.includes(ending.text) && items.length === 2);
    if (!matches) throw new Unreadable();
    this.#at++;
    if (isSet || (open === '{' && items.length > 1)) return { kind: 'collection', open: '{', close: '}', items };
    if (items.length === 1 && open !== '⟨' && open !== '[') return items[0]!;
    return { kind: 'collection', open, close: ending.text, items };
  }

  #matrix(): Node {
    const rows: Node[][] = [];
    while (!this.#accept('end')) {
      rows.push(this.#chain('&', () => this.#nested(() => this.#sum())));
      // A row separator after the last row is allowed.
      if (!this.#accept('\\\\') && !this.#isSign('end')) throw new Unreadable();
    }
    return { kind: 'matrix', rows };
  }

  /** A command's argument: a group, or, as in LaTeX, the next digit or sign alone (\frac12, \frac\pi2). */
  #argument(): Node {
    return this.#nested(() => {
      if (this.#accept('{')) return this.#bracket('{');
      const token = this.#peek();
      if (token?.kind === 'number' && token.text.length > 1 && /^\d+$/.test(token.text)) {
        this.#tokens[this.#at] = { ...token, text: token.text.slice(1), spaced: false };
        return { kind: 'number', value: numberValue({ ...token, text: token.text[0]!, repeating: '' }) };
      }
      return this.#primary();
    });
  }

  #root(): Node {
    let index: Node | null = null;
    if (this.#accept('[')) {
      index = this.#sum();
      this.#expect(']');
    }
    // \sqrt13 is meant as the root of 13, whatever LaTeX draws.
    const radicand = this.#nested(() => this.#primary());
    return index === null ? operation('sqrt', radicand) : operation('root', radicand, index);
  }

  #numeral(token: Token & { kind: 'number' }): Node {
    if (this.#isSign('_')) {
      const base = Number(this.#subscript().slice(1));
      if (!(base >= 2 && base <= 36) || !/^\d+$/.test(token.text)) throw new Unreadable();
      return { kind: 'based', digits: token.text, base };
    }
    const whole: Node = { kind: 'number', value: numberValue(token) };
    if (!/^\d+$/.test(token.text)) return whole;
    const fraction = this.#properFraction();
    return fraction === null ? whole : operation('add', whole, fraction);
  }

  /** The fraction of a mixed number: 1\frac{4}{5}, 2\frac12 or 2 1/2. */
  #properFraction(): Node | null {
    const literal = (offset: number): string => {
      const token = this.#peek(offset);
      return token?.kind === 'number' && /^\d+$/.test(token.text) ? token.text : '';
    };
    let parts: [string, string, number] | null = null;
    if (this.#isSign('frac')) {
      const braced = this.#isSign('{', 1) && this.#isSign('}', 3) && this.#isSign('{', 4) && this.#isSign('}', 6);
      const short = literal(1);
      if (braced) parts = [literal(2), literal(5), 7];
      else if (short.length === 2) parts = [short[0]!, short[1]!, 2];
    } else if (this.#peek()?.spaced && this.#isSign('/', 1)) {
      parts = [literal(0), literal(2), 3];
    }
    if (parts === null || parts[0] === '' || parts[1] === '' || BigInt(parts[0]) >= BigInt(parts[1])) return null;
    this.#at += parts[2];
    return operation('divide', integer(BigInt(parts[0])), integer(BigInt(parts[1])));
  }

  /** _{…} as part of a name; "" when there is none. */
  #subscript(): string {
    if (!this.#accept('_')) return '';
    if (!this.#accept('{')) {
      const token = this.#peek();
      if (token === undefined || token.kind === 'sign') throw new Unreadable();
      this.#at++;
      return `_${token.text}`;
    }
    let name = '_';
    while (!this.#accept('}')) {
      const token = this.#peek();
      if (token === undefined || this.#isSign('{')) throw new Unreadable();
      this.#at++;
      if (token.text !== '(' && token.text !== ')') name += token.text;
    }
    return name;
  }

  // Functions ------------------------------------------------------------------------------------

  #call(name: string): Node {
    let base: Node | null = null;
    if (name === 'log' && this.#accept('_')) base = this.#argument();
    let exponent: Node | null = null;
    if (this.#accept('^')) exponent = this.#exponent();
    const operand = this.#isSign('(') || this.#isSign('{') ? this.#nested(() => this.#primary()) : this.#bareOperand();
    if (exponent !== null && isMinusOne(exponent)) return operation(`arc${name}`, operand);
    const value =
      base === null ? operation(name, operand) : operation('divide', operation('ln', operand), operation('ln', base));
    return exponent === null ? value : operation('power', value, exponent);
  }

  /** What a function without brackets applies to: in "\sin 2x \cos x" the 2x. */
  #bareOperand(): Node {
    return this.#nested(() => {
      if (this.#peek()?.kind === 'function') return this.#power();
      let node = this.#signedPower();
      while (this.#startsFactor() && this.#peek()?.kind !== 'function' && !this.#isSign('(')) {
        node = appended(node, 'multiply', this.#power());
      }
      return node;
    });
  }
}

/** Sums and products are kept flat, so that long ones do not become deep trees. */
function appended(node: Node, name: string, operand: Node): Node {
  if (node.kind !== 'operation' || node.name !== name) return operation(name, node, operand);
  node.operands.push(operand);
  return node;
}

function integer(value: bigint): Node {
  return { kind: 'number', value: { re: value, im: 0n, den: 1n } };
}

function isMinusOne(node: Node): boolean {
  if (node.kind !== 'operation' || node.name !== 'negate') return false;
  const operand = node.operands[0]!;
  return operand.kind === 'number' && operand.value.re === 1n && operand.value.den === 1n;
}

function numberValue(token: Token & { kind: 'number' }): Exact {
  const value = parseDecimal(token.text, token.repeating);
  if (value === null) throw new Unreadable();
  return value;
}
