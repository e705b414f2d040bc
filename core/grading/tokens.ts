/**
 * From the characters of an answer to tokens, LaTeX and plain notation alike.
 *
 * Owns: spelling. Which commands mean the same sign, which are only typesetting, where a number ends
 * (thousands separators, decimals, periods, exponents), and which letters are words rather than
 * variables. It looks at each character at most a fixed number of times. Grammar is in parse.ts.
 */
import { isUnitAbbreviation } from './units.ts';

export type Token =
  /** A numeric literal; `repeating` are the digits of the period, "" mostly. */
  | { kind: 'number'; text: string; repeating: string; spaced: boolean }
  | { kind: 'symbol'; text: string; spaced: boolean }
  /** A word of prose or a unit. */
  | { kind: 'word'; text: string; spaced: boolean }
  /** A named function such as sin, applied to what follows. */
  | { kind: 'function'; text: string; spaced: boolean }
  /** Everything else, in its canonical spelling: operators, brackets, \frac, \sqrt, \binom, begin and end. */
  | { kind: 'sign'; text: string; spaced: boolean };

/** Longer answers are not read: none that a grader could compare is as long. */
export const MAX_ANSWER_LENGTH = 1_000;

const functions = new Set(
  'sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log exp'.split(' ').concat(['abs', 'floor', 'ceil']),
);
const greek = new Set(
  (
    'alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau ' +
    'upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega pi ell'
  ).split(' '),
);
const ignored = new Set(
  (
    'left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle quad qquad ' +
    'limits nolimits boxed fbox mathbf mathit mathsf mathbb mathcal bm boldsymbol mathrm operatorname text textbf ' +
    'textit textrm textnormal mbox hbox emph vec mathstrut'
  ).split(' '),
);
/** Commands whose argument is read as words when it consists of letters only. */
const wordCommands = new Set('text textbf textit textrm textnormal mbox hbox emph mathrm operatorname'.split(' '));
const commandSigns: Readonly<Record<string, string>> = {
  cdot: '*',
  times: '*',
  ast: '*',
  div: '/',
  pm: '±',
  mp: '∓',
  le: '<=',
  leq: '<=',
  leqslant: '<=',
  ge: '>=',
  geq: '>=',
  geqslant: '>=',
  lt: '<',
  gt: '>',
  ne: '!=',
  neq: '!=',
  in: '∈',
  cup: '∪',
  circ: '°',
  degree: '°',
  lbrace: '\\{',
  rbrace: '\\}',
  lvert: '|',
  rvert: '|',
  vert: '|',
  langle: '⟨',
  rangle: '⟩',
  lfloor: '⌊',
  rfloor: '⌋',
  lceil: '⌈',
  rceil: '⌉',
  frac: 'frac',
  dfrac: 'frac',
  tfrac: 'frac',
  cfrac: 'frac',
  sqrt: 'sqrt',
  binom: 'binom',
  dbinom: 'binom',
  tbinom: 'binom',
};
const characterCommands: Readonly<Record<string, string>> = {
  '{': '\\{',
  '}': '\\}',
  '%': '%',
  '\\': '\\\\',
};
const plainNames: Readonly<Record<string, Token['kind']>> = {
  pi: 'symbol',
  infinity: 'symbol',
  sqrt: 'sign',
  and: 'word',
  or: 'word',
};

const isDigit = (c: string | undefined): boolean => c !== undefined && c >= '0' && c <= '9';
const isLetter = (c: string | undefined): boolean => c !== undefined && /^[A-Za-z]$/.test(c);

