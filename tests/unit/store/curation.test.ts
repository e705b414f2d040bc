// Labels by hand, pools and imports: what counts, what is kept, and what disappears.
import { describe, expect, it } from 'vitest';
import type { ProblemColumns } from '#core/store/imports.ts';
import type { Store } from '#core/store/store.ts';
import { addProblems, errorOf, temporaryStore } from './helpers.ts';

const end = { imported: 2, skipped: 1, notes: ['Could not be read: 1 row.'] };
const bad = [{ line: 3, reason: 'not JSON' }];
/** Problems with these names, as an import adds them. */
const columns = (ids: readonly string[][]): ProblemColumns => ({
  ids,
  key: ids.map((_, i) => 10 * i),
  prompt: ids.map((_, i) => JSON.stringify(`${i}?`)),
  answer: ids.map(() => '1'),
  source: ids.map(() => 's'),
  split: 'train',
  images: ids.map(() => '[]'),
  meta: ids.map(() => '{}'),
});
/** A hidden dataset with problems, and the record of its file. */
function imported(store: Store, ids: readonly string[][]): { importing: number; importId: number } {
  const importing = store.imports.begin(1, null);
  const importId = store.imports.open(importing, '/data/a.jsonl', 5);
  store.imports.add(importing, importId, columns(ids), bad);
  store.imports.close(importId, end);
  return { importing, importId };
}
describe('labels by hand', () => {
  it('say what they were before, so that setting those again undoes them', () => {
    const store = temporaryStore();
    const [a, b] = addProblems(store, 2) as [number, number];
    expect(store.humanLabels.set([{ problemId: a, bucket: 'easy' }], 1)).toEqual([{ problemId: a, bucket: null }]);
    const before = store.humanLabels.set(
      [
        { problemId: a, bucket: 'hard' },
        { problemId: b, bucket: 'hard' },
      ],
      2,
    );
    expect(store.humanLabels.current(1)).toEqual([
      { problemId: a, bucket: 'hard' },
      { problemId: b, bucket: 'hard' },
    ]);
    store.humanLabels.set(before, 3);
    expect(store.humanLabels.current(1)).toEqual([{ problemId: a, bucket: 'easy' }]);
    expect(store.humanLabels.history(b)).toEqual([
      { bucket: 'hard', createdMs: 2 },
      { bucket: null, createdMs: 3 },
    ]);
  });

  it('are not added again where nothing changes', () => {
    const store = temporaryStore();
    const [a] = addProblems(store, 1) as [number];
    for (const createdMs of [1, 2]) store.humanLabels.set([{ problemId: a, bucket: 'medium' }], createdMs);
    expect(store.humanLabels.history(a)).toHaveLength(1);
  });

  it('are all or nothing', () => {
    const store = temporaryStore();
    const [a] = addProblems(store, 1) as [number];
    const labels = [
      { problemId: a, bucket: 'easy' as const },
      { problemId: 99, bucket: 'easy' as const },
    ];
    expect(errorOf(() => store.humanLabels.set(labels, 1)).code).toBe('not-found');
    expect(store.humanLabels.history(a)).toEqual([]);
  });
});

describe('pools', () => {
  it('hold problems of their dataset, each once', () => {
    const store = temporaryStore();
    const ids = addProblems(store, 3);
    const poolId = store.pools.add(
      { datasetId: 1, name: 'band', createdMs: 4 },
      Int32Array.of(ids[2]!, ids[0]!, ids[2]!),
    );
    expect(store.pools.problemIds(poolId)).toEqual(Int32Array.of(ids[0]!, ids[2]!));
    expect(store.pools.list(1)).toEqual([{ poolId, datasetId: 1, name: 'band', problems: 2, createdMs: 4 }]);
    store.pools.remove(poolId);
    expect(store.pools.list(1)).toEqual([]);
    expect(store.problems.ids(1)).toHaveLength(3);
  });

  it('are refused whole when a problem is not of the dataset, or the name is taken', () => {
    const store = temporaryStore();
    const ids = addProblems(store, 1);
    const pool = { datasetId: 1, name: 'band', createdMs: 4 };
    expect(errorOf(() => store.pools.add(pool, Int32Array.of(ids[0]!, 77))).message).toContain('77');
    expect(store.pools.list(1)).toEqual([]);
    store.pools.add(pool, Int32Array.of(ids[0]!));
    expect(errorOf(() => store.pools.add(pool, Int32Array.of(ids[0]!))).message).toContain('band');
  });
});

