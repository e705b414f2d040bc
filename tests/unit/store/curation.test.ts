// Labels by hand, pools and imports: what counts, what is kept, and what disappears.
import { describe, expect, it } from 'vitest';
import type { ImportRecord } from '#core/store/imports.ts';
import { addProblems, errorOf, temporaryStore } from './helpers.ts';

const record: ImportRecord = {
  file: '/data/a.jsonl',
  imported: 2,
  skipped: 1,
  notes: ['Could not be read: 1 row.'],
  bad: [{ line: 3, reason: 'not JSON' }],
  createdMs: 5,
};
const row = (id: string) => ({
  id,
  key: 1,
  prompt: id,
  answer: '1',
  source: 's',
  split: 'train',
  images: [],
  meta: {},
});

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
  it('are hidden until they are published, with their record', () => {
    const store = temporaryStore();
    const importing = store.imports.begin(1);
    store.problems.append(importing, [row('a'), row('b')]);
    expect(store.problems.datasets()).toEqual([]);
    const datasetId = store.imports.publish(importing, { name: 'new', file: null, mapping: {}, createdMs: 5 }, record);
    expect(store.problems.datasets()).toMatchObject([{ datasetId, name: 'new', problems: 2 }]);
    expect(store.imports.list(datasetId)).toEqual([record]);
    expect(store.imports.unfinished()).toEqual([]);
  });

  it('can become part of another dataset, or nothing at all', () => {
    const store = temporaryStore();
    addProblems(store, 2);
    const importing = store.imports.begin(1);
    store.problems.append(importing, [row('a')]);
    expect(store.imports.publish(importing, { appendTo: 1 }, record)).toBe(1);
    expect(store.problems.datasets()).toMatchObject([{ datasetId: 1, problems: 3 }]);

    const clashing = store.imports.begin(1);
    store.problems.append(clashing, [row('b'), row('problem-0')]);
    expect(errorOf(() => store.imports.publish(clashing, { appendTo: 1 }, record)).code).toBe('store');
    expect(store.problems.datasets()).toMatchObject([{ datasetId: 1, problems: 3 }]);
    expect(store.imports.list(1)).toHaveLength(1);
  });

  it('are taken away batch by batch', () => {
    const store = temporaryStore();
    const importing = store.imports.begin(1);
    store.problems.append(importing, ['a', 'b', 'c'].map(row));
    expect(store.imports.discard(importing, 2)).toBe(false);
    expect(store.imports.unfinished()).toEqual([importing]);
    expect(store.imports.discard(importing, 2)).toBe(true);
    expect(store.imports.unfinished()).toEqual([]);
  });

  it('refuse a name that is taken and leave the hidden dataset to be discarded', () => {
    const store = temporaryStore();
    addProblems(store, 1);
    const importing = store.imports.begin(1);
    const taken = { name: 'sums', file: null, mapping: {}, createdMs: 5 };
    expect(errorOf(() => store.imports.publish(importing, taken, record)).code).toBe('usage');
    expect(store.imports.unfinished()).toEqual([importing]);
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
