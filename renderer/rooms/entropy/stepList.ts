/**
 * The responses of a step as a list of problems with their samples.
 *
 * Owns: grouping, and the order in which keys walk through it.
 */
import { type ResponseOf, verdictNames } from '#core/contract/contract.ts';
import type { VerdictName } from '#core/contract/contract.ts';

export interface SampleEntry {
  rolloutId: number;
  sample: number;
  verdict: VerdictName;
  lengthTokens: number;
  /** Null where it was not counted. */
  highEntropyCount: number | null;
}

export interface ProblemEntry {
  problemId: number;
  samples: SampleEntry[];
  correct: number;
}

/** In the order of the columns, which is by problem and sample. */
export function problemEntries(columns: ResponseOf<'rollouts.columns'>): ProblemEntry[] {
  const entries = new Map<number, ProblemEntry>();
  columns.rolloutId.forEach((rolloutId, i) => {
    const problemId = columns.problemId[i]!;
    let entry = entries.get(problemId);
    if (entry === undefined) entries.set(problemId, (entry = { problemId, samples: [], correct: 0 }));
    const verdict = verdictNames[columns.verdict[i]!]!;
    const count = columns.highEntropyCount[i]!;
    entry.samples.push({
      rolloutId,
      sample: columns.sample[i]!,
      verdict,
      lengthTokens: columns.lengthTokens[i]!,
      highEntropyCount: count < 0 ? null : count,
    });
    if (verdict === 'correct') entry.correct++;
  });
  return [...entries.values()];
}

/** The first sample of the problem `by` places further on; null at the ends. */
export function neighbouringProblem(entries: readonly ProblemEntry[], rolloutId: number, by: 1 | -1): number | null {
  const at = entries.findIndex(({ samples }) => samples.some((sample) => sample.rolloutId === rolloutId));
  return entries[at + by]?.samples[0]?.rolloutId ?? null;
}

/** The sample of the same problem `by` places further on; null at the ends. */
export function neighbouringSample(entries: readonly ProblemEntry[], rolloutId: number, by: 1 | -1): number | null {
  for (const { samples } of entries) {
    const at = samples.findIndex((sample) => sample.rolloutId === rolloutId);
    if (at >= 0) return samples[at + by]?.rolloutId ?? null;
  }
  return null;
}
