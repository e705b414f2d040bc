// Models, datasets, labels, runs, checkpoints, events and comparisons: what is stored and what is refused.
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '#core/store/database.ts';
import { storeOn } from '#core/store/store.ts';
import { addProblems, errorOf, run, temporaryFolder, temporaryStore } from './helpers.ts';

describe('models', () => {
  test('the same folder with the same weights is one model, with other weights another', () => {
    const { models } = temporaryStore();
    const base = { folder: 'models/base', weightsHash: 'a', parentId: null, createdMs: 1 };
    const baseId = models.add(base);
    expect(models.add({ ...base, createdMs: 2 })).toBe(baseId);
    const trained = models.add({ ...base, weightsHash: 'b', parentId: baseId });
    expect(trained).not.toBe(baseId);
    expect(models.get(trained)?.parentId).toBe(baseId);
    expect(models.list()).toHaveLength(2);
    expect(models.get(99)).toBeUndefined();
  });
});

describe('problems', () => {
  const problem = {
    id: 'a',
    key: 4294967295,
    prompt: [{ role: 'user', content: 'Größe “7”?\n' }],
    answer: '7',
    source: 'k=3',
    split: 'train',
    images: ['one.png'],
    meta: { nested: [null, 1.5] },
  };

  test('come back as they were', () => {
    const { problems } = temporaryStore();
    const dataset = { name: 'd', file: '/data/d.jsonl', mapping: { prompt: 'q' }, createdMs: 5 };
    const datasetId = problems.addDataset(dataset, [problem]);
    const [stored] = problems.page({ datasetId, split: 'train', afterProblemId: 0, limit: 9 });
    expect(stored).toEqual({ ...problem, problemId: stored!.problemId, datasetId });
    expect(problems.datasets()).toEqual([{ ...dataset, datasetId, problems: 1 }]);
  });

  test('are paged in order of import, within a split', () => {
    const { problems } = temporaryStore();
    const mixed = Array.from({ length: 10 }, (_, i) => ({
      ...problem,
      id: `p${i}`,
      split: i % 2 ? 'heldout' : 'train',
    }));
    const datasetId = problems.addDataset({ name: 'd', file: null, mapping: {}, createdMs: 5 }, mixed);
    const read: string[] = [];
    let afterProblemId = 0;
    for (let page; (page = problems.page({ datasetId, split: 'heldout', afterProblemId, limit: 2 })).length > 0;) {
      read.push(...page.map(({ id }) => id));
      afterProblemId = page.at(-1)!.problemId;
    }
    expect(read).toEqual(['p1', 'p3', 'p5', 'p7', 'p9']);
    expect(problems.splits(datasetId)).toEqual([
      { split: 'heldout', problems: 5 },
      { split: 'train', problems: 5 },
    ]);
  });

  test('a dataset name is taken once, and a dataset with a bad problem is not added at all', () => {
    const { problems } = temporaryStore();
    const dataset = { name: 'd', file: null, mapping: {}, createdMs: 5 };
    expect(() => problems.addDataset(dataset, [problem, problem])).toThrow(/UNIQUE/);
    expect(problems.datasets()).toEqual([]);
    const datasetId = problems.addDataset(dataset, [problem]);
    expect(errorOf(() => problems.addDataset(dataset, [])).code).toBe('usage');
    expect(() => problems.append(datasetId, [{ ...problem, id: 'b' }, problem])).toThrow(/UNIQUE/);
    expect(problems.datasets()[0]!.problems).toBe(1);
  });
});

describe('labels', () => {
  test('are added, never replaced; the newest one per model counts', () => {
    const store = temporaryStore();
    const [first, second] = addProblems(store, 3) as [number, number, number];
    const model = (weightsHash: string) => store.models.add({ folder: 'm', weightsHash, parentId: null, createdMs: 1 });
    const [modelId, otherId] = [model('a'), model('b')];
    const label = {
      problemId: first,
      modelId,
      runId: null,
      grader: 'exact',
      samples: 8,
      correct: 2,
      temperature: 1,
      maxNewTokens: 160,
      intervalLow: 0.07,
      intervalHigh: 0.59,
      meanLengthTokens: 51.25,
      createdMs: 10,
    };
    store.labels.add([label, { ...label, problemId: second }, { ...label, modelId: otherId, correct: 8 }]);
    store.labels.add([{ ...label, samples: 24, correct: 5, createdMs: 11 }]);
    const newest = store.labels.newest(1, modelId);
    expect(newest.map(({ problemId, samples, correct }) => [problemId, samples, correct])).toEqual([
      [first, 24, 5],
      [second, 8, 2],
    ]);
    expect(store.labels.history(first).map(({ correct }) => correct)).toEqual([2, 8, 5]);
    expect(store.labels.history(first)[0]).toMatchObject(label);
    expect(() => store.labels.add([{ ...label, correct: 9 }])).toThrow(/CHECK/);
  });
});

