/**
 * Numbers written as words: "two", "twenty-one", "three hundred and five".
 *
 * Owns: finding them among the tokens of an answer and putting numbers in their place. Scales from a
 * thousand on stay words, because they also follow digits (see `scales` in units.ts).
 */
import type { Token } from './tokens.ts';

const small = new Map<string, number>(
  (
    'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
    'eighteen nineteen'
  )
    .split(' ')
    .map((word, value) => [word, value]),
);
const tens = new Map<string, number>(
  'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ').map((word, i) => [word, 10 * (i + 2)]),
);

/** Whether a word names a number below a hundred. */
export function isNumberWord(word: string): boolean {
  const lower = word.toLowerCase();
  return small.has(lower) || tens.has(lower);
}

/** The tokens with every run of number words replaced by one number. */
export function wordsToNumbers(tokens: Token[]): Token[] {
  if (!tokens.some((token) => token.kind === 'word' && isNumberWord(token.text))) return tokens;
  const out: Token[] = [];
  for (let at = 0; at < tokens.length;) {
    const run = readNumber(tokens, at);
    if (run === null) out.push(tokens[at++]!);
    else {
      out.push({ kind: 'number', text: String(run.value), repeating: '', spaced: tokens[at]!.spaced });
      at = run.end;
    }
  }
  return out;
}

interface Run {
  value: number;
  /** Index of the token after the run. */
  end: number;
}

function wordAt(tokens: readonly Token[], at: number): string {
  const token = tokens[at];
  return token?.kind === 'word' ? token.text.toLowerCase() : '';
}

/** A number below a hundred at `at`. */
function readBelowHundred(tokens: readonly Token[], at: number): Run | null {
  const word = wordAt(tokens, at);
  const ten = tens.get(word);
  if (ten === undefined) {
    const value = small.get(word);
    return value === undefined ? null : { value, end: at + 1 };
  }
  const next = tokens[at + 1];
  const end = next?.kind === 'sign' && next.text === '-' ? at + 2 : at + 1;
  const unit = small.get(wordAt(tokens, end)) ?? 0;
  return unit >= 1 && unit <= 9 ? { value: ten + unit, end: end + 1 } : { value: ten, end: at + 1 };
}

/** A number below a thousand at `at`. */
function readNumber(tokens: readonly Token[], at: number): Run | null {
  const first = readBelowHundred(tokens, at);
  if (first === null || first.value < 1 || first.value > 9 || wordAt(tokens, first.end) !== 'hundred') return first;
  const after = wordAt(tokens, first.end + 1) === 'and' ? first.end + 2 : first.end + 1;
  const rest = readBelowHundred(tokens, after);
  return rest === null
    ? { value: first.value * 100, end: first.end + 1 }
    : { value: first.value * 100 + rest.value, end: rest.end };
}
