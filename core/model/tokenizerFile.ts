/**
 * tokenizer.json, checked before anything is built from it.
 *
 * Owns: which tokenizers are accepted. A list of what agrees with the reference implementation, not
 * of what the library happens to construct: it ignores several settings without a word, and a token
 * id that is quietly different from the one the model was trained with ruins a run.
 */
import { AresError } from '#core/util/errors.ts';
import { Fields, isObject, shorten, type JsonObject } from './json.ts';

/** Ids beyond this are no vocabulary; they are there to exhaust memory. */
const MAX_TOKEN_ID = 2 ** 24;

type Check = (component: JsonObject) => boolean;
const always: Check = () => true;

/** Accepted component types per section, each with the settings that agree with the reference. */
const accepted: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  normalizer: {
    NFC: always,
    NFD: always,
    NFKC: always,
    NFKD: always,
    Prepend: ({ prepend }) => typeof prepend === 'string',
    Replace: ({ pattern, content }) => isPattern(pattern) && typeof content === 'string',
    Sequence: always,
  },
  pre_tokenizer: {
    ByteLevel: always,
    Digits: always,
    Split: ({ pattern, behavior, invert }) =>
      isPattern(pattern) && (behavior === 'Removed' || (behavior === 'Isolated' && invert !== true)),
    // Splitting at every ▁ is the default there and not implemented here.
    Metaspace: ({ split }) => split === false,
    Sequence: always,
  },
  post_processor: {
    ByteLevel: always,
    TemplateProcessing: ({ single }) => Array.isArray(single) && single.every(isTemplateItem),
    Sequence: always,
  },
};

function isPattern(pattern: unknown): boolean {
  return isObject(pattern) && (typeof pattern['String'] === 'string' || typeof pattern['Regex'] === 'string');
}

function isTemplateItem(item: unknown): boolean {
  if (!isObject(item)) return false;
  const content = item['Sequence'] ?? item['SpecialToken'];
  return isObject(content) && typeof content['id'] === 'string';
}

/** Names under which a Sequence holds its parts. */
const partsOfSequence: Readonly<Record<string, string>> = {
  normalizer: 'normalizers',
  pre_tokenizer: 'pretokenizers',
  post_processor: 'processors',
};

export interface TokenizerFile {
  /** The document with its optional sections completed. */
  json: JsonObject;
  tokenOfId: ReadonlyMap<number, string>;
  specialIds: ReadonlySet<number>;
}

/**
 * Checks a parsed tokenizer.json.
 * @throws AresError 'bad-file' for what is missing or malformed, 'unsupported' for what would tokenize
 *   differently from the reference
 */
export function checkTokenizerFile(json: JsonObject, where: string): TokenizerFile {
  const model = readModel(json, where);
  const vocab = readVocab(model);
  const merges = readMerges(model, vocab);
  for (const section of Object.keys(accepted)) checkSection(section, json[section], where);
  const addedTokens = readAddedTokens(json['added_tokens'] ?? [], vocab, where);
  return {
    json: {
      ...json,
      model: { ...model.object, type: 'BPE', merges },
      added_tokens: addedTokens,
      normalizer: json['normalizer'] ?? null,
      pre_tokenizer: withExplicitPattern(json['pre_tokenizer'] ?? null),
      post_processor: json['post_processor'] ?? null,
      decoder: json['decoder'] ?? null,
    },
    tokenOfId: new Map([
      ...[...vocab].map(([token, id]): [number, string] => [id, token]),
      ...addedTokens.map(({ id, content }): [number, string] => [id, content]),
    ]),
    specialIds: new Set(addedTokens.filter(({ special }) => special === true).map(({ id }) => id)),
  };
}

function readModel(json: JsonObject, where: string): Fields {
  if (!isObject(json['model'])) throw new Fields(json, where).bad('model', 'an object');
  const model = new Fields(json['model'], `${where} (model)`);
  // Files written before the type was stored are recognised by their merges.
  const type = model.text('type', 'merges' in model.object ? 'BPE' : undefined);
  if (type !== 'BPE') throw unsupported(model, 'type', type);
  for (const name of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix']) {
    if (model.object[name]) throw unsupported(model, name, model.object[name]);
  }
  return model;
}

function readVocab(model: Fields): Map<string, number> {
  const { vocab } = model.object;
  if (!isObject(vocab)) throw model.bad('vocab', 'an object from token to id');
  const ids = new Map<string, number>();
  const seen = new Set<number>();
  for (const [token, id] of Object.entries(vocab)) {
    if (!isTokenId(id)) throw malformed(model.where, `The vocabulary gives ${shorten(token)} the id ${shorten(id)}.`);
    if (seen.has(id)) throw malformed(model.where, `The vocabulary gives the id ${id} to more than one token.`);
    seen.add(id);
    ids.set(token, id);
  }
  return ids;
}