describe('runs', () => {
  test('begin queued, with their stages in order', () => {
    const { runs } = temporaryStore();
    const plans = ['label', 'adacs', 'aepo'].map((name) => ({ name, plannedUnits: 10 }));
    const runId = runs.create(run, plans);
    expect(runs.get(runId)).toEqual({
      ...run,
      runId,
      state: 'queued',
      startedMs: null,
      endedMs: null,
      owner: null,
      error: null,
    });
    expect(runs.stages(runId).map(({ stage, name, state }) => [stage, name, state])).toEqual([
      [0, 'label', 'pending'],
      [1, 'adacs', 'pending'],
      [2, 'aepo', 'pending'],
    ]);
    const update = {
      runId,
      stage: 1,
      state: 'running',
      plannedUnits: 12,
      doneUnits: 3,
      startedMs: 50,
      endedMs: null,
    } as const;
    runs.updateStage(update);
    expect(runs.stages(runId)[1]).toEqual({ ...update, name: 'adacs' });
  });

  test('the recipe, its hash and the seed cannot be changed, by any statement', () => {
    const file = join(temporaryFolder(), 'project.db');
    const db = openDatabase(file);
    const store = storeOn(db, file);
    onTestFinished(() => store.close());
    const runId = store.runs.create(run, []);
    for (const assignment of [`recipe = '{}'`, `recipeHash = 'x'`, 'seed = 8']) {
      expect(() => db.prepare(`UPDATE runs SET ${assignment}`).run()).toThrow('recipe of a run cannot be changed');
    }
    db.prepare(`UPDATE runs SET name = 'renamed'`).run();
    expect(store.runs.get(runId)).toMatchObject({ ...run, name: 'renamed' });
  });

  test('the state changes only from the state that was expected', () => {
    const { runs } = temporaryStore();
    const runId = runs.create(run, []);
    const owner = { pid: 1, host: 'h', processStart: null, claimedMs: 5 };
    const start = { runId, from: 'queued', to: 'running', nowMs: 5, owner, error: null } as const;
    expect(runs.changeState(start)).toBe(true);
    expect(runs.changeState(start)).toBe(false);
    const error = { code: 'disk', message: 'The disk is full.', where: '/x', hint: null };
    expect(runs.changeState({ runId, from: 'running', to: 'failed', nowMs: 9, owner: null, error })).toBe(true);
    expect(runs.get(runId)).toMatchObject({ state: 'failed', startedMs: 5, endedMs: 9, owner: null, error });
    expect(runs.changeState({ runId, from: 'failed', to: 'queued', nowMs: 11, owner: null, error: null })).toBe(true);
    expect(runs.changeState({ ...start, nowMs: 12 })).toBe(true);
    expect(runs.get(runId)).toMatchObject({ startedMs: 5, endedMs: null, owner });
  });

  test('are listed by state, newest first', () => {
    const { runs } = temporaryStore();
    const ids = [runs.create(run, []), runs.create(run, []), runs.create(run, [])] as const;
    runs.changeState({ runId: ids[1], from: 'queued', to: 'stopped', nowMs: 1, owner: null, error: null });
    expect(runs.list().map(({ runId }) => runId)).toEqual([ids[2], ids[1], ids[0]]);
    expect(runs.list(['queued', 'running']).map(({ runId }) => runId)).toEqual([ids[2], ids[0]]);
    expect(runs.list([])).toEqual([]);
  });
});

test('the newest checkpoint is the furthest one that is ready', () => {
  const { checkpoints, runs } = temporaryStore();
  const runId = runs.create(run, []);
  const checkpoint = { runId, stage: 1, step: 10, folder: '/a', manifestHash: 'h', createdMs: 1 };
  checkpoints.record(checkpoint);
  checkpoints.record({ ...checkpoint, stage: 2, step: 5, folder: '/b' });
  checkpoints.record({ ...checkpoint, stage: 1, step: 20, folder: '/c' });
  expect(checkpoints.newest(runId)?.folder).toBe('/b');
  checkpoints.mark(runId, '/b', 'damaged');
  expect(checkpoints.newest(runId)?.folder).toBe('/c');
  checkpoints.record({ ...checkpoint, stage: 2, step: 5, folder: '/b', manifestHash: 'again' });
  expect(checkpoints.newest(runId)).toMatchObject({ folder: '/b', manifestHash: 'again', state: 'ready' });
  expect(checkpoints.list(runId).map(({ folder }) => folder)).toEqual(['/a', '/c', '/b']);
});

test('events are paged per run, and those of the workbench are a list of their own', () => {
  const { events, runs } = temporaryStore();
  const runId = runs.create(run, []);
  for (let i = 0; i < 5; i++) {
    events.add({ runId: i % 2 ? null : runId, timeMs: i, level: 'info', message: `line ${i}`, details: { i } });
  }
  const page = events.page(runId, 0, 2);
  expect(page.map(({ message }) => message)).toEqual(['line 0', 'line 2']);
  expect(events.page(runId, page.at(-1)!.eventId, 9).map(({ details }) => details)).toEqual([{ i: 4 }]);
  expect(events.page(null, 0, 9).map(({ timeMs }) => timeMs)).toEqual([1, 3]);
});

test('a comparison keeps what was asked and what came out', () => {
  const { comparisons } = temporaryStore();
  const comparison = { name: 'base and AEPO', request: { arms: ['base', 'aepo'] }, report: { p: 0.25 }, createdMs: 3 };
  const comparisonId = comparisons.add(comparison);
  comparisons.add({ ...comparison, name: 'later', createdMs: 4 });
  expect(comparisons.get(comparisonId)).toEqual({ ...comparison, comparisonId });
  expect(comparisons.list().map(({ name }) => name)).toEqual(['later', 'base and AEPO']);
  expect(comparisons.get(99)).toBeUndefined();
});
