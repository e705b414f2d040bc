/**
 * Which runs depend on a dataset, a problem or a pool.
 *
 * Owns: the reasons why something that a run has used, or is still going to use, must stay as it is. A
 * finished run depends on what it stored; one that can go on depends on all it was given.
 */
import type { Run } from '#core/store/runs.ts';
import type { Store } from '#core/store/store.ts';
import { type RunFile, readRunFile } from './runFile.ts';

/** Runs, newest first, that were given problems of the dataset. */
function runsOn(store: Pick<Store, 'runs'>, datasetId: number): Run[] {
  return store.runs.list().filter((run) => {
    const file = tryRunFile(run);
    return file !== null && [file.train, file.heldout].some((part) => part?.datasetId === datasetId);
  });
}

/** Null for a run whose folder is gone: it can neither go on nor be shown. */
function tryRunFile(run: Run): RunFile | null {
  try {
    return readRunFile(run.folder);
  } catch {
    return null;
  }
}

/** Why the dataset cannot be removed, as a sentence; null when it can. */
export function datasetUse(store: Pick<Store, 'runs' | 'problems'>, datasetId: number): string | null {
  const [run] = runsOn(store, datasetId);
  if (run !== undefined) return `Run ${run.runId} ("${run.name}") uses it.`;
  return store.problems.isDatasetUsed(datasetId) ? 'A run has responses to its problems.' : null;
}

/** Why the problem cannot be changed, as a sentence; null when it can. */
export function problemUse(
  store: Pick<Store, 'runs' | 'problems'>,
  { problemId, datasetId }: { problemId: number; datasetId: number },
): string | null {
  if (store.problems.isUsed(problemId)) return 'A run has answered it: its results belong to the text as it is.';
  const waiting = runsOn(store, datasetId).find(({ state }) => state !== 'finished');
  return waiting === undefined ? null : `Run ${waiting.runId} ("${waiting.name}") may still use it.`;
}
