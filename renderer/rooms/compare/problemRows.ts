/**
 * Problems with what every arm made of them: which flipped, filtered and sorted.
 *
 * Owns: the pure logic of the list. Solved means that more than half of the graded samples are right, as in
 * the statistics.
 */
import { type BucketName, type ResponseOf, bucketNames } from '#core/contract/contract.ts';

export type ProblemColumns = ResponseOf<'compare.problems'>;

/** One arm's answers to one problem. */
export interface Cell {
  correct: number;
  graded: number;
  samples: number;
  meanLengthTokens: number;
}

/** What two arms, first and second, made of a problem; `open` where one has no graded answer. */
export type Outcome = 'first' | 'second' | 'both' | 'neither' | 'open';

export interface RowFilter {
  /** Positions of the two arms among the columns. */
  first: number;
  second: number;
  outcome: Outcome | 'flips' | 'all';
  bucket: BucketName | null;
  source: string | null;
  /** Every word must occur in the id or the question. */
  search: string;
}

export const sortKeys = ['gap', 'id', 'bucket', 'length'] as const;
export type SortKey = (typeof sortKeys)[number];

export function cellAt(columns: ProblemColumns, arm: number, problem: number): Cell {
  const at = arm * columns.key.length + problem;
  return {
    correct: columns.correct[at]!,
    graded: columns.graded[at]!,
    samples: columns.samples[at]!,
    meanLengthTokens: columns.meanLengthTokens[at]!,
  };
}

export function bucketAt(columns: ProblemColumns, problem: number): BucketName {
  return bucketNames[columns.bucket[problem]!]!;
}

export function outcomeAt(columns: ProblemColumns, first: number, second: number, problem: number): Outcome {
  const [a, b] = [cellAt(columns, first, problem), cellAt(columns, second, problem)];
  if (a.graded === 0 || b.graded === 0) return 'open';
  const [solvedByFirst, solvedBySecond] = [a.correct / a.graded > 0.5, b.correct / b.graded > 0.5];
  if (solvedByFirst) return solvedBySecond ? 'both' : 'first';
  return solvedBySecond ? 'second' : 'neither';
}

/** How many problems have each outcome, whatever else is filtered. */
export function countOutcomes(columns: ProblemColumns, first: number, second: number): Record<Outcome, number> {
  const counts = { first: 0, second: 0, both: 0, neither: 0, open: 0 };
  for (let problem = 0; problem < columns.key.length; problem++) counts[outcomeAt(columns, first, second, problem)]++;
  return counts;
}

/** Indices of the problems that pass, sorted; ties stay in the order of the problems. */
export function rowsOf(
  columns: ProblemColumns,
  filter: RowFilter,
  sort: { key: SortKey; descending: boolean },
): number[] {
  const { first, second } = filter;
  const words = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...columns.key.keys()].filter((problem) => {
    const outcome = outcomeAt(columns, first, second, problem);
    if (filter.outcome === 'flips' ? outcome !== 'first' && outcome !== 'second' : false) return false;
    if (filter.outcome !== 'flips' && filter.outcome !== 'all' && outcome !== filter.outcome) return false;
    if (filter.bucket !== null && bucketAt(columns, problem) !== filter.bucket) return false;
    if (filter.source !== null && columns.sources[columns.source[problem]!] !== filter.source) return false;
    const text = `${columns.id[problem]!} ${columns.prompt[problem]!}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const valueOf = sortValue(columns, first, second, sort.key);
  const sign = sort.descending ? -1 : 1;
  const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);
  return rows.sort((a, b) => sign * compare(valueOf(a), valueOf(b)) || a - b);
}

function sortValue(
  columns: ProblemColumns,
  first: number,
  second: number,
  key: SortKey,
): (problem: number) => string | number {
  const both = (problem: number) => [cellAt(columns, first, problem), cellAt(columns, second, problem)] as const;
  switch (key) {
    case 'id':
      return (problem) => columns.id[problem]!;
    case 'bucket':
      return (problem) => columns.bucket[problem]!;
    case 'length':
      return (problem) => {
        const [a, b] = both(problem);
        return a.meanLengthTokens - b.meanLengthTokens;
      };
    case 'gap':
      return (problem) => {
        const [a, b] = both(problem);
        return a.graded === 0 || b.graded === 0 ? -Infinity : a.correct / a.graded - b.correct / b.graded;
      };
  }
}
