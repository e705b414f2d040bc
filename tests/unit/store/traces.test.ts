// Traces that no run wrote: kept as written, counted by source, their lengths by model.
import { expect, it } from 'vitest';
import type { NewTrace } from '#core/store/traces.ts';
import { addProblems, errorOf, temporaryStore } from './helpers.ts';

const trace = (problemId: number, change: Partial<NewTrace> = {}): NewTrace => ({
  problemId,
  origin: 'teacher',
  source: 'big',
  text: '<think>a</think>b',
  correct: true,
  createdMs: 5,
  ...change,
});

it('come back as they were, page by page', () => {
  const store = temporaryStore();
  const [a, b] = addProblems(store, 2) as [number, number];
  const traces = [trace(a), trace(a, { correct: false }), trace(b, { origin: 'dataset', source: 'cot' })];
  store.traces.add(traces);
  const first = store.traces.page(1, 0, 2);
  expect([...first, ...store.traces.page(1, first[1]!.traceId, 2)]).toEqual(
    traces.map((each, i) => ({ ...each, traceId: i + 1 })),
  );
  expect(store.traces.get(2)).toMatchObject({ correct: false });
  expect(store.traces.counts(1)).toEqual([
    { origin: 'dataset', source: 'cot', traces: 1, correct: 1, problems: 1 },
    { origin: 'teacher', source: 'big', traces: 2, correct: 1, problems: 1 },
  ]);
});

it('have a length per model, which may be counted again', () => {
  const store = temporaryStore();
  const [a] = addProblems(store, 1) as [number];
  const models = ['x', 'y'].map((folder) =>
    store.models.add({ folder, weightsHash: folder, parentId: null, createdMs: 1 }),
  );
  store.traces.add([trace(a), trace(a)]);
  store.traces.setLengths(models[0]!, [{ traceId: 1, lengthTokens: 7 }]);
  store.traces.setLengths(models[0]!, [{ traceId: 1, lengthTokens: 8 }]);
  store.traces.setLengths(models[1]!, [{ traceId: 2, lengthTokens: 9 }]);
  expect(store.traces.entries(1, models[0]!).map(({ lengthTokens }) => lengthTokens)).toEqual([8, null]);
  expect(store.traces.entries(1, models[1]!).map(({ lengthTokens }) => lengthTokens)).toEqual([null, 9]);
});

it('are taken out by origin and writer, and go with their problems', () => {
  const store = temporaryStore();
  const [a, b] = addProblems(store, 2) as [number, number];
  store.traces.add([trace(a), trace(b, { source: 'other' }), trace(b, { origin: 'dataset' })]);
  store.traces.remove(1, 'teacher', 'big');
  expect(store.traces.page(1, 0, 9).map(({ origin, source }) => [source, origin])).toEqual([
    ['other', 'teacher'],
    ['big', 'dataset'],
  ]);
  store.problems.remove(1);
  expect(store.traces.get(2)).toBeUndefined();
});

it('are all or nothing', () => {
  const store = temporaryStore();
  const [a] = addProblems(store, 1) as [number];
  errorOf(() => store.traces.add([trace(a), trace(999)]));
  expect(store.traces.page(1, 0, 9)).toEqual([]);
});