describe('imports', () => {
  it('are hidden until they are published, with their record and every row left out', () => {
    const store = temporaryStore();
    const { importing, importId } = imported(store, [['a'], ['b']]);
    expect(store.problems.datasets()).toEqual([]);
    const datasetId = store.imports.publish(importing, { name: 'new', file: null, mapping: {}, createdMs: 5 }, null);
    expect(store.problems.datasets()).toMatchObject([{ datasetId, name: 'new', problems: 2 }]);
    expect(store.imports.list(datasetId)).toEqual([{ importId, file: '/data/a.jsonl', ...end, bad, createdMs: 5 }]);
    expect(store.imports.skipped(importId, 0, 10)).toEqual(bad);
    expect(store.imports.skipped(importId, 1, 10)).toEqual([]);
    expect(store.imports.unfinished()).toEqual([]);
  });

  it('take the first name that is free, and nothing of a batch with a problem that has none', () => {
    const store = temporaryStore();
    const { importing, importId } = imported(store, [['a'], ['a', 'a (line 2)']]);
    expect(() => store.imports.add(importing, importId, columns([['b'], ['a']]), bad)).toThrow(/named a/);
    expect(store.imports.skipped(importId, 0, 10)).toEqual(bad);
    const datasetId = store.imports.publish(importing, { name: 'new', file: null, mapping: {}, createdMs: 5 }, null);
    const page = store.problems.page({ datasetId, split: 'train', afterProblemId: 0, limit: 10 });
    expect(page.map(({ id }) => id)).toEqual(['a', 'a (line 2)']);
  });

  it('hold out the problems with the smallest keys', () => {
    const store = temporaryStore();
    const { importing } = imported(store, [['a'], ['b'], ['c']]);
    addProblems(store, 1);
    store.imports.publish(importing, { name: 'new', file: null, mapping: {}, createdMs: 5 }, { below: 20 });
    expect(store.problems.splits(importing)).toEqual([
      { split: 'heldout', problems: 2 },
      { split: 'train', problems: 1 },
    ]);
  });

  it('can become part of another dataset, or nothing at all', () => {
    const store = temporaryStore();
    addProblems(store, 2);
    const { importing } = imported(store, [['a']]);
    expect(store.imports.publish(importing, { appendTo: 1 }, null)).toBe(1);
    expect(store.problems.datasets()).toMatchObject([{ datasetId: 1, problems: 3 }]);
    expect(store.imports.list(1)).toMatchObject([{ bad }]);

    const clashing = imported(store, [['b'], ['problem-0']]).importing;
    expect(errorOf(() => store.imports.publish(clashing, { appendTo: 1 }, null)).code).toBe('store');
    expect(store.problems.datasets()).toMatchObject([{ datasetId: 1, problems: 3 }]);
    expect(store.imports.list(1)).toHaveLength(1);
  });

  it('are taken away batch by batch', () => {
    const store = temporaryStore();
    const { importing } = imported(store, [['a'], ['b'], ['c']]);
    expect(store.imports.discard(importing, 2)).toBe(false);
    expect(store.imports.unfinished()).toEqual([{ importingId: importing, owner: null }]);
    expect(store.imports.discard(importing, 2)).toBe(true);
    expect(store.imports.unfinished()).toEqual([]);
  });

  it('refuse a name that is taken and leave the hidden dataset to be discarded', () => {
    const store = temporaryStore();
    addProblems(store, 1);
    const { importing } = imported(store, []);
    const taken = { name: 'sums', file: null, mapping: {}, createdMs: 5 };
    expect(errorOf(() => store.imports.publish(importing, taken, null)).code).toBe('usage');
    expect(store.imports.unfinished()).toHaveLength(1);
  });
});

describe('datasets', () => {
  it('are renamed, and removed with all that hangs on them', () => {
    const store = temporaryStore();
    const [a] = addProblems(store, 2) as [number];
    store.humanLabels.set([{ problemId: a, bucket: 'easy' }], 1);
    store.pools.add({ datasetId: 1, name: 'p', createdMs: 1 }, Int32Array.of(a));
    store.problems.addDataset({ name: 'other', file: null, mapping: {}, createdMs: 1 }, []);
    expect(errorOf(() => store.problems.rename(1, 'other')).code).toBe('usage');
    store.problems.rename(1, 'sums');
    store.problems.rename(1, 'additions');
    store.problems.remove(1);
    expect(store.problems.datasets().map(({ name }) => name)).toEqual(['other']);
    expect(store.humanLabels.history(a)).toEqual([]);
    expect(store.pools.list(1)).toEqual([]);
  });
});
