/**
 * The words of the two notations, LaTeX and plain: which command or name means which sign.
 *
 * Owns: tables alone. How they are met in a text is tokens.ts.
 */

/** Named functions, applied to what follows. */
export const functions: ReadonlySet<string> = new Set(
  'sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log lg exp abs floor ceil gcd lcm max min'.split(' '),
);

/** Other spellings of functions. */
export const functionAliases: Readonly<Record<string, string>> = {
  asin: 'arcsin',
  acos: 'arccos',
  atan: 'arctan',
  cosec: 'csc',
  lg: 'log',
  tg: 'tan',
  ctg: 'cot',
  arctg: 'arctan',
};

export const greek: ReadonlySet<string> = new Set(
  (
    'alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau ' +
    'upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega pi ell hbar nabla aleph'
  ).split(' '),
);

/** Commands that only set type, or draw something beside the answer. */
export const ignoredCommands: ReadonlySet<string> = new Set(
  (
    'left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle quad ' +
    'qquad limits nolimits boxed fbox mathbf mathit mathsf mathcal bm boldsymbol mathrm operatorname text textbf ' +
    'textit textrm textnormal mbox hbox emph vec mathstrut rm bf it hline displaylines scriptstyle hfill ' +
    'angle triangle measuredangle nobreak allowbreak thinspace enspace medspace thickspace negthinspace'
  ).split(' '),
);

/** Commands whose argument is read as words when it consists of letters only. */
export const wordCommands: ReadonlySet<string> = new Set(
  'text textbf textit textrm textsf texttt textnormal mbox hbox emph mathrm operatorname mathsf'.split(' '),
);

/** Commands by the sign they stand for. */
export const commandSigns: Readonly<Record<string, string>> = {
  cdot: '*',
  times: '*',
  ast: '*',
  div: '/',
  pm: '±',
  mp: '∓',
  le: '<=',
  leq: '<=',
  leqslant: '<=',
  leqq: '<=',
  ge: '>=',
  geq: '>=',
  geqslant: '>=',
  geqq: '>=',
  lt: '<',
  gt: '>',
  ne: '!=',
  neq: '!=',
  in: '∈',
  approx: '≈',
  approxeq: '≈',
  simeq: '≈',
  doteq: '≈',
  cup: '∪',
  bigcup: '∪',
  cap: '∩',
  setminus: '∖',
  backslash: '∖',
  smallsetminus: '∖',
  circ: '°',
  degree: '°',
  textdegree: '°',
  lbrace: '\\{',
  rbrace: '\\}',
  lbrack: '[',
  rbrack: ']',
  lparen: '(',
  rparen: ')',
  lvert: '|',
  rvert: '|',
  vert: '|',
  mid: '|',
  colon: ':',
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
  cr: '\\\\',
  tabularnewline: '\\\\',
  percent: '%',
  pmod: 'pmod',
};

/** Commands by the symbol they stand for. */
export const commandSymbols: Readonly<Record<string, string>> = {
  infty: 'infinity',
  infin: 'infinity',
  emptyset: 'emptyset',
  varnothing: 'emptyset',
  ldots: 'dots',
  dots: 'dots',
  cdots: 'dots',
  dotsc: 'dots',
  imath: 'i',
  reals: 'reals',
};

/** One-character commands by the sign they stand for. */
export const characterCommands: Readonly<Record<string, string>> = {
  '{': '\\{',
  '}': '\\}',
  '%': '%',
  '&': '&',
  '|': '|',
  '\\': '\\\\',
};

/** Names written out in plain notation, by kind of token. */
export const plainNames: Readonly<Record<string, 'symbol' | 'sign' | 'word'>> = {
  pi: 'symbol',
  infinity: 'symbol',
  theta: 'symbol',
  alpha: 'symbol',
  beta: 'symbol',
  gamma: 'symbol',
  lambda: 'symbol',
  sqrt: 'sign',
  and: 'word',
  or: 'word',
};

/** Other spellings of plain names. */
export const plainAliases: Readonly<Record<string, string>> = { inf: 'infinity', infty: 'infinity', oo: 'infinity' };

/** Commands a doubled backslash may stand before: "\\frac" is "\frac" escaped once too often. */
const escapable = [
  ...functions,
  ...greek,
  ...ignoredCommands,
  ...wordCommands,
  ...Object.keys(commandSigns),
  ...Object.keys(commandSymbols),
  'begin',
  'end',
  'overline',
];
const escapedTwice = new RegExp(`(?<!\\\\)\\\\\\\\(?=(?:${escapable.join('|')})(?![A-Za-z]))`, 'g');

/**
 * Undoes backslashes that were escaped once too often. Left alone where a single-escaped command shows that "\\"
 * is meant as the end of a row.
 */
export function withoutDoubleEscapes(source: string): string {
  if (!source.includes('\\\\') || /(?<!\\)\\[A-Za-z]/.test(source)) return source;
  return source.replaceAll('\\\\\\\\', '\u0000').replace(escapedTwice, '\\').replaceAll('\u0000', '\\\\');
}
