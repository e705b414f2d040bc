/** The project of a first start: complete, made once, and its model is its own. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { createDataReader } from '#core/data/reader.ts';
import { openProject } from '#core/host/project.ts';
import { makeSampleProject } from '#core/host/sampleProject.ts';
import { listModels } from '#core/host/modelFacts.ts';

const reader = createDataReader();
afterAll(reader.close);

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'ares-sample-')), 'sample');
});
afterEach(() => rmSync(dirname(folder), { recursive: true, force: true }));

it('holds the problems as one dataset with both splits, and the base model', async () => {
  await makeSampleProject(folder, reader);
  const store = openProject(folder);
  const [dataset] = store.problems.datasets();
  expect(dataset).toMatchObject({ name: 'Two-digit counter', problems: 960 });
  expect(store.problems.splits(dataset!.datasetId)).toEqual(
    expect.arrayContaining([
      { split: 'train', problems: 720 },
      { split: 'heldout', problems: 240 },
    ]),
  );
  const [model] = listModels(store);
  expect(model).toMatchObject({ name: 'base', folder: join(folder, 'models', 'base'), error: null });
  expect(model!.details!.parameters).toBeGreaterThan(500_000);
  // A run that is started with it finds that very model, and its labels are its labels.
  const { modelId, folder: own, weightsHash } = store.models.list()[0]!;
  expect(store.models.add({ folder: own, weightsHash, parentId: null, createdMs: 2 })).toBe(modelId);
  store.close();
});

it('is made once: what was done in it stays', async () => {
  await makeSampleProject(folder, reader);
  const before = openProject(folder);
  before.models.add({ folder: '/elsewhere', weightsHash: 'x', parentId: null, createdMs: 1 });
  before.close();
  await makeSampleProject(folder, reader);
  const store = openProject(folder);
  expect(store.models.list()).toHaveLength(2);
  store.close();
});

it('replaces nothing that is not its own', async () => {
  mkdirSync(folder);
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  await expect(makeSampleProject(folder, reader)).rejects.toThrow();
  expect(readdirSync(folder)).toEqual(['notes.txt']);
});
