/**
 * Trigger words: the vocabulary V_sem that marks reasoning (METHOD §1.3).
 *
 * Owns: the normal form of a token's text, exact membership, and tables from token ids to
 * membership. Reading vocabularies from disk is triggerFiles.ts.
 */
import { AresError } from '#core/util/errors.ts';

export interface TriggerVocabulary {
  words: ReadonlySet<string>;
  /** Words by family where the file groups them; a plain list is one family named 'all'. */
  families: Readonly<Record<string, readonly string[]>>;
}

/**
 * Normal form of one decoded token: leading ▁ and Ġ stripped, trimmed, lower case
 * [C vllm_rollout_spmd.py:94-100]. Punctuation stays, so "But," is not "but".
 */
export function normaliseToken(text: string): string {
  return text
    .replace(/^[▁Ġ]+/u, '')
    .trim()
    .toLowerCase();
}

/** A vocabulary from a list of words. Words are normalised like tokens; repetitions are dropped. */
export function vocabularyOf(words: readonly string[]): TriggerVocabulary {
  return groupedVocabulary({ all: words });
}

function groupedVocabulary(groups: Readonly<Record<string, readonly string[]>>): TriggerVocabulary {
  const families = Object.fromEntries(
    Object.entries(groups).map(([family, words]) => [family, [...new Set(words.map(normaliseToken))]]),
  );
  return { words: new Set(Object.values(families).flat()), families };
}

/**
 * Reads a vocabulary: a JSON array of words, or an object with one array of words per family.
 * @param where named in errors
 * @throws AresError 'bad-file'
 */
export function parseVocabulary(json: string, where: string): TriggerVocabulary {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw malformed(where, error);
  }
  if (isWordList(value)) return vocabularyOf(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(where);
  const families = Object.entries(value);
  if (families.length === 0) throw malformed(where);
  const groups: Record<string, string[]> = Object.create(null);
  for (const [family, words] of families) {
    if (!isWordList(words)) throw malformed(where);
    groups[family] = words;
  }
  return groupedVocabulary(groups);
}

function isWordList(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((word) => typeof word === 'string' && normaliseToken(word) !== '')
  );
}

function malformed(where: string, cause?: unknown): AresError {
  return new AresError('bad-file', 'This is not a list of trigger words.', {
    where,
    hint: 'Give a JSON array of words, or an object with one array of words per family.',
    cause,
  });
}

/**
 * Membership by token id, once per tokenizer.
 * @param decode text of a single id
 * @returns [vocabularySize] 1 where the token's normal form is a trigger word
 */
export function triggerTable(
  vocabulary: TriggerVocabulary,
  vocabularySize: number,
  decode: (id: number) => string,
): Uint8Array {
  const table = new Uint8Array(vocabularySize);
  for (let id = 0; id < vocabularySize; id++) {
    if (vocabulary.words.has(normaliseToken(decode(id)))) table[id] = 1;
  }
  return table;
}

/** Trigger flags of a column of ids; ids outside the table are no triggers. */
export function triggerFlags(ids: Int32Array, table: Uint8Array): Uint8Array {
  return Uint8Array.from(ids, (id) => table[id] ?? 0);
}
