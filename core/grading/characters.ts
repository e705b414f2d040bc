/**
 * The characters of an answer, before anything is understood of them.
 *
 * Owns: the table from Unicode mathematics to LaTeX or ASCII, and the form in which answers made of
 * words are compared. It knows no grammar: that begins with tokens.ts.
 */

const replacements: Readonly<Record<string, string>> = {
  '−': '-',
  '–': '-',
  '—': '-',
  '×': '*',
  '·': '*',
  '⋅': '*',
  '∗': '*',
  '÷': '/',
  '⁄': '/',
  '∕': '/',
  '≤': '<=',
  '≥': '>=',
  '⩽': '<=',
  '⩾': '>=',
  '≠': '\\ne ',
  '≈': '\\approx ',
  '≡': '=',
  '∩': '\\cap ',
  '∖': '\\setminus ',
  '∅': '\\emptyset ',
  ℝ: '\\mathbb{R}',
  '…': '...',
  '′': "'",
  '‐': '-',
  '‑': '-',
  '﹣': '-',
  '•': '*',
  '✕': '*',
  '✖': '*',
  '∶': ':',
  '、': ',',
  '。': '.',
  '±': '\\pm ',
  '∓': '\\mp ',
  '√': '\\sqrt ',
  '∞': '\\infty ',
  '∪': '\\cup ',
  '∈': '\\in ',
  π: '\\pi ',
  θ: '\\theta ',
  α: '\\alpha ',
  β: '\\beta ',
  γ: '\\gamma ',
  δ: '\\delta ',
  λ: '\\lambda ',
  μ: '\\mu ',
  φ: '\\phi ',
  ω: '\\omega ',
  '°': '\\circ ',
  º: '\\circ ',
  '¢': ' cents',
  '€': ' euro ',
  '£': ' pound ',
  '₹': ' rupee ',
  '¥': ' yen ',
  '½': '\\frac{1}{2}',
  '⅓': '\\frac{1}{3}',
  '⅔': '\\frac{2}{3}',
  '¼': '\\frac{1}{4}',
  '¾': '\\frac{3}{4}',
  '⅕': '\\frac{1}{5}',
  '⅖': '\\frac{2}{5}',
  '⅗': '\\frac{3}{5}',
  '⅘': '\\frac{4}{5}',
  '⅙': '\\frac{1}{6}',
  '⅚': '\\frac{5}{6}',
  '⅛': '\\frac{1}{8}',
  '⅜': '\\frac{3}{8}',
  '⅝': '\\frac{5}{8}',
  '⅞': '\\frac{7}{8}',
  '⌊': '\\lfloor ',
  '⌋': '\\rfloor ',
  '⌈': '\\lceil ',
  '⌉': '\\rceil ',
  '⟨': '\\langle ',
  '⟩': '\\rangle ',
  '’': "'",
  '‘': "'",
  '“': '"',
  '”': '"',
  '\u00a0': ' ',
  '\u2009': ' ',
  '\u202f': ' ',
  '\u2061': '',
  '\u2062': '*',
  '\u200b': '',
  '\ufeff': '',
};

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const subscripts = '₀₁₂₃₄₅₆₇₈₉';

/** Unicode mathematics rewritten in LaTeX or ASCII; other characters stay as they are. Linear. */
export function toLatexCharacters(raw: string): string {
  // Most answers are plain ASCII, and then there is nothing to do.
  if (/^[\x20-\x7e]*$/.test(raw)) return raw;
  let out = '';
  let script = '';
  // A dash between digits is a range ("3–5"), no minus sign: the figure dash is in no table.
  const source = raw.normalize('NFC').replace(/(?<=\d)[–—](?=\d)/g, '\u2012');
  for (const character of source) {
    const mark =
      superscripts.includes(character) || character === '⁻' ? '^' : subscripts.includes(character) ? '_' : '';
    if (script !== '' && mark !== script) out += '}';
    if (mark !== '' && mark !== script) out += `${mark}{`;
    script = mark;
    if (character === '⁻') out += '-';
    else if (mark === '^') out += superscripts.indexOf(character);
    else if (mark === '_') out += subscripts.indexOf(character);
    else out += replacements[character] ?? toAsciiWidth(character);
  }
  return script === '' ? out : `${out}}`;
}

/** Full-width forms (as typed with East Asian input methods) as their ASCII twins. */
function toAsciiWidth(character: string): string {
  const code = character.charCodeAt(0);
  return code >= 0xff01 && code <= 0xff5e ? String.fromCharCode(code - 0xfee0) : character;
}

/** LaTeX commands that only set type; their argument is the text. */
const typesetting =
  /\\(?:text(?:bf|it|rm|sf|tt|normal)?|mbox|hbox|math(?:rm|bf|it|sf|tt)|operatorname|emph|displaystyle|left|right|quad)(?![A-Za-z])/g;

/** The text without commands that only set type, without braces and math delimiters. */
export function withoutTypesetting(raw: string): string {
  return toLatexCharacters(raw)
    .replace(typesetting, ' ')
    .replace(/\\[()[\],;:! ]/g, ' ')
    .replace(/[{}$~]|\*\*/g, ' ')
    .trim();
}

/**
 * An answer in words, as it is compared: lower case, words, numbers and signs separated by one
 * space, sentence punctuation and a leading article dropped. Digits and operators are kept, so that
 * two different quantities never reduce to the same words (METHOD §7.1 B18).
 */
export function comparableWords(raw: string): string {
  const parts = withoutTypesetting(raw)
    .toLowerCase()
    .match(/\p{L}+|\d+(?:\.\d+)?|[^\s\p{L}\d.,;:!?'"`]/gu);
  if (parts === null) return '';
  if (parts.length > 1 && /^(?:the|an?)$/.test(parts[0]!)) parts.shift();
  // A hyphen within a word and the "and" of a list say nothing.
  const said = parts.filter((part, i) => !(part === 'and' && parts.length > 2) && !isHyphen(parts, i));
  return said.join(' ');
}

function isHyphen(parts: readonly string[], at: number): boolean {
  return parts[at] === '-' && /^\p{L}/u.test(parts[at - 1] ?? '') && /^\p{L}/u.test(parts[at + 1] ?? '');
}
