/**
 * Imported files in the store of a project, and back.
 *
 * Owns: using a dataset again that is already there, its name where another has it, and reading the
 * problems of a run.
 */
import { type RunProblem, fromStored } from '#core/runs/prompts.ts';
import type { NewProblem, Problem } from '#core/store/problems.ts';
import type { Store } from '#core/store/store.ts';
import type { ImportedFile } from './importData.ts';
import type { StoredSplit } from './runFile.ts';

const PAGE = 1000;

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
  const stored = new Map<string, Problem>();
  for (const { split } of store.problems.splits(datasetId))
    for (const problem of problemsOf(store, datasetId, split)) stored.set(problem.id, problem);
  return problems.every((problem) => {
    const { id, key, prompt, answer, source, split, meta } = problem;
    const other = stored.get(id);
    return (
      other !== undefined &&
      JSON.stringify([key, prompt, answer, source, split, meta]) ===
        JSON.stringify([other.key, other.prompt, other.answer, other.source, other.split, other.meta])
    );
  });
}

function problemsOf(store: Pick<Store, 'problems'>, datasetId: number, split: string): Problem[] {
  const all: Problem[] = [];
  for (;;) {
    const afterProblemId = all.at(-1)?.problemId ?? 0;
    const page = store.problems.page({ datasetId, split, afterProblemId, limit: PAGE });
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}

/** The problems of a part of a dataset, in order of import; none where a run needs none. */
export function readSplit(store: Pick<Store, 'problems'>, from: StoredSplit | null): RunProblem[] {
  if (from === null) return [];
  return problemsOf(store, from.datasetId, from.split).map(fromStored);
}
