// Shared by the tests of the store: a temporary folder per test, and small valid records.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { AresError } from '#core/util/errors.ts';
import type { NewRollout } from '#core/store/rollouts.ts';
import type { NewRun } from '#core/store/runs.ts';
import { type Store, openStore } from '#core/store/store.ts';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ares-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function temporaryStore(): Store {
  const store = openStore(join(temporaryFolder(), 'project.db'));
  onTestFinished(() => store.close());
  return store;
}

/** The AresError that `body` throws. */
export function errorOf(body: () => unknown): AresError {
  try {
    body();
  } catch (thrown) {
    if (thrown instanceof AresError) return thrown;
    throw thrown;
  }
  throw new Error('Nothing was thrown.');
}

export const run: NewRun = {
  name: 'first',
  kind: 'pipeline',
  recipe: '{"version":1}',
  recipeHash: 'abc',
  seed: 7,
  folder: '/projects/one/runs/first',
  parentId: null,
  createdMs: 1000,
};

/** A dataset with `count` problems, all in split "train"; returns their ids. */
export function addProblems(store: Store, count: number): number[] {
  const problems = Array.from({ length: count }, (_, i) => ({
    id: `problem-${i}`,
    key: 0xffffffff - i,
    prompt: `What is ${i} + 1?`,
    answer: String(i + 1),
    source: 'sums',
    split: 'train',
    images: [],
    meta: {},
  }));
  const datasetId = store.problems.addDataset({ name: 'sums', file: null, mapping: {}, createdMs: 1 }, problems);
  return store.problems
    .page({ datasetId, split: 'train', afterProblemId: 0, limit: count })
    .map(({ problemId }) => problemId);
}

export function rollout(problemId: number, sample: number, changes: Partial<NewRollout> = {}): NewRollout {
  return {
    problemId,
    sample,
    parentSample: null,
    forkPosition: null,
    verdict: 'correct',
    extractedAnswer: '42',
    response: 'so 42',
    lengthTokens: 3,
    truncated: false,
    highEntropyCount: 1,
    bucket: 'easy',
    rewardParts: { accuracy: 1, shaping: -0.125 },
    advantage: 0.5,
    tokens: null,
    ...changes,
  };
}
