/**
 * What a curation did, per pass rate: lengths in the pool, lengths chosen, target.
 *
 * Owns: the summary behind the curation chart. The selection is ares/adacs.ts.
 */
import { type Curation, type Trace, targetLength } from '#core/ares/adacs.ts';
import { passRateBracket } from '#core/ares/difficulty.ts';
import { mean, quantile } from '#core/util/statistics.ts';
import type { CurationPoint, LengthSpread } from './charts/difficultyCharts.ts';

/**
 * One point per bracket. The pool are the traces that could have been chosen (correct ones); the target
 * is averaged over the usable sources, each weighing as many traces as it has in the bracket.
 * @param brackets number of brackets of the selection (`AdacsOptions.brackets`)
 */
export function curationPoints(traces: readonly Trace[], curation: Curation, brackets: number): CurationPoint[] {
  const sources = new Map(curation.sources.map((lengths) => [lengths.source, lengths]));
  const bracketOf = (trace: Trace): number => passRateBracket(trace.problemCorrect, trace.problemSamples, brackets);
  return Array.from({ length: brackets + 1 }, (_, bracket) => {
    const pool = traces.filter((trace) => trace.correct && bracketOf(trace) === bracket);
    const chosen = curation.chosen.filter((entry) => entry.bracket === bracket);
    const passRate = bracket / brackets;
    const targets = pool.flatMap(({ source }) => {
      const lengths = sources.get(source);
      return lengths === undefined ? [] : [targetLength(lengths, passRate)];
    });
    return {
      passRate,
      pool: spreadOf(pool),
      chosen: spreadOf(chosen.map(({ index }) => traces[index]!)),
      targetTokens: targets.length === 0 ? null : mean(targets),
    };
  });
}

function spreadOf(traces: readonly Trace[]): LengthSpread | null {
  if (traces.length === 0) return null;
  const lengths = traces.map((trace) => trace.lengthTokens);
  return {
    traces: traces.length,
    medianTokens: quantile(lengths, 0.5),
    lowTokens: quantile(lengths, 0.25),
    highTokens: quantile(lengths, 0.75),
  };
}
