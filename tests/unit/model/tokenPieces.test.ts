// Pieces of a text by token, characters that are spelled in several tokens included.
import { expect, it } from 'vitest';
import { createTokenDecoder } from '#core/model/tokenDecoder.ts';
import { tokenPieces } from '#core/model/tokenPieces.ts';

/** A byte-level vocabulary in which token n is byte n. */
const decoder = createTokenDecoder({ type: 'ByteLevel' }, 'test');
const alphabet = Array.from({ length: 256 }, (_, byte) => {
  const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  return { byte, printable };
});
let next = 0x100;
const tokenOf = alphabet.map(({ byte, printable }) => String.fromCharCode(printable ? byte : next++));
const tokenizer = { decode: (ids: ArrayLike<number>) => decoder.join(Array.from(ids, (id) => tokenOf[id]!)) };
const word = (id: number): string => decoder.single(tokenOf[id]!);
const piecesOf = (bytes: Uint8Array): string[] => tokenPieces(tokenizer, Int32Array.from(bytes), word);

it('gives a character to the token that completes it', () => {
  expect(piecesOf(new TextEncoder().encode('aé思🙂b'))).toEqual(['a', '', 'é', '', '', '思', '', '', '', '🙂', 'b']);
});

it('leaves bytes that never become a character visible, and what follows them intact', () => {
  const pieces = piecesOf(Uint8Array.of(0xf0, 0x9f, ...new TextEncoder().encode('aé')));
  expect(pieces).toEqual(['\ufffd', '\ufffd', 'a', '', 'é']);
});
