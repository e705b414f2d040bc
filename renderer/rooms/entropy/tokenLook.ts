/**
 * What is needed to draw some tokens, whatever they belong to: a stored trace or a branch.
 */
import type { Swatch } from './tokenPalette.ts';

/** Columns are over the tokens. */
export interface TokenLook {
  pieces: readonly string[];
  /** Index into the palette, or NO_LEVEL. */
  levels: Uint8Array;
  palette: readonly Swatch[];
  /** 1 inside a window above the threshold. */
  inWindow: Uint8Array;
  /** Index into triggerStates. */
  triggers: Uint8Array;
}

/** The tokens in a selection of text, cut to the characters selected. Both ends are [token, offset]. */
export function selectedText(
  pieces: readonly string[],
  [first, firstOffset]: readonly [number, number],
  [last, lastOffset]: readonly [number, number],
): string {
  if (first === last) return pieces[first]!.slice(firstOffset, lastOffset);
  const middle = pieces.slice(first + 1, last).join('');
  return pieces[first]!.slice(firstOffset) + middle + pieces[last]!.slice(0, lastOffset);
}
