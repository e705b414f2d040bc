/**
 * What AdaCS would choose, made ready to be drawn: points, target lines, and the counts per bracket.
 */
import { curationWarningKinds, targetLength } from '#core/ares/adacs.ts';
import type { ResponseOf } from '#core/contract/contract.ts';

export type CurationData = ResponseOf<'curation.view'>;

/** More points than this say nothing more and cost frames; chosen ones are always drawn. */
const MAX_POINTS = 20_000;

export interface CurationPoints {
  /** Index into the traces, per point. */
  trace: Int32Array;
  /** Difficulty 1 − pass rate, spread a little around it, so that traces of one bracket do not hide each other. */
  difficulty: Float64Array;
  lengthTokens: Float64Array;
  /** 1 where it was not chosen. */
  hollow: Uint8Array;
  /** Of the points there could be. */
  total: number;
}

/** Right traces, of one source or of all (null): wrong ones can never be chosen. */
export function pointsOf(data: CurationData, source: number | null): CurationPoints {
  const eligible: number[] = [];
  for (let i = 0; i < data.correct.length; i++)
    if (data.correct[i] === 1 && (source === null || data.source[i] === source)) eligible.push(i);
  const step = Math.max(1, eligible.length / MAX_POINTS);
  let next = 0;
  const shown = eligible.filter((trace, i) => {
    if (i >= next) {
      next += step;
      return true;
    }
    return data.chosen[trace] === 1;
  });
  // Chosen ones last: they are drawn above the others.
  shown.sort((a, b) => data.chosen[a]! - data.chosen[b]! || a - b);
  return {
    trace: Int32Array.from(shown),
    difficulty: Float64Array.from(shown, (trace) => 1 - data.passRate[trace]! + spread(trace) / data.brackets),
    lengthTokens: Float64Array.from(shown, (trace) => data.lengthTokens[trace]!),
    hollow: Uint8Array.from(shown, (trace) => 1 - data.chosen[trace]!),
    total: eligible.length,
  };
}

/** The same for a trace in every view: a third of a bracket to either side at most. */
function spread(trace: number): number {
  return (((trace * 0.618_033_988_749_895) % 1) - 0.5) * 0.66;
}

/** L_target over difficulty, a line per usable source. */
export function targetLines(data: CurationData): { source: string; points: [number, number][] }[] {
  return data.sources.map((lengths) => ({
    source: lengths.source,
    points: [
      [0, targetLength(lengths, 1)],
      [1, targetLength(lengths, 0)],
    ],
  }));
}

export interface SourceRow {
  source: string;
  traces: number;
  right: number;
  chosen: number;
  /** Null where the source is left out. */
  easyTokens: number | null;
  hardTokens: number | null;
}

/** Per source, in order of first appearance. */
export function sourceRows(data: CurationData): SourceRow[] {
  const rows = data.sourceNames.map((source): SourceRow => {
    const lengths = data.sources.find((each) => each.source === source);
    return {
      source,
      traces: 0,
      right: 0,
      chosen: 0,
      easyTokens: lengths?.easyTokens ?? null,
      hardTokens: lengths?.hardTokens ?? null,
    };
  });
  for (let i = 0; i < data.source.length; i++) {
    const row = rows[data.source[i]!]!;
    row.traces++;
    row.right += data.correct[i]!;
    row.chosen += data.chosen[i]!;
  }
  return rows;
}

type Warning = CurationData['warnings'][number];

export interface WarningGroup {
  kind: Warning['kind'];
  /** What is the matter, with how many it concerns. */
  title: string;
  warnings: Warning[];
}

const groupTitles: Readonly<Record<Warning['kind'], (count: number, sources: number) => string>> = {
  oneBracket: (count, sources) => `${count} of ${sources} sources left out: all at one pass rate`,
  notLonger: (count, sources) => `${count} of ${sources} sources left out: hard is not longer than easy`,
  standIn: (count, sources) => `${count} of ${sources} sources have no traces at an end of the scale`,
  tooFew: (count) => `${count} ${count === 1 ? 'bracket has' : 'brackets have'} fewer traces than wanted`,
};

/** Warnings of a kind together, what leaves sources out first. */
export function warningGroups(warnings: readonly Warning[], sources: number): WarningGroup[] {
  return curationWarningKinds.flatMap((kind) => {
    const own = warnings.filter((warning) => warning.kind === kind);
    return own.length === 0 ? [] : [{ kind, title: groupTitles[kind](own.length, sources), warnings: own }];
  });
}
