/**
 * Calls about many responses at once: words, counts against length, the sweep of windows and percentiles.
 *
 * Owns: collecting token columns of a step; the formulas are ares/analysis.ts.
 */
import { type TriggeredEntropies, type WordTokens, windowSweep, wordTable } from '#core/ares/analysis.ts';
import { triggerFlags } from '#core/ares/triggers.ts';
import type { Handlers } from '#core/contract/contract.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { type ResponseReader, responseReader } from '#core/host/responseReader.ts';
import { stageResponses } from '#core/host/stageResponses.ts';
import type { StepKey, TokenColumns } from '#core/store/rollouts.ts';

/** More words than anybody reads; the most frequent windows come first. */
const MAX_WORDS = 5000;

export function entropyHandlers(
  host: HostContext,
): Pick<Handlers, 'entropy.words' | 'entropy.responses' | 'entropy.sweep'> {
  const readerOf = (runId: number) => responseReader(host.project().store, runId);
  return {
    'entropy.words': ({ thresholdNats: given, ...key }) => {
      const reader = readerOf(key.runId);
      const stored = tokensOfStep(reader, key);
      // Only under rule T2 do thresholds differ between the problems of a step.
      const own = new Map<number, number>();
      const thetaOf = (problemId: number): number => {
        if (given !== null) return given;
        let nats = own.get(problemId);
        if (nats === undefined) own.set(problemId, (nats = reader.threshold(key, problemId)?.nats ?? NaN));
        return nats;
      };
      const responses = stored.map(({ problemId, tokens }): WordTokens => ({
        texts: Array.from(tokens.ids, reader.word),
        ...reader.entropies(tokens),
        thetaNats: thetaOf(problemId),
      }));
      const words = wordTable(responses, reader.words).slice(0, MAX_WORDS);
      const [first] = responses;
      return {
        words: words.map(({ word, occurrences, meanEntropyNats, isTrigger, valid, invalid }) => ({
          word,
          count: occurrences,
          meanEntropyNats,
          isTrigger,
          valid,
          invalid,
        })),
        thresholdNats: first === undefined || Number.isNaN(first.thetaNats) ? null : first.thetaNats,
      };
    },
    'entropy.responses': ({ runId, stage, step }) => stageResponses(readerOf(runId), stage, step),
    'entropy.sweep': ({ windowSizes, percentiles, ...key }) => {
      const reader = readerOf(key.runId);
      const responses = tokensOfStep(reader, key).map(({ tokens }): TriggeredEntropies => ({
        entropiesNats: tokens.entropiesNats,
        triggers: triggerFlags(tokens.ids, reader.triggers),
      }));
      const { alignment } = reader.record.recipe.policy.method.entropy.window;
      return windowSweep(responses, windowSizes, percentiles, alignment);
    },
  };
}

/** Token columns of a step's responses; those stored without tokens are left out. */
function tokensOfStep(
  { record: { store } }: ResponseReader,
  key: StepKey,
): { problemId: number; tokens: TokenColumns }[] {
  const { rolloutId, problemId } = store.rollouts.columns(key);
  return Array.from(rolloutId.keys()).flatMap((i) => {
    const tokens = store.rollouts.tokens(rolloutId[i]!);
    return tokens === undefined ? [] : [{ problemId: problemId[i]!, tokens }];
  });
}
