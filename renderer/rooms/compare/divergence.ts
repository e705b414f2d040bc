/**
 * Where two traces part.
 *
 * Owns: the comparison of two responses token by token as a person reads them: by text, because two models
 * may cut the same text into different tokens.
 */

export interface Divergence {
  /** Tokens of each trace that lie wholly within the text both begin with. */
  sharedTokens: [number, number];
  /** Characters both begin with. */
  sharedCharacters: number;
  /** True where the traces are the same to the end. */
  isSame: boolean;
}

/** @param first, second what each token adds to the text */
export function divergenceOf(first: readonly string[], second: readonly string[]): Divergence {
  const [a, b] = [first.join(''), second.join('')];
  const most = Math.min(a.length, b.length);
  let sharedCharacters = 0;
  while (sharedCharacters < most && a.charCodeAt(sharedCharacters) === b.charCodeAt(sharedCharacters))
    sharedCharacters++;
  return {
    sharedTokens: [tokensWithin(first, sharedCharacters), tokensWithin(second, sharedCharacters)],
    sharedCharacters,
    isSame: a === b,
  };
}

function tokensWithin(pieces: readonly string[], characters: number): number {
  let end = 0;
  for (const [index, piece] of pieces.entries()) {
    end += piece.length;
    if (end > characters) return index;
  }
  return pieces.length;
}
