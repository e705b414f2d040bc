/**
 * Token ids back to text, byte for byte as the reference tokenizers do it.
 *
 * Owns: the two decoders that Qwen and Llama tokenizers use, byte-level (Qwen, Llama 3) and
 * sentencepiece-like with byte fallback (Llama 2), including what happens to bytes that are no valid
 * UTF-8, which a policy in training does produce. Other decoders are refused. Encoding is
 * tokenizer.ts.
 */
import { AresError } from '#core/util/errors.ts';
import { isObject, shorten } from './json.ts';

/** What one token contributes to the text: text, or a byte of a character spelled in several tokens. */
type Piece = Uint8Array | string;

export interface TokenDecoder {
  /** Text of a sequence of tokens. */
  join(tokens: readonly string[]): string;
  /** Text of one token in the middle of a sequence; U+FFFD where it is only a part of a character. */
  single(token: string): string;
}

const REPLACEMENT = '\ufffd';

/**
 * @param json the `decoder` section of tokenizer.json
 * @throws AresError 'unsupported' for any other decoder
 */
export function createTokenDecoder(json: unknown, where: string): TokenDecoder {
  if (isObject(json) && json['type'] === 'ByteLevel') return byteLevelDecoder();
  if (isObject(json) && isSentencePieceDecoder(json['decoders'])) return sentencePieceDecoder();
  throw new AresError('unsupported', `The tokenizer has a decoder that is not supported: ${shorten(json)}.`, {
    where,
    hint: 'Use a model with a byte-level tokenizer (Qwen, Llama 3) or a Llama 2 tokenizer.',
  });
}

function byteLevelDecoder(): TokenDecoder {
  return {
    join: (tokens) => decodeLossy(tokens.map(byteLevelBytes)),
    single: (token) => decodeLossy([byteLevelBytes(token)]),
  };
}

/** Bytes of a byte-level token; a token with a character outside of the alphabet stands for itself. */
function byteLevelBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = byteOfCharacter.get(token[i]!);
    if (byte === undefined) return new TextEncoder().encode(token);
    bytes[i] = byte;
  }
  return bytes;
}

/**
 * The byte-level alphabet of GPT-2: printable Latin-1 characters stand for themselves, the other
 * bytes for U+0100, U+0101, … in order.
 */
const byteOfCharacter: ReadonlyMap<string, number> = byteLevelAlphabet();

function byteLevelAlphabet(): Map<string, number> {
  const alphabet = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    alphabet.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return alphabet;
}

/** Exactly the list that Llama tokenizers carry: ▁ → space, <0xNN> → byte, one leading space removed. */
const sentencePieceSteps = [
  { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
  { type: 'ByteFallback' },
  { type: 'Fuse' },
  { type: 'Strip', content: ' ', start: 1, stop: 0 },
];

function isSentencePieceDecoder(decoders: unknown): boolean {
  return (
    Array.isArray(decoders) &&
    decoders.length === sentencePieceSteps.length &&
    sentencePieceSteps.every((step, i) =>
      Object.entries(step).every(([key, value]) => {
        const decoder: unknown = decoders[i];
        return isObject(decoder) && JSON.stringify(decoder[key]) === JSON.stringify(value);
      }),
    )
  );
}

function sentencePieceDecoder(): TokenDecoder {
  return {
    join: (tokens) => joinPieces(tokens.map(sentencePiece)).replace(/^ /, ''),
    single: (token) => joinPieces([sentencePiece(token)]),
  };
}

function sentencePiece(token: string): Piece {
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
  return byte === undefined ? token.replaceAll('▁', ' ') : Uint8Array.of(Number.parseInt(byte, 16));
}

/** Joins text and runs of bytes. A run that is no valid UTF-8 becomes one U+FFFD for each byte. */
function joinPieces(pieces: readonly Piece[]): string {
  let text = '';
  let run: number[] = [];
  const endRun = (): void => {
    text += decodeStrict(run) ?? REPLACEMENT.repeat(run.length);
    run = [];
  };
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      endRun();
      text += piece;
    } else {
      run.push(...piece);
    }
  }
  endRun();
  return text;
}

function decodeStrict(bytes: readonly number[]): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return null;
  }
}

function decodeLossy(parts: readonly Uint8Array[]): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
}
