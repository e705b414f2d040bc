/**
 * Adaptive cold start (AdaCS): which traces to fine-tune on, so that length follows difficulty
 * (METHOD §2.3).
 *
 *   L_target,s(p) = (1 − p)·L_s(0) + p·L_s(1)      p pass rate, s data source
 *
 * Owns: the target length per source, the selection of traces uniformly over pass-rate brackets, and
 * the control that ignores length. It neither samples nor grades.
 *
 * Interpretations: closeness is |length − L_target|; the number per bracket is an option or the size
 * of the smallest non-empty bracket; a bracket is filled from its sources in turn; wrong traces are
 * never selected. L_s(0) of problems never solved has no correct lengths unless more samples were
 * drawn: an empty end falls back to the nearest bracket that has some, with a warning.
 */
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { quantile } from '#core/util/statistics.ts';
import { passRateBracket } from './difficulty.ts';
import type { AdacsOptions } from './options.ts';

/** One response to a problem whose pass rate is known. */
export interface Trace {
  problem: string;
  source: string;
  lengthTokens: number;
  correct: boolean;
  /** Right answers and samples behind the problem's pass rate (not counting extra samples). */
  problemCorrect: number;
  problemSamples: number;
}

/** Target length of one source as a function of pass rate. */
export interface SourceLengths {
  source: string;
  /** L_s(0) and L_s(1), tokens. */
  hardTokens: number;
  easyTokens: number;
  /** Brackets they were taken from; 0 and `brackets` unless an end was empty. */
  hardBracket: number;
  easyBracket: number;
}

export interface ChosenTrace {
  /** Index into the traces given. */
  index: number;
  bracket: number;
  /** L_target of its source and pass rate; null in the control's selection from a skipped source. */
  targetTokens: number | null;
}

/**
 * What a source lacks of what the rule assumes. 'oneBracket' and 'notLonger' leave it out; 'standIn' takes the nearest
 * bracket for an end that is empty. 'tooFew' is of a bracket, over all sources.
 */
export const curationWarningKinds = ['oneBracket', 'notLonger', 'standIn', 'tooFew'] as const;
export type CurationWarningKind = (typeof curationWarningKinds)[number];

export interface CurationWarning {
  kind: CurationWarningKind;
  /** Null where it is of no one source. */
  source: string | null;
  /** A whole sentence. */
  text: string;
}

export interface Curation {
  chosen: ChosenTrace[];
  /** Usable sources, in order of first appearance. */
  sources: SourceLengths[];
  /** [brackets + 1] traces that could have been chosen, and those that were. */
  availablePerBracket: number[];
  chosenPerBracket: number[];
  warnings: CurationWarning[];
}

/** L_target,s(p), tokens. */
export function targetLength(lengths: SourceLengths, passRate: number): number {
  return (1 - passRate) * lengths.hardTokens + passRate * lengths.easyTokens;
}

function bracketOf(trace: Trace, options: AdacsOptions): number {
  return passRateBracket(trace.problemCorrect, trace.problemSamples, options.brackets);
}

/**
 * L_s(0) and L_s(1) of one source. Empty end brackets fall back to the nearest non-empty one.
 * @returns null, with a warning, when the source cannot be used: no lengths, only one bracket, or
 *   hard problems not longer than easy ones
 */
function sourceLengths(
  source: string,
  traces: readonly Trace[],
  options: AdacsOptions,
  warnings: CurationWarning[],
): SourceLengths | null {
  const lengths: number[][] = Array.from({ length: options.brackets + 1 }, () => []);
  for (const trace of traces) {
    if (trace.correct || options.lengthsFrom === 'all') lengths[bracketOf(trace, options)]!.push(trace.lengthTokens);
  }
  const hardBracket = lengths.findIndex((values) => values.length > 0);
  const easyBracket = lengths.findLastIndex((values) => values.length > 0);
  if (hardBracket === easyBracket) {
    const text = `Source "${source}" is left out: its problems do not spread over different pass rates.`;
    warnings.push({ kind: 'oneBracket', source, text });
    return null;
  }
  if (hardBracket !== 0 || easyBracket !== options.brackets) {
    const text =
      `Source "${source}": no usable lengths at an end of the scale; ` +
      `pass rates ${hardBracket}/${options.brackets} and ${easyBracket}/${options.brackets} stand in for 0 and 1.`;
    warnings.push({ kind: 'standIn', source, text });
  }
  const hardTokens = quantile(lengths[hardBracket]!, options.hardQuantile);
  const easyTokens = quantile(lengths[easyBracket]!, options.easyQuantile);
  if (hardTokens <= easyTokens) {
    const text =
      `Source "${source}" is left out: responses to hard problems (${hardTokens} tokens) ` +
      `are not longer than to easy ones (${easyTokens} tokens).`;
    warnings.push({ kind: 'notLonger', source, text });
    return null;
  }
  return { source, hardTokens, easyTokens, hardBracket, easyBracket };
}

