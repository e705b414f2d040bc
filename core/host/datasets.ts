/**
 * Imported files in the store of a project, and back.
 *
 * Owns: using a dataset again that is already there, its name where another has it, and reading sets of
 * stored problems: a split, a pool, or exactly those a run was created with.
 */
import { type RunProblem, fromStored } from '#core/runs/prompts.ts';
import type { NewProblem, Problem } from '#core/store/problems.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import type { ImportedFile } from './importData.ts';
import type { StoredSplit } from './runFile.ts';

const PAGE = 1000;

/** Problems by where they are: a split of a dataset, all of it, or a pool. */
export interface ProblemSet {
  datasetId: number;
  split: string | null;
  poolId: number | null;
}

/** Adds a file as a dataset, unless the very same problems were imported from it before; returns its id. */
export function storeDataset(
  store: Pick<Store, 'problems'>,
  { name, file, mapping, problems }: ImportedFile,
  createdMs: number,
): number {
  const known = store.problems.datasets();
  const same = known.find(
    (dataset) =>
      dataset.file === file && dataset.problems === problems.length && holds(store, dataset.datasetId, problems),
  );
  if (same !== undefined) return same.datasetId;
  const names = new Set(known.map((dataset) => dataset.name));
  let unique = name;
  for (let number = 2; names.has(unique); number++) unique = `${name} (${number})`;
  return store.problems.addDataset({ name: unique, file, mapping, createdMs }, problems);
}

function holds(store: Pick<Store, 'problems'>, datasetId: number, problems: readonly NewProblem[]): boolean {
  const stored = new Map(
    problemsOf(store, { datasetId, split: null }).map((problem): [string, Problem] => [problem.id, problem]),
  );
  return problems.every((problem) => {
    const { id, key, prompt, answer, source, split, images, meta } = problem;
    const other = stored.get(id);
    return (
      other !== undefined &&
      JSON.stringify([key, prompt, answer, source, split, images, meta]) ===
        JSON.stringify([other.key, other.prompt, other.answer, other.source, other.split, other.images, other.meta])
    );
  });
}

/** Problems of a split, or of a whole dataset, in order of import. */
function problemsOf(
  store: Pick<Store, 'problems'>,
  { datasetId, split }: Pick<ProblemSet, 'datasetId' | 'split'>,
): Problem[] {
  const splits = split === null ? store.problems.splits(datasetId).map((each) => each.split) : [split];
  const all = splits.flatMap((one) => {
    const own: Problem[] = [];
    for (;;) {
      const afterProblemId = own.at(-1)?.problemId ?? 0;
      const page = store.problems.page({ datasetId, split: one, afterProblemId, limit: PAGE });
      own.push(...page);
      if (page.length < PAGE) return own;
    }
  });
  return splits.length > 1 ? all.toSorted((a, b) => a.problemId - b.problemId) : all;
}

/**
 * The problems of a set, in order of import.
 * @throws AresError 'not-found' when the dataset or the pool is gone
 */
export function readSet(store: Pick<Store, 'problems' | 'pools'>, set: ProblemSet): Problem[] {
  if (!store.problems.datasets().some(({ datasetId }) => datasetId === set.datasetId)) throw gone('dataset');
  if (set.poolId === null) return problemsOf(store, set);
  const pool = store.pools.get(set.poolId);
  if (pool === undefined || pool.datasetId !== set.datasetId) throw gone('pool');
  return inRanges(store, rangesOf(store.pools.problemIds(set.poolId)));
}

function gone(what: string): AresError {
  return new AresError('not-found', `This ${what} is not in the project any more.`, {
    hint: `Choose another ${what}.`,
  });
}

/** The problems of a part of a run's data, in order of import; none where a run needs none. */
export function readSplit(store: Pick<Store, 'problems'>, from: StoredSplit | null): RunProblem[] {
  if (from === null) return [];
  return (from.problems === undefined ? problemsOf(store, from) : inRanges(store, from.problems)).map(fromStored);
}

function inRanges(store: Pick<Store, 'problems'>, ranges: readonly (readonly [number, number])[]): Problem[] {
  return ranges.flatMap(([first, last]) => store.problems.between(first, last, last - first + 1));
}

/** Ascending ids as ranges from first to last: short for problems that were imported together. */
export function rangesOf(ids: Iterable<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const id of ids) {
    const latest = ranges.at(-1);
    if (latest !== undefined && id === latest[1] + 1) latest[1] = id;
    else ranges.push([id, id]);
  }
  return ranges;
}
