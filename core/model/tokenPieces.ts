/**
 * What each token of a sequence adds to its text.
 *
 * Owns: characters that are spelled in several tokens. The token that completes one carries it and those
 * before it add nothing, so that the pieces in a row read like the text; bytes that never become a
 * character stay U+FFFD.
 */
import type { Tokenizer } from './tokenizer.ts';

const REPLACEMENT = '\ufffd';
/** A character has at most four bytes, each of which may be a token; tokens may hold ends of two of them. */
const MAX_TOKENS_PER_CHARACTER = 6;

/**
 * @param word text of one token, as Tokenizer.decodeToken gives it
 * @returns one piece per id
 */
export function tokenPieces(
  tokenizer: Pick<Tokenizer, 'decode'>,
  ids: Int32Array,
  word: (id: number) => string,
): string[] {
  const pieces = Array.from(ids, word);
  for (let start = 0; start < pieces.length; start++) {
    if (!pieces[start]!.includes(REPLACEMENT)) continue;
    for (let end = start + 2; end <= Math.min(pieces.length, start + MAX_TOKENS_PER_CHARACTER); end++) {
      const text = tokenizer.decode(ids.subarray(start, end));
      if (text.includes(REPLACEMENT)) continue;
      pieces.fill('', start, end);
      pieces[end - 1] = text;
      start = end - 1;
      break;
    }
  }
  return pieces;
}
