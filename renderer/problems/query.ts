/**
 * What a table of problems is filtered and sorted by.
 *
 * Owns: the query that shows everything, what a click on a heading makes of it, and the filters in words.
 */
import type { ProblemQuery } from '#core/contract/contract.ts';

/** Every problem of a dataset, in order of import. */
export function wholeDataset(datasetId: number, modelId: number | null): ProblemQuery {
  return {
    datasetId,
    modelId,
    search: '',
    split: null,
    source: null,
    bucket: null,
    human: null,
    passRate: null,
    poolId: null,
    sort: 'imported',
    descending: false,
  };
}

/** Up, down, and back to the order of import. */
export function sortedBy(
  { sort, descending }: Pick<ProblemQuery, 'sort' | 'descending'>,
  by: ProblemQuery['sort'],
): Pick<ProblemQuery, 'sort' | 'descending'> {
  if (sort !== by) return { sort: by, descending: false };
  return descending ? { sort: 'imported', descending: false } : { sort: by, descending: true };
}

/** The query without its filters; dataset, model and order stay. */
export function withoutFilters({ datasetId, modelId, sort, descending }: ProblemQuery): ProblemQuery {
  return { ...wholeDataset(datasetId, modelId), sort, descending };
}

export function isFiltered(query: ProblemQuery): boolean {
  return JSON.stringify(query) !== JSON.stringify(withoutFilters(query));
}
