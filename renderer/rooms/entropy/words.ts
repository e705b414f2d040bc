/**
 * Words of a step: sorting and choosing what the table and the cloud show.
 */
import type { WordRow } from '#core/contract/contract.ts';

export type WordKey = 'word' | 'count' | 'meanEntropyNats' | 'valid' | 'share';
export type WordFilter = 'all' | 'triggers' | 'others';

/** Share of decided occurrences whose window reaches the threshold; NaN where none is decided. */
export function validShare({ valid, invalid }: WordRow): number {
  return valid / (valid + invalid);
}

export function sortedWords(
  words: readonly WordRow[],
  filter: WordFilter,
  search: string,
  key: WordKey,
  descending: boolean,
): WordRow[] {
  const needle = search.trim().toLowerCase();
  const value = (row: WordRow): number | string => (key === 'share' ? validShare(row) : row[key]);
  const shown = words.filter(
    (row) => (filter === 'all' || row.isTrigger === (filter === 'triggers')) && row.word.includes(needle),
  );
  const sign = descending ? -1 : 1;
  return shown.toSorted((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (typeof x === 'string' || typeof y === 'string') return sign * String(x).localeCompare(String(y));
    // What has no value stands last, whichever way the others are sorted.
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return sign * (x - y) || b.count - a.count;
  });
}

export interface CloudWord {
  row: WordRow;
  /** In [0, 1]: by how often its window is above the threshold. */
  size: number;
}

/** The words most often found above the threshold, by the alphabet, so that the eye finds them again. */
export function cloudOf(words: readonly WordRow[], most: number): CloudWord[] {
  const chosen = words
    .filter(({ valid }) => valid > 0)
    .toSorted((a, b) => b.valid - a.valid)
    .slice(0, most);
  const largest = Math.sqrt(chosen[0]?.valid ?? 1);
  return chosen
    .map((row) => ({ row, size: Math.sqrt(row.valid) / largest }))
    .toSorted((a, b) => a.row.word.localeCompare(b.row.word));
}
