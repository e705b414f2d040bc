/**
 * The arithmetic of an answer: from tokens to sums, products, powers, functions, numbers and names.
 *
 * Owns: precedence, implicit multiplication, mixed numbers, bases, roots, matrices. Recursive descent, one token
 * of lookahead for almost everything, never going back, so the work is linear in the length of the answer.
 * What stands around arithmetic (lists, relations, brackets, units) is parse.ts, which extends this class.
 */
import { Cursor, Unreadable } from './cursor.ts';
import { parseDecimal } from './exact.ts';
import { type Node, operation } from './nodes.ts';
import type { Token } from './tokens.ts';
import { currencies, scales } from './units.ts';

/** Functions of several operands, written in brackets with commas. */
const severalOperands = new Set(['gcd', 'lcm', 'max', 'min']);
const MAX_LABEL_WORDS = 5;
const factorSigns = new Set(['(', '{', 'frac', 'sqrt', 'binom', '⌊', '⌈', 'begin']);

export abstract class Arithmetic extends Cursor {
  #openBars = 0;

  /** What an opening bracket, already consumed, begins. */
  protected abstract bracket(open: string): Node;

  protected sum(): Node {
    const label = this.#label();
    if (label !== null) return label;
    let node: Node | null = null;
    for (;;) {
      this.steps++;
      let sign = '+';
      if (this.accept('+')) sign = '+';
      else if (this.accept('-')) sign = '-';
      else if (this.accept('±')) sign = '±';
      else if (this.accept('∓')) sign = '∓';
      else if (node !== null) return node;
      const term = this.nested(() => this.#product());
      if (node === null) node = sign === '+' ? term : operation(sign === '-' ? 'negate' : sign, term);
      else if (sign === '±' || sign === '∓') node = operation(sign, node, term);
      else node = appended(node, 'add', sign === '-' ? operation('negate', term) : term);
    }
  }

  /** "Total area = 12": words before an equals sign name the unknown. */
  #label(): Node | null {
    let words = 0;
    while (this.peek(words)?.kind === 'word') words++;
    if (words === 0 || words > MAX_LABEL_WORDS || !this.isSign('=', words)) return null;
    const name = this.tokens.slice(this.at, this.at + words).map((token) => token.text);
    this.at += words;
    return { kind: 'symbol', name: name.join(' ') };
  }

  #product(): Node {
    let node = this.#signedPower();
    for (;;) {
      this.steps++;
      if (this.accept('*')) node = appended(node, 'multiply', this.#signedPower());
      else if (this.accept('/')) node = operation('divide', node, this.#signedPower());
      else if (this.#startsFactor()) node = appended(node, 'multiply', this.#power());
      else return node;
    }
  }

  #signedPower(): Node {
    if (this.accept('-')) return operation('negate', this.#power());
    this.accept('+');
    return this.#power();
  }

  /** Whether the next token begins a factor that is multiplied without a sign. */
  #startsFactor(): boolean {
    const token = this.peek();
    if (token === undefined) return false;
    if (token.kind === 'symbol' || token.kind === 'function') return true;
    // "3 5" is two numbers, not fifteen.
    if (token.kind === 'number') return this.peek(-1)?.kind !== 'number';
    if (token.kind === 'word') return scales.has(token.text.toLowerCase());
    if (token.text === '|') return this.#openBars === 0;
    return factorSigns.has(token.text);
  }

  #power(): Node {
    const base = this.#postfix(this.nested(() => this.#primary()));
    if (!this.accept('^')) return base;
    if (this.#isDegreeSign()) return this.#postfix(operation('degree', base));
    return this.#postfix(operation('power', base, this.#exponent()));
  }

  #exponent(): Node {
    return this.nested(() => {
      if (this.accept('-')) return operation('negate', this.#exponent());
      const base = this.#postfix(this.#primary());
      // Exponents associate to the right.
      return this.accept('^') ? operation('power', base, this.#exponent()) : base;
    });
  }

  /** The rest of ^\circ or ^{\circ}, consumed when it is there. */
  #isDegreeSign(): boolean {
    if (this.accept('°')) return true;
    if (!(this.isSign('{') && this.isSign('°', 1) && this.isSign('}', 2))) return false;
    this.at += 3;
    return true;
  }

  #postfix(node: Node): Node {
    if (this.accept('!')) return this.#postfix(operation('factorial', node));
    if (this.accept('%')) return this.#postfix(operation('percent', node));
    if (this.accept('°')) return this.#postfix(operation('degree', node));
    return node;
  }

