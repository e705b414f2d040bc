/**
 * Rewards that look at length alone: LASER's bonus and DAPO's overlong penalty (METHOD §6).
 *
 * Owns: these formulas. They are baselines: AEPO itself never rewards length.
 */
/** LASER: `bonus` for a right answer of at most `targetTokens`, else 0. */
export function shortnessBonus(correct: boolean, lengthTokens: number, targetTokens: number, bonus: number): number {
  return correct && lengthTokens <= targetTokens ? bonus : 0;
}

/**
 * LASER-D's limit for a bucket: the smallest length l with P(correct and length ≤ l)·expectedCorrect
 * ≥ 1 over the bucket's responses.
 * @returns `limitTokens` when no length suffices
 */
export function adaptiveLengthTarget(
  samples: readonly { correct: boolean; lengthTokens: number }[],
  expectedCorrect: number,
  limitTokens: number,
): number {
  const lengths = samples.filter((sample) => sample.correct).map((sample) => sample.lengthTokens);
  lengths.sort((a, b) => a - b);
  const needed = Math.max(1, Math.ceil(samples.length / expectedCorrect));
  return lengths[needed - 1] ?? limitTokens;
}

/**
 * DAPO's soft overlong punishment: 0 up to limit − buffer, then linearly down to −1 at the limit.
 * @param bufferTokens 0 switches it off
 */
export function overlongPenalty(lengthTokens: number, limitTokens: number, bufferTokens: number): number {
  if (bufferTokens <= 0) return 0;
  const excess = lengthTokens - (limitTokens - bufferTokens);
  return -Math.min(1, Math.max(0, excess / bufferTokens)) + 0;
}