/** Merges as pairs; files have them as such or as "a b". The library would mistake a list of both. */
function readMerges(model: Fields, vocab: ReadonlyMap<string, number>): [string, string][] {
  const { merges } = model.object;
  if (!Array.isArray(merges)) throw model.bad('merges', 'a list of pairs');
  return merges.map((merge: unknown, line) => {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!isPair(pair)) throw malformed(model.where, `Merge ${line} is no pair of tokens: ${shorten(merge)}.`);
    const unknown = [...pair, pair.join('')].find((token) => !vocab.has(token));
    if (unknown !== undefined) {
      throw malformed(
        model.where,
        `Merge ${line} needs the token ${shorten(unknown)}, which is not in the vocabulary.`,
      );
    }
    return pair;
  });
}

function isPair(value: unknown): value is [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string');
}

function isTokenId(id: unknown): id is number {
  return Number.isInteger(id) && (id as number) >= 0 && (id as number) < MAX_TOKEN_ID;
}

type AddedToken = JsonObject & { id: number; content: string };

function readAddedTokens(tokens: unknown, vocab: ReadonlyMap<string, number>, where: string): AddedToken[] {
  if (!Array.isArray(tokens)) throw malformed(where, 'The "added_tokens" are not a list.');
  const idsInUse = new Set(vocab.values());
  return tokens.map((token: unknown) => {
    if (!isAddedToken(token)) throw malformed(where, `An added token has no valid id and content: ${shorten(token)}.`);
    const { id, content } = token;
    if (vocab.has(content) ? vocab.get(content) !== id : idsInUse.has(id)) {
      throw malformed(where, `The added token ${shorten(content)} has the id ${id}, which the vocabulary contradicts.`);
    }
    idsInUse.add(id);
    // lstrip and rstrip agree with the reference but for U+FEFF and U+0085 right beside the token.
    if (token['single_word'] === true) throw unsupported(new Fields(token, where), 'single_word', true);
    return token;
  });
}

function isAddedToken(token: unknown): token is AddedToken {
  if (!isObject(token)) return false;
  const { id, content } = token;
  return isTokenId(id) && typeof content === 'string' && content !== '';
}

function checkSection(section: string, json: unknown, where: string): void {
  if (json === null || json === undefined) return;
  if (!isObject(json)) throw malformed(where, `The "${section}" is not an object.`);
  const component = new Fields(json, `${where} (${section})`);
  const type = component.text('type');
  const check = Object.hasOwn(accepted[section]!, type) ? accepted[section]![type] : undefined;
  if (check === undefined || !check(json)) throw unsupported(new Fields(json, where), section, json);
  if (type !== 'Sequence') return;
  const partsName = partsOfSequence[section]!;
  const parts = json[partsName];
  if (!Array.isArray(parts)) throw component.bad(partsName, 'a list');
  for (const part of parts) checkSection(section, part, where);
}

/**
 * The pattern that ByteLevel splits by unless told otherwise (GPT-2's).
 * Spelled out as a Split, because the library's built-in version takes `\s` as JavaScript does, where
 * U+FEFF is a space and U+0085 is not; patterns it is given are translated faithfully.
 */
const GPT2_PATTERN = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

function withExplicitPattern(json: unknown): unknown {
  if (!isObject(json)) return json;
  if (json['type'] === 'Sequence') {
    return { ...json, pretokenizers: (json['pretokenizers'] as unknown[]).map(withExplicitPattern) };
  }
  const splits = json['type'] === 'ByteLevel' && json['use_regex'] !== false;
  // A prefix space is added before splitting, so it has to stay one step.
  if (!splits || json['add_prefix_space'] === true) return json;
  const split = { type: 'Split', pattern: { Regex: GPT2_PATTERN }, behavior: 'Isolated', invert: false };
  return { type: 'Sequence', pretokenizers: [split, { ...json, use_regex: false }] };
}

function malformed(where: string, message: string): AresError {
  return new AresError('bad-file', message, { where, hint: 'Download or copy tokenizer.json again.' });
}

function unsupported(fields: Fields, name: string, value: unknown): AresError {
  return new AresError('unsupported', `The tokenizer has "${name}": ${shorten(value, 300)}, which is not supported.`, {
    where: fields.where,
    hint: 'Use a model with a BPE tokenizer like those of Qwen and Llama.',
  });
}