/** Tokens of an answer in LaTeX or plain notation (see toLatexCharacters); null when a character or command is not known. */
export function tokenize(source: string): Token[] | null {
  if (source.length > MAX_ANSWER_LENGTH) return null;
  return new Lexer(source).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #spaced = false;
  /** Open ( [ \{ at this point: inside them a comma separates, outside it may group thousands. */
  #openBrackets = 0;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] | null {
    while (this.#at < this.#source.length) {
      const c = this.#source[this.#at]!;
      if (c === ' ' || c === '\t' || c === '\n' || c === '\r' || c === '~') this.#skip(1);
      else if (c === '$') this.#skip(1);
      else if (c === '\\') {
        if (!this.#command()) return null;
      } else if (isDigit(c) || (c === '.' && isDigit(this.#source[this.#at + 1]))) this.#number();
      else if (isLetter(c)) this.#letters();
      else if (!this.#plainSign(c)) return null;
    }
    return this.#tokens;
  }

  #skip(count: number): void {
    this.#at += count;
    this.#spaced = true;
  }

  #push(kind: Token['kind'], text: string, repeating = ''): void {
    this.#tokens.push(
      kind === 'number' ? { kind, text, repeating, spaced: this.#spaced } : { kind, text, spaced: this.#spaced },
    );
    this.#spaced = false;
    if (kind !== 'sign') return;
    if (text === '(' || text === '[' || text === '\\{') this.#openBrackets++;
    else if (text === ')' || text === ']' || text === '\\}') this.#openBrackets--;
  }

  #plainSign(c: string): boolean {
    const two = this.#source.slice(this.#at, this.#at + 2);
    if (two === '<=' || two === '>=') {
      this.#at += 2;
      this.#push('sign', two);
    } else if (two === '**') {
      this.#at += 2;
      this.#push('sign', '^');
    } else if (c === '.') {
      // A full stop may end the sentence the answer stood in; anywhere else it means nothing here.
      if (this.#source.slice(this.#at + 1).trim() !== '') return false;
      this.#at++;
    } else if ('+-*/^_=<>()[]{},;&|!%:'.includes(c)) {
      this.#at++;
      this.#push('sign', c);
    } else return false;
    return true;
  }

  #command(): boolean {
    const next = this.#source[this.#at + 1];
    if (!isLetter(next)) {
      this.#at += 2;
      if (next === '$') this.#push('word', '$');
      else if (next !== undefined && characterCommands[next] !== undefined)
        this.#push('sign', characterCommands[next]!);
      else if (next !== undefined && '!,;:> ()[]'.includes(next)) this.#spaced = true;
      else return false;
      return true;
    }
    let end = this.#at + 2;
    while (isLetter(this.#source[end])) end++;
    const name = this.#source.slice(this.#at + 1, end);
    this.#at = end;
    if (wordCommands.has(name) && this.#words()) return true;
    if (ignored.has(name)) {
      // "\left." and "\right." are brackets that are not drawn.
      if ((name === 'left' || name === 'right') && this.#source[end] === '.') this.#at++;
      this.#spaced ||= name.endsWith('quad');
      return true;
    }
    if (name === 'approx') {
      // What follows is the value before it once more, rounded.
      this.#at = this.#tokens.length > 0 ? this.#source.length : end;
      return true;
    }
    if (name === 'begin' || name === 'end') return this.#environment(name);
    if (name === 'infty') this.#push('symbol', 'infinity');
    else if (name === 'emptyset' || name === 'varnothing') this.#push('symbol', 'emptyset');
    else if (greek.has(name)) this.#push('symbol', name);
    else if (functions.has(name)) this.#push('function', name);
    else if (Object.hasOwn(commandSigns, name)) this.#push('sign', commandSigns[name]!);
    else return false;
    return true;
  }

  /** \text{…} with nothing but letters inside: its words. Anything else is read like the rest of the answer. */
  #words(): boolean {
    const match = /^\{([A-Za-z .,'/-]*)\}/.exec(this.#source.slice(this.#at, this.#at + 200));
    if (match === null) return false;
    this.#at += match[0].length;
    this.#spaced = true;
    for (const word of match[1]!.split(/(\/)|[ .,'-]+/)) {
      if (word === '/') this.#push('sign', word);
      else if (word) this.#push(functions.has(word) ? 'function' : 'word', word);
    }
    this.#spaced = true;
    return true;
  }

  #environment(name: 'begin' | 'end'): boolean {
    const match = /^\{([pbB]?matrix|array)\}(?:\{[lcr| ]*\})?/.exec(this.#source.slice(this.#at, this.#at + 80));
    if (match === null) return false;
    this.#at += match[0].length;
    this.#push('sign', name);
    return true;
  }

  /** Digits from `from` on; returns the index after them. */
  #digitsEnd(from: number): number {
    let end = from;
    while (isDigit(this.#source[end])) end++;
    return end;
  }

  #number(): void {
    const source = this.#source;
    let end = this.#digitsEnd(this.#at);
    let text = source.slice(this.#at, end);
    if (text.length >= 1 && text.length <= 3) {
      for (let group = this.#thousands(end); group !== null; group = this.#thousands(end)) {
        text += group.digits;
        end = group.end;
      }
    }
    if (source[end] === '.' && (isDigit(source[end + 1]) || source.startsWith('\\overline', end + 1))) {
      const fractionEnd = this.#digitsEnd(end + 1);
      text += source.slice(end, fractionEnd);
      end = fractionEnd;
    } else if (source[end] === '.' && source.slice(end + 1, end + 3).trim() === '') {
      end++;
    }
    const period = text.includes('.') ? /^\\overline\{?(\d{1,100})\}?/.exec(source.slice(end, end + 120)) : null;
    if (period !== null) end += period[0].length;
    const exponent = /^[eE][+-]?\d{1,5}(?![\dA-Za-z])/.exec(source.slice(end, end + 9));
    if (exponent !== null && period === null) {
      text += exponent[0];
      end += exponent[0].length;
    }
    this.#at = end;
    this.#push('number', text, period?.[1] ?? '');
  }

  /** A group of three digits that continues a number at `from`: 1,000 · 1{,}000 · 1,\!000 · 1\,000. */
  #thousands(from: number): { digits: string; end: number } | null {
    const match = /^(,|\{,\}|,\\! ?|\\[, ])(\d{3})(?!\d)/.exec(this.#source.slice(from, from + 9));
    if (match === null || (match[1] === ',' && this.#openBrackets > 0)) return null;
    return { digits: match[2]!, end: from + match[0].length };
  }

  #letters(): void {
    let end = this.#at + 1;
    while (isLetter(this.#source[end])) end++;
    const run = this.#source.slice(this.#at, end);
    const lower = run.toLowerCase();
    this.#at = end;
    if (functions.has(lower)) this.#push('function', lower);
    else if (Object.hasOwn(plainNames, lower)) this.#push(plainNames[lower]!, lower);
    else if (run.length > 3 || this.#isTrailingUnit(run)) this.#push('word', run);
    else for (const letter of run) this.#push('symbol', letter);
  }

  /**
   * "cm" after a number and before the end or a separator is a unit; elsewhere it is c times m. A single
   * letter is a unit only in the denominator of one (km/h): "5 m" may well be five times m.
   */
  #isTrailingUnit(run: string): boolean {
    const previous = this.#tokens.at(-1);
    if (previous?.text === '/' && this.#tokens.at(-2)?.kind === 'word') return isUnitAbbreviation(run);
    if (run.length === 1) return false;
    const afterValue = previous?.kind === 'number' || previous?.text === '}' || previous?.kind === 'word';
    return (
      afterValue && isUnitAbbreviation(run) && /^\s*(?:$|[,;)^/.$])/.test(this.#source.slice(this.#at, this.#at + 4))
    );
  }
}
