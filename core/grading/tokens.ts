/**
 * From the characters of an answer to tokens, LaTeX and plain notation alike.
 *
 * Owns: spelling. Which commands mean the same sign, which are only typesetting, where a number ends
 * (thousands separators, decimals, periods, exponents), and which letters are words rather than
 * variables. It looks at each character at most a fixed number of times. Grammar is in parse.ts.
 */
import { isNumberWord, wordsToNumbers } from './numberWords.ts';
import { isUnitAbbreviation } from './units.ts';
import {
  characterCommands,
  commandSigns,
  commandSymbols,
  functionAliases,
  functions,
  greek,
  ignoredCommands,
  plainAliases,
  plainNames,
  withoutDoubleEscapes,
  wordCommands,
} from './vocabulary.ts';

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

/** Commands that draw something over a name, or set it in another face that matters. */
const decorations = new Set('mathbb overline bar hat tilde overrightarrow'.split(' '));

const isDigit = (c: string | undefined): boolean => c !== undefined && c >= '0' && c <= '9';
const isLetter = (c: string | undefined): boolean => c !== undefined && /^[A-Za-z]$/.test(c);

/** Tokens of an answer in LaTeX or plain notation (see toLatexCharacters); null when a character or command is not known. */
export function tokenize(source: string): Token[] | null {
  if (source.length > MAX_ANSWER_LENGTH) return null;
  const tokens = new Lexer(withoutDoubleEscapes(source)).run();
  return tokens === null ? null : wordsToNumbers(tokens);
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #spaced = false;
  /** Open ( [ \{ at this point: inside them a comma separates, outside it may group thousands. */
  #openBrackets = 0;
  /** Inside cases or aligned equations: there "&" only aligns. */
  #inLines = false;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] | null {
    while (this.#at < this.#source.length) {
      const c = this.#source[this.#at]!;
      if (c === ' ' || c === '\t' || c === '\n' || c === '\r' || c === '~') this.#skip(1);
      else if (c === '$' || c === '"' || (c === '&' && this.#inLines)) this.#skip(1);
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
    const previous = this.#tokens.at(-1);
    // "5!=120" is a factorial, "x != 3" is none.
    const isUnequal = two === '!=' && (previous?.kind === 'symbol' || (this.#spaced && previous?.kind !== 'number'));
    if (two === '<=' || two === '>=' || isUnequal) {
      this.#at += 2;
      this.#push('sign', two);
    } else if (two === '**') {
      this.#at += 2;
      this.#push('sign', '^');
    } else if (this.#source.startsWith('...', this.#at)) {
      this.#at += 3;
      this.#push('symbol', 'dots');
    } else if (c === "'" && previous?.kind === 'symbol' && !this.#spaced) {
      this.#at++;
      previous.text += "'";
    } else if (c === '.' || c === ',') {
      if (c === ',' && this.#source.slice(this.#at + 1).trim() !== '') {
        this.#at++;
        this.#push('sign', c);
        return true;
      }
      // A full stop or a comma may end the sentence the answer stood in; elsewhere a stop means nothing here.
      if (this.#source.slice(this.#at + 1).trim() !== '') return false;
      this.#at++;
    } else if ('+-*/^_=<>()[]{};&|!%:∪∩∖∈'.includes(c)) {
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
    if (wordCommands.has(name) && this.#words(name)) return true;
    if (ignoredCommands.has(name)) {
      // "\left." and "\right." are brackets that are not drawn.
      if ((name === 'left' || name === 'right') && this.#source[end] === '.') this.#at++;
      this.#spaced ||= name.endsWith('quad');
      return true;
    }
    if (name === 'begin' || name === 'end') return this.#environment(name);
    if (decorations.has(name)) return this.#decorated(name);
    if (name === 'equiv') this.#push('sign', '=');
    else if (Object.hasOwn(commandSymbols, name)) this.#push('symbol', commandSymbols[name]!);
    else if (greek.has(name)) this.#push('symbol', name);
    else if (functions.has(name)) this.#push('function', functionAliases[name] ?? name);
    else if (Object.hasOwn(commandSigns, name)) this.#push('sign', commandSigns[name]!);
    else return false;
    return true;
  }

  /** \text{…} with nothing but letters inside: its words. Anything else is read like the rest of the answer. */
  #words(name: string): boolean {
    const match = /^\s?\{([A-Za-z .,'/-]*)\}/.exec(this.#source.slice(this.#at, this.#at + 200));
    if (match === null) return false;
    this.#at += match[0].length;
    if (name !== 'text' && (match[1] === 'e' || match[1] === 'i')) {
      // Upright e and i are the constants.
      this.#push('symbol', match[1]);
      return true;
    }
    this.#spaced = true;
    for (const word of match[1]!.split(/([/,])|[ .'-]+/)) {
      if (word === '/' || (word === ',' && /[a-z]/i.test(match[1]!))) this.#push('sign', word);
      else if (word) this.#push(functions.has(word) ? 'function' : 'word', word);
    }
    this.#spaced = true;
    return true;
  }

  #environment(name: 'begin' | 'end'): boolean {
    const match = /^\{([pbB]?matrix|smallmatrix|array|cases|aligned|align\*?|gathered)\}(?:\{[lcr| ]*\})?/.exec(
      this.#source.slice(this.#at, this.#at + 80),
    );
    if (match === null) return false;
    this.#at += match[0].length;
    const isMatrix = match[1]!.endsWith('matrix') || match[1] === 'array';
    this.#inLines = name === 'begin' && !isMatrix;
    this.#push('sign', name === 'end' ? 'end' : isMatrix ? 'begin' : 'lines');
    return true;
  }

  /** \mathbb{R}, \overline{AB}, \hat{x}: a letter or a few with something over them are one name. */
  #decorated(name: string): boolean {
    const match = /^\s*(?:\{([A-Za-z]{1,4})\}|([A-Za-z]))/.exec(this.#source.slice(this.#at, this.#at + 16));
    if (match === null) return false;
    this.#at += match[0].length;
    const letters = match[1] ?? match[2]!;
    this.#push('symbol', name === 'mathbb' && letters === 'R' ? 'reals' : `${name}:${letters}`);
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
    if (text.length >= 1 && text.length <= 3 && text[0] !== '0') {
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
    const match = /^(,|\{\s?,\s?\}|\s\{\s?,\s?\}|,\\! ?|\\[, ]| )(\d{3})(?!\d)/.exec(
      this.#source.slice(from, from + 10),
    );
    if (match === null || ((match[1] === ',' || match[1] === ' ') && this.#openBrackets > 0)) return null;
    return { digits: match[2]!, end: from + match[0].length };
  }

  #letters(): void {
    let end = this.#at + 1;
    while (isLetter(this.#source[end])) end++;
    const run = this.#source.slice(this.#at, end);
    const lower = run.toLowerCase();
    this.#at = end;
    const name = plainAliases[lower] ?? lower;
    if (functions.has(name) || Object.hasOwn(functionAliases, name)) {
      this.#push('function', functionAliases[name] ?? name);
    } else if (Object.hasOwn(plainNames, name)) this.#push(plainNames[name]!, name);
    else if (this.#isSetSign(run)) this.#push('sign', run === 'U' ? '∪' : '∈');
    else if (run === 'x' && this.#isBetweenNumbers()) this.#push('sign', '*');
    else if (run.length > 3 || isNumberWord(run) || this.#isTrailingUnit(run)) this.#push('word', run);
    else for (const letter of run) this.#push('symbol', letter);
  }

  /** The letter U between two sets, and the word "in" before one. */
  #isSetSign(run: string): boolean {
    const previous = this.#tokens.at(-1);
    const beforeSet = /^\s*(?:[([{]|\\\{|\\left)/.test(this.#source.slice(this.#at, this.#at + 8));
    if (run === 'U') return beforeSet && [')', ']', '}', '\\}'].includes(previous?.text ?? '');
    return run === 'in' && beforeSet && previous?.kind === 'symbol';
  }

  /** "3 x 10": between two numbers and spaces an x is a sign. */
  #isBetweenNumbers(): boolean {
    return (
      this.#spaced && this.#tokens.at(-1)?.kind === 'number' && /^ \d/.test(this.#source.slice(this.#at, this.#at + 2))
    );
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
