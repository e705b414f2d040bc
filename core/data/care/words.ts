/**
 * The text of a problem as words, numbers and signs, for finding the same problem in other clothes.
 *
 * Owns: what is one word, what is left out (case, spaces, punctuation, LaTeX that only sets type), which spellings
 * are one (\dfrac and \frac, × and \cdot, 1,000 and 1000), and the figures of a problem: its numbers, operators and
 * the brackets around them, in order. It changes no text: every word knows its place in the original.
 *
 * Numbers are kept as they are. In mathematics two problems that differ in a number, an operator or a bracket are
 * two problems, however alike their sentences; `figures` lets every comparison insist on that. Number words from
 * two on count as numbers ("five apples" is "5 apples" and is not "seven apples"); "one" is mostly a pronoun and
 * stays a word. A Chinese or Japanese character is a word of its own.
 */

export interface Words {
  /** As compared. */
  words: string[];
  /** UTF-16 positions in the text, of the first character and after the last. */
  starts: number[];
  ends: number[];
  /** Numbers, operators and brackets in order, one text. */
  figures: string;
}

/** Commands that set type and mean nothing. */
const decoration = new Set(
  (
    'left right big Big bigg Bigg bigl bigr Bigl Bigr displaystyle textstyle limits nolimits quad qquad text textrm ' +
    'textbf textit mathrm mathbf mathit mathsf mathcal boldsymbol operatorname hspace vspace noindent item hfill begin end'
  ).split(' '),
);

/** Commands that are one sign. */
const commandSigns: Readonly<Record<string, string>> = {
  dfrac: 'frac',
  tfrac: 'frac',
  cdot: '*',
  times: '*',
  ast: '*',
  div: '/',
  le: '≤',
  leq: '≤',
  leqslant: '≤',
  ge: '≥',
  geq: '≥',
  geqslant: '≥',
  lt: '<',
  gt: '>',
  ne: '≠',
  neq: '≠',
  pm: '±',
  minus: '-',
};

const signs: Readonly<Record<string, string>> = {
  '×': '*',
  '·': '*',
  '⋅': '*',
  '∗': '*',
  '÷': '/',
  '−': '-',
  '–': '-',
  '²': '^2',
  '³': '^3',
  '√': 'sqrt',
  π: 'pi',
};

const numberWords: Readonly<Record<string, string>> = Object.fromEntries(
  (
    'two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen ' +
    'nineteen twenty'
  )
    .split(' ')
    .map((word, i) => [word, String(i + 2)]),
);

/** In order: a command or an escaped character, a power, a number, an ideograph, a word, a sign. */
const pattern =
  /\\(?:[A-Za-z]+|.)|\^\s?\{?\s?(-?\d+)\s?\}?|\d{1,3}(?:(?:,|\{,\})\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|\p{L}[\p{L}\p{M}]*(?:['’]\p{L}+)*|[-+*/=<>≤≥≠±^%!|×·⋅∗÷−–²³√()[\]{}:]/gsu;

const opening = new Set(['(', '[', '{']);
const closing = new Set([')', ']', '}']);
/** Signs that are also punctuation: they count between or beside what is mathematics. */
const ambiguous = new Set(['-', '/', '!', ':', '|', '(', ')', '[', ']']);

interface Token {
  text: string;
  start: number;
  end: number;
  kind: 'word' | 'number' | 'sign';
}

/** Words that may stand in a formula: a variable, or a command. */
function isSymbol({ text, kind }: Token): boolean {
  return kind === 'word' && text.length === 1;
}

/** @param text plain text, LaTeX among it */
export function readWords(text: string): Words {
  const tokens = withoutSingleBraces(tokensOf(text));
  const result: Words = { words: [], starts: [], ends: [], figures: '' };
  let figures = '';
  tokens.forEach((token, i) => {
    if (ambiguous.has(token.text) && !isMathematical(tokens, i)) return;
    if (token.kind !== 'word') figures += `${token.text} `;
    // Brackets are punctuation of formulas: they tell problems apart, but make no words.
    if (opening.has(token.text) || closing.has(token.text)) return;
    result.words.push(token.text);
    result.starts.push(token.start);
    result.ends.push(token.end);
  });
  result.figures = figures;
  return result;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(pattern)) {
    const token = tokenOf(match[0], match[1], match.index);
    if (token !== null) tokens.push(token);
  }
  return tokens;
}

function tokenOf(raw: string, power: string | undefined, start: number): Token | null {
  const end = start + raw.length;
  const sign = (text: string): Token => ({ text, start, end, kind: 'sign' });
  if (power !== undefined) return { text: `^${power}`, start, end, kind: 'number' };
  const first = raw[0]!;
  if (first === '\\') {
    const name = raw.slice(1);
    if (name === '%' || name === '{' || name === '}') return sign(name === '%' ? '%' : name === '{' ? '(' : ')');
    if (!/^[A-Za-z]/.test(name) || decoration.has(name)) return null;
    const known = commandSigns[name];
    if (known !== undefined && known !== 'frac') return sign(known);
    // A fraction or a root is an operator: \frac{1}{2} and \sqrt{12} are not the same figures.
    return known === 'frac' || name === 'frac' || name === 'sqrt'
      ? sign(known ?? name)
      : { text: name, start, end, kind: 'word' };
  }
  if (first >= '0' && first <= '9') return { text: raw.replaceAll(/[,{}]/g, ''), start, end, kind: 'number' };
  const known = signs[first];
  if (known === 'pi') return { text: known, start, end, kind: 'word' };
  if (known !== undefined) return known.startsWith('^') ? { text: known, start, end, kind: 'number' } : sign(known);
  if (!/\p{L}/u.test(first)) return sign(raw);
  const word = raw.normalize('NFC').toLowerCase().replaceAll('’', "'");
  const number = numberWords[word];
  return number === undefined ? { text: word, start, end, kind: 'word' } : { text: number, start, end, kind: 'number' };
}

/** Braces around a single token group nothing: x^{2}, \frac{1}{2}. Those around more are kept. */
function withoutSingleBraces(tokens: Token[]): Token[] {
  const kept: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i]!.text === '{' && tokens[i + 2]?.text === '}') {
      kept.push(tokens[i + 1]!);
      i += 2;
    } else kept.push(tokens[i]!);
  }
  return kept;
}

/** Whether a sign that may be punctuation stands in a formula. */
function isMathematical(tokens: readonly Token[], i: number): boolean {
  const token = tokens[i]!;
  const [before, after] = [tokens[i - 1], tokens[i + 1]];
  const joins = (other: Token | undefined) =>
    other !== undefined && (other.kind !== 'word' || isSymbol(other)) && other.text !== '!';
  if (token.text === '!') {
    const isProse = before !== undefined && ambiguous.has(before.text) && !isMathematical(tokens, i - 1);
    return joins(before) && !isProse && before!.end === token.start;
  }
  if (opening.has(token.text)) return joins(after) && after!.text !== ':';
  if (closing.has(token.text)) return joins(before) && before!.text !== ':';
  if (token.text === '|') return joins(before) || joins(after);
  if (token.text === '-') return joins(after) && (joins(before) || after!.start === token.end);
  return joins(before) && joins(after);
}
