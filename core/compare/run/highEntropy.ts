/**
 * N_HE of evaluation samples, counted for every arm with one yardstick.
 *
 * Owns: the threshold of an evaluation. Training moves its threshold with the policy; here it is
 * measured once, on the base model's answers, so that counts of different arms can be compared.
 */
import { countHighEntropy } from '#core/ares/counts.ts';
import type { AresOptions } from '#core/ares/options.ts';
import { type ResponseEntropies, measureThreshold } from '#core/ares/thresholds.ts';
import { loadVocabulary } from '#core/ares/triggerFiles.ts';
import { triggerFlags, triggerTable } from '#core/ares/triggers.ts';
import { windowMeans } from '#core/ares/windows.ts';
import type { ModelFolder } from '#core/model/modelFolder.ts';
import type { TokenColumns } from '#core/store/rollouts.ts';
import { type RunRecord, finishedStage, stageColumns } from './record.ts';

export interface Yardstick {
  /** What a position must reach, the recipe's `threshold.scale` included. */
  thresholdNats: number;
  /** [vocabulary] 1 where a token is a trigger word. */
  triggers: Uint8Array;
  method: Pick<AresOptions, 'count' | 'entropy'>;
}

/**
 * The recipe's threshold rule on the base model's evaluation samples; null where they are not stored or
 * too short for a window.
 */
export function measureYardstick(record: RunRecord, base: ModelFolder): Yardstick | null {
  const stage = finishedStage(record, { kind: 'evaluate', arm: 'base' });
  if (stage === undefined) return null;
  const { method } = record.recipe.policy;
  const responses = Array.from(stageColumns(record, stage).rolloutId).flatMap((rolloutId): ResponseEntropies[] => {
    const tokens = record.store.rollouts.tokens(rolloutId);
    return tokens === undefined ? [] : [entropiesOf(tokens, method)];
  });
  const thresholdNats = measureThreshold(method.threshold, responses) * method.threshold.scale;
  if (Number.isNaN(thresholdNats)) return null;
  const vocabulary = loadVocabulary(method.count.vocabulary);
  const triggers = triggerTable(vocabulary, base.config.vocabSize, (id) => base.tokenizer.decodeToken(id));
  return { thresholdNats, triggers, method };
}

/**
 * Positions counted in N_HE. Definition C with `word: 'argmax'` is counted by the sampled word: the most
 * likely one is not stored.
 */
export function highEntropyPositions({ thresholdNats, triggers, method }: Yardstick, tokens: TokenColumns): Int32Array {
  const flags = triggerFlags(tokens.ids, triggers);
  return countHighEntropy(method.count.definition, entropiesOf(tokens, method), flags, thresholdNats).positions;
}

function entropiesOf({ entropiesNats }: TokenColumns, { entropy }: Yardstick['method']): ResponseEntropies {
  return { entropiesNats, windowMeansNats: windowMeans(entropiesNats, entropy.window) };
}
