/**
 * Which runs depend on a dataset or a problem.
 *
 * Owns: the reasons why something that a run has used, or is still going to use, must stay as it is. A
 * finished run depends on what it stored; one that can go on depends on all it was given.
 */
import type { Problem } from '#core/store/problems.ts';
import type { Run } from '#core/store/runs.ts';
import type { Store } from '#core/store/store.ts';
import { type StoredSplit, readRunFile } from './runFile.ts';

/** The parts of a dataset that a run was given. A run whose folder is gone can neither go on nor be shown. */
function partsOf(run: Run): StoredSplit[] {
  try {
    const { train, heldout } = readRunFile(run.folder);
    return [train, heldout].filter((part) => part !== null);
  } catch {
    return [];
  }
}

function holds(part: StoredSplit, { problemId, datasetId, split }: Problem): boolean {
  if (part.datasetId !== datasetId) return false;
  if (part.problems === undefined) return part.split === null || part.split === split;
  return part.problems.some(([first, last]) => first <= problemId && problemId <= last);
}

/** Why the dataset cannot be removed, as a sentence; null when it can. */
export function datasetUse(store: Pick<Store, 'runs' | 'problems'>, datasetId: number): string | null {
  const user = store.runs.list().find((run) => partsOf(run).some((part) => part.datasetId === datasetId));
  if (user !== undefined) return `Run ${user.runId} ("${user.name}") uses it.`;
  return store.problems.isDatasetUsed(datasetId) ? 'A run has responses to its problems.' : null;
}

/** Why the problem cannot be changed, as a sentence; null when it can. */
export function problemUse(store: Pick<Store, 'runs' | 'problems'>, problem: Problem): string | null {
  if (store.problems.isUsed(problem.problemId))
    return 'A run has answered it: its results belong to the text as it is.';
  const user = store.runs
    .list()
    .find((run) => run.state !== 'finished' && partsOf(run).some((part) => holds(part, problem)));
  return user === undefined ? null : `Run ${user.runId} ("${user.name}") may still use it.`;
}
