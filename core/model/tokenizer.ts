/**
 * Text to token ids and back, for the tokenizer of a model folder.
 *
 * Owns: loading, encoding, and the special tokens. What is accepted is decided in tokenizerFile.ts,
 * decoding is in tokenDecoder.ts. It knows nothing of chats: templates are chatTemplate.ts.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { AresError } from '#core/util/errors.ts';
import { readJsonObject, type JsonObject } from './json.ts';
import { createTokenDecoder } from './tokenDecoder.ts';
import { checkTokenizerFile } from './tokenizerFile.ts';

export interface EncodeOptions {
  /**
   * Add what the tokenizer puts around a plain text, such as a beginning-of-text token. Default
   * false, unlike transformers: rendered chats and responses already contain their special tokens.
   */
  addSpecialTokens?: boolean;
}

export interface DecodeOptions {
  /** Leave special tokens out; default false. */
  skipSpecial?: boolean;
}

export interface Tokenizer {
  /** One more than the highest id; at most the vocabSize of the model, which may be padded. */
  vocabSize: number;
  specialIds: ReadonlySet<number>;
  encode(text: string, options?: EncodeOptions): Int32Array;
  /** Ids without a token (padding of the model's vocabulary) give no text, as in the reference. */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  /** Text of one token inside a sequence; U+FFFD where it is a part of a character, '' for unknown ids. */
  decodeToken(id: number): string;
}

/**
 * Loads tokenizer.json of a model folder.
 * @throws AresError 'not-found', 'bad-file' or 'unsupported'
 */
export function loadTokenizer(folder: string): Tokenizer {
  const path = join(folder, 'tokenizer.json');
  if (!existsSync(path)) throw noTokenizer(folder);
  return createTokenizer(readJsonObject(path), path);
}

/**
 * @param json the parsed tokenizer.json
 * @param where the file, for errors
 */
export function createTokenizer(json: JsonObject, where: string): Tokenizer {
  const { json: file, tokenOfId, specialIds } = checkTokenizerFile(json, where);
  const decoder = createTokenDecoder(file['decoder'], where);
  const library = buildLibraryTokenizer(file, where);
  return {
    vocabSize: 1 + [...tokenOfId.keys()].reduce((highest, id) => Math.max(highest, id), -1),
    specialIds,
    encode: (text, options = {}) => encode(library, text, options.addSpecialTokens ?? false, where),
    decode: (ids, options = {}) => {
      const kept = Array.from(ids).filter((id) => !(options.skipSpecial && specialIds.has(id)));
      return decoder.join(kept.flatMap((id) => tokenOfId.get(id) ?? []));
    },
    decodeToken: (id) => {
      const token = tokenOfId.get(id);
      return token === undefined ? '' : decoder.single(token);
    },
  };
}

function buildLibraryTokenizer(file: JsonObject, where: string): LibraryTokenizer {
  try {
    return new LibraryTokenizer(file, {});
  } catch (error) {
    throw unusable(where, String(error), error);
  }
}

function encode(library: LibraryTokenizer, text: string, addSpecialTokens: boolean, where: string): Int32Array {
  let ids: (number | undefined)[];
  try {
    ({ ids } = library.encode(text, { add_special_tokens: addSpecialTokens }));
  } catch (error) {
    throw unusable(where, String(error), error);
  }
  // A template can name a token that is in no vocabulary; its id is then undefined.
  if (ids.includes(undefined)) throw unusable(where, 'it adds a token that is not in its vocabulary');
  return Int32Array.from(ids as number[]);
}

function unusable(where: string, reason: string, cause?: unknown): AresError {
  return new AresError('bad-file', `The tokenizer cannot be used: ${reason}.`, {
    where,
    hint: 'Download or copy tokenizer.json again.',
    cause,
  });
}

function noTokenizer(folder: string): AresError {
  const older = ['tokenizer.model', 'vocab.json'].find((name) => existsSync(join(folder, name)));
  if (older !== undefined) {
    return new AresError('unsupported', `This folder has its tokenizer as ${older} only, without tokenizer.json.`, {
      where: folder,
      hint: 'Load and save the tokenizer once with transformers (AutoTokenizer) to write tokenizer.json.',
    });
  }
  return new AresError('not-found', 'There is no tokenizer.json in this folder.', {
    where: folder,
    hint: 'Download the tokenizer of the model into the same folder.',
  });
}