  #primary(): Node {
    const token = this.peek();
    if (token === undefined) throw new Unreadable();
    this.at++;
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
        const inside = this.sum();
        this.expect('|');
        this.#openBars--;
        return operation('abs', inside);
      }
      case '⌊':
      case '⌈': {
        const inside = this.sum();
        this.expect(token.text === '⌊' ? '⌋' : '⌉');
        return operation(token.text === '⌊' ? 'floor' : 'ceil', inside);
      }
      case 'begin':
        return this.#matrix();
      default:
        return this.bracket(token.text);
    }
  }

  /** "5 million" and "-\$5": the only words that stand among numbers. */
  #scaleOrCurrency(word: string): Node {
    const scale = scales.get(word.toLowerCase());
    if (scale !== undefined) return integer(scale);
    const next = this.peek();
    if (!currencies.has(word.toLowerCase()) || next?.kind !== 'number') throw new Unreadable();
    this.at++;
    return this.#numeral(next);
  }

  #matrix(): Node {
    const rows: Node[][] = [];
    while (!this.accept('end')) {
      rows.push(this.chain('&', () => this.nested(() => this.sum())));
      // A row separator after the last row is allowed.
      if (!this.accept('\\\\') && !this.isSign('end')) throw new Unreadable();
    }
    return { kind: 'matrix', rows };
  }

  /** A command's argument: a group, or, as in LaTeX, the next digit or sign alone (\frac12, \frac\pi2). */
  #argument(): Node {
    return this.nested(() => {
      if (this.accept('{')) return this.bracket('{');
      const token = this.peek();
      if (token?.kind === 'number' && token.text.length > 1 && /^\d+$/.test(token.text)) {
        this.tokens[this.at] = { ...token, text: token.text.slice(1), spaced: false };
        return literal({ ...token, text: token.text[0]! });
      }
      return this.#primary();
    });
  }

  #root(): Node {
    let index: Node | null = null;
    if (this.accept('[')) {
      index = this.sum();
      this.expect(']');
    }
    // \sqrt13 is meant as the root of 13, whatever LaTeX draws.
    const radicand = this.nested(() => this.#primary());
    return index === null ? operation('sqrt', radicand) : operation('root', radicand, index);
  }

  #numeral(token: Token & { kind: 'number' }): Node {
    if (this.isSign('_')) {
      const base = Number(this.#subscript().slice(1));
      if (!(base >= 2 && base <= 36) || !/^\d+$/.test(token.text)) throw new Unreadable();
      if (base !== 10) return { kind: 'based', digits: token.text, base };
    }
    const whole = literal(token);
    if (!/^\d+$/.test(token.text)) return whole;
    const fraction = this.#properFraction();
    return fraction === null ? whole : operation('add', whole, fraction);
  }

  /** The fraction of a mixed number: 1\frac{4}{5}, 2\frac12 or 2 1/2. */
  #properFraction(): Node | null {
    const literal = (offset: number): string => {
      const token = this.peek(offset);
      return token?.kind === 'number' && /^\d+$/.test(token.text) ? token.text : '';
    };
    let parts: [string, string, number] | null = null;
    if (this.isSign('frac')) {
      const braced = this.isSign('{', 1) && this.isSign('}', 3) && this.isSign('{', 4) && this.isSign('}', 6);
      const short = literal(1);
      if (braced) parts = [literal(2), literal(5), 7];
      else if (short.length === 2) parts = [short[0]!, short[1]!, 2];
    } else if (this.peek()?.spaced && this.isSign('/', 1)) {
      parts = [literal(0), literal(2), 3];
    }
    if (parts === null || parts[0] === '' || parts[1] === '') return null;
    // "1\frac{9}{5}" may be meant as a product or as a wrong mixed number: it is not read at all.
    if (BigInt(parts[0]) >= BigInt(parts[1])) throw new Unreadable();
    this.at += parts[2];
    return operation('divide', integer(BigInt(parts[0])), integer(BigInt(parts[1])));
  }

  /** _{…} as part of a name; "" when there is none. */
  #subscript(): string {
    if (!this.accept('_')) return '';
    if (!this.accept('{')) {
      const token = this.peek();
      if (token === undefined || token.kind === 'sign') throw new Unreadable();
      this.at++;
      return `_${token.text}`;
    }
    let name = '_';
    while (!this.accept('}')) {
      const token = this.peek();
      if (token === undefined || this.isSign('{')) throw new Unreadable();
      this.at++;
      if (token.text !== '(' && token.text !== ')') name += token.text;
    }
    return name;
  }

  // Functions ------------------------------------------------------------------------------------

  #call(name: string): Node {
    let base: Node | null = null;
    if (name === 'log' && this.accept('_')) base = this.#argument();
    let exponent: Node | null = null;
    if (this.accept('^')) exponent = this.#exponent();
    if (severalOperands.has(name)) {
      const list = this.nested(() => this.#primary());
      return operation(name, ...(list.kind === 'collection' && list.open === '(' ? list.items : [list]));
    }
    const operand = this.isSign('(') || this.isSign('{') ? this.nested(() => this.#primary()) : this.#bareOperand();
    if (exponent !== null && isMinusOne(exponent)) return operation(`arc${name}`, operand);
    const value =
      base === null ? operation(name, operand) : operation('divide', operation('ln', operand), operation('ln', base));
    return exponent === null ? value : operation('power', value, exponent);
  }

  /** What a function without brackets applies to: in "\sin 2x \cos x" the 2x. */
  #bareOperand(): Node {
    return this.nested(() => {
      if (this.peek()?.kind === 'function') return this.#power();
      let node = this.#signedPower();
      while (this.#startsFactor() && this.peek()?.kind !== 'function' && !this.isSign('(')) {
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

/** The number a token stands for, with the places it was written to. */
function literal(token: Token & { kind: 'number' }): Node {
  const value = parseDecimal(token.text, token.repeating);
  if (value === null) throw new Unreadable();
  const decimals = token.repeating === '' ? /^\d*\.(\d+)$/.exec(token.text)?.[1] : undefined;
  return decimals === undefined ? { kind: 'number', value } : { kind: 'number', value, places: decimals.length };
}
