/**
 * Trigger vocabularies on disk. Apart from triggers.ts, so that the rules can run in a browser.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toAresError } from '#core/util/errors.ts';
import { resourcesFolder } from '#core/util/programFolder.ts';
import { type TriggerVocabulary, parseVocabulary, vocabularyOf } from './triggers.ts';

/** The list that ships with the workbench. */
export const ownVocabularyFile = join(resourcesFolder, 'triggers', 'own.json');

/**
 * The vocabulary that `count.vocabulary` names: 'own', a path, or the words themselves.
 * @throws AresError 'not-found', 'bad-file'
 */
export function loadVocabulary(vocabulary: string | readonly string[]): TriggerVocabulary {
  if (typeof vocabulary !== 'string') return vocabularyOf(vocabulary);
  const path = vocabulary === 'own' ? ownVocabularyFile : vocabulary;
  try {
    return parseVocabulary(readFileSync(path, 'utf8'), path);
  } catch (error) {
    throw toAresError(error);
  }
}