interface Candidate extends ChosenTrace {
  source: string;
  problem: string;
  /** Ascending order of preference: distance to the target, or a random number for the control. */
  rank: number;
}

/**
 * Selects the cold-start set.
 * @param seed decides the control's draw; the length-aware selection has no chance in it
 */
export function curate(traces: readonly Trace[], options: AdacsOptions, seed: number): Curation {
  const warnings: CurationWarning[] = [];
  const sources: SourceLengths[] = [];
  for (const source of new Set(traces.map((trace) => trace.source))) {
    const own = traces.filter((trace) => trace.source === source);
    const lengths = sourceLengths(source, own, options, warnings);
    if (lengths !== null) sources.push(lengths);
  }
  const candidates = rankCandidates(traces, sources, options, seed);
  const brackets = Array.from({ length: options.brackets + 1 }, (_, bracket) =>
    candidates.filter((candidate) => candidate.bracket === bracket),
  );
  const filled = brackets.map((list) => list.length).filter((size) => size > 0);
  const quota = options.perBracket ?? (filled.length === 0 ? 0 : Math.min(...filled));
  const chosen = brackets.map((list) => drawInTurn(list, quota));
  for (const [bracket, list] of brackets.entries()) {
    if (list.length < quota) {
      const text = `Pass rate ${bracket}/${options.brackets} has ${list.length} traces where ${quota} were wanted.`;
      warnings.push({ kind: 'tooFew', source: null, text });
    }
  }
  return {
    chosen: chosen.flat().map(({ index, bracket, targetTokens }) => ({ index, bracket, targetTokens })),
    sources,
    availablePerBracket: brackets.map((list) => list.length),
    chosenPerBracket: chosen.map((list) => list.length),
    warnings,
  };
}

/** Correct traces, best first, at most `tracesPerProblem` of a problem; usable sources only unless control. */
function rankCandidates(
  traces: readonly Trace[],
  sources: readonly SourceLengths[],
  options: AdacsOptions,
  seed: number,
): Candidate[] {
  const random = new RandomSequence(seed, Stream.selection);
  const bySource = new Map(sources.map((lengths) => [lengths.source, lengths]));
  const candidates: Candidate[] = [];
  for (const [index, trace] of traces.entries()) {
    // Drawn for every trace, so that the control's choice among some does not depend on the others.
    const chance = random.uniform();
    const lengths = bySource.get(trace.source);
    if (!trace.correct || (lengths === undefined && options.selection === 'adacs')) continue;
    const targetTokens =
      lengths === undefined ? null : targetLength(lengths, trace.problemCorrect / trace.problemSamples);
    const rank = options.selection === 'vanilla' ? chance : Math.abs(trace.lengthTokens - targetTokens!);
    const { source, problem } = trace;
    candidates.push({ index, bracket: bracketOf(trace, options), targetTokens, source, problem, rank });
  }
  candidates.sort((a, b) => a.rank - b.rank || a.index - b.index);
  const taken = new Map<string, number>();
  return candidates.filter(({ problem }) => {
    const count = (taken.get(problem) ?? 0) + 1;
    taken.set(problem, count);
    return count <= options.tracesPerProblem;
  });
}

/** The first `quota` candidates, one from each source in turn, so that none crowds out another. */
function drawInTurn(candidates: readonly Candidate[], quota: number): Candidate[] {
  const queues = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const queue = queues.get(candidate.source);
    if (queue === undefined) queues.set(candidate.source, [candidate]);
    else queue.push(candidate);
  }
  const chosen: Candidate[] = [];
  for (let round = 0; chosen.length < quota; round++) {
    const before = chosen.length;
    for (const queue of queues.values()) {
      const candidate = queue[round];
      if (candidate !== undefined && chosen.length < quota) chosen.push(candidate);
    }
    if (chosen.length === before) break;
  }
  return chosen;
}
