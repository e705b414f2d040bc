// The calls about runs and recipes: what a preflight says, and that a run is made of what was asked for.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Preflight, RunRequest } from '#core/contract/contract.ts';
import { createRun } from '#core/host/createRun.ts';
import { openEndpointBook } from '#core/host/endpointBook.ts';
import { executeRun } from '#core/host/executeRun.ts';
import { metricHandlers } from '#core/host/handlers/metrics.ts';
import { recipeHandlers } from '#core/host/handlers/recipes.ts';
import { runHandlers } from '#core/host/handlers/runs.ts';
import type { HostContext, RunQueue } from '#core/host/hostContext.ts';
import { createProject } from '#core/host/project.ts';
import { readRunFile } from '#core/host/runFile.ts';
import { parseRecipe } from '#core/runs/recipe.ts';
import type { Provider } from '#core/tensor/provider.ts';
import { temporaryFolder, tinyRecipe, writeProblems, writeTinyModel } from '../../e2e/tinyProject.ts';

/** A project with a labelling run that is finished or, without `label`, was never begun. */
async function project({ label }: { label: boolean }) {
  const parent = temporaryFolder();
  const folder = join(parent, 'project');
  const { runId } = await createRun({
    projectFolder: folder,
    kind: 'label',
    recipe: parseRecipe(JSON.stringify(tinyRecipe), 'r'),
    dataFile: writeProblems(join(parent, 'data.jsonl'), 30),
    modelFolder: writeTinyModel(join(parent, 'model')),
  });
  if (label) {
    const listener = { progress: () => undefined, metrics: () => undefined, message: () => undefined };
    await executeRun({ projectFolder: folder, runId, listener, stopRequested: () => false });
  }
  const store = createProject(folder);
  onTestFinished(() => store.close());
  let memoryLimitBytes: number | null = null;
  let provider: Provider = 'cpu';
  // A queue at rest: what it does has its own tests.
  const queue = { wake: () => undefined, current: () => null } as unknown as RunQueue;
  const host = {
    project: () => ({ folder, store }),
    queue: () => ({ ...queue, progress: () => ({ runId: 0 }) }),
    settings: () => ({ engine: { threads: 1, memoryLimitBytes, provider } }),
    endpoints: () => openEndpointBook(folder, () => undefined),
    changes: { announce: () => undefined },
  } as unknown as HostContext;
  const all = { datasetId: 1, split: null, poolId: null };
  const request = (changes: Partial<RunRequest> = {}): RunRequest => ({
    kind: 'pipeline',
    modelId: 1,
    train: all,
    heldout: null,
    recipe: JSON.stringify(tinyRecipe),
    parentId: null,
    ...changes,
  });
  return {
    folder,
    store,
    all,
    request,
    calls: { ...runHandlers(host), ...metricHandlers(host) },
    limitMemory: (bytes: number) => (memoryLimitBytes = bytes),
    choose: (name: Provider) => (provider = name),
  };
}
const count = (set: { problems?: [number, number][] | undefined } | null) =>
  (set?.problems ?? []).reduce((sum, [first, last]) => sum + last - first + 1, 0);

describe('preflight', () => {
  it('expects signal from the labels of this very model, and says when there are none', async () => {
    const without = await project({ label: false });
    expect(await without.calls['runs.preflight'](without.request())).toMatchObject({
      error: null,
      signal: null,
      remainingMs: null,
      trainProblems: 24,
      heldoutProblems: 6,
    });
    const { calls, request, store } = await project({ label: true });
    const found = (await calls['runs.preflight'](request())) as Preflight;
    const labels = store.labels.newest(1, 1);
    expect(found.signal!.labelled).toBe(24);
    expect(found.signal!.never + found.signal!.always).toBeLessThanOrEqual(
      labels.filter(({ correct, samples }) => correct === 0 || correct === samples).length,
    );
    expect(found.signal!.mixedGroups).toBeGreaterThan(0);
    // The labelling run was timed, so the stages can be.
    expect(found.remainingMs).toBeGreaterThan(0);
    expect(found.basis).toContain('1 earlier run');
  });

  it('answers with what is wrong, and with all that could be found out before', async () => {
    const { calls, request, limitMemory, folder } = await project({ label: false });
    limitMemory(1000);
    const found = (await calls['runs.preflight'](request())) as Preflight;
    expect(found.error).toMatchObject({ code: 'memory' });
    expect(found.memory!.totalBytes).toBeGreaterThan(found.memory!.availableBytes);
    expect(found.stages.map(({ name }) => name)).toContain('policy');
    expect(await calls['runs.preflight'](request({ recipe: 'version: 1\nsteps: 3' }))).toMatchObject({
      error: { code: 'bad-recipe' },
    });
    expect(existsSync(join(folder, 'runs', '2'))).toBe(false);
  });

  it('warns of what is allowed but probably not meant', async () => {
    const { calls, request } = await project({ label: false });
    const recipe = {
      ...tinyRecipe,
      policy: { ...tinyRecipe.policy, steps: 3, promptsPerStep: 40, miniBatches: 2 },
      checkpoints: { everySteps: 10, keep: 2 },
      label: { ...tinyRecipe.label, samples: 1 },
    };
    const { warnings } = (await calls['runs.preflight'](request({ recipe: JSON.stringify(recipe) }))) as Preflight;
    const about = (words: string) => warnings.some((warning) => warning.includes(words));
    expect(about('checkpoints are made every 10')).toBe(true);
    expect(about('A step draws 40 problems')).toBe(true);
    expect(about('Only 6 problems to evaluate on')).toBe(true);
    expect(about('label.samples')).toBe(true);
    expect(about('policy.method.threshold.scale')).toBe(true);
  });
});

describe('the provider of a run', () => {
  it('is what the recipe says, or else what the settings say', async () => {
    const { calls, request, store, choose } = await project({ label: false });
    const providerOf = async (recipe: object) => {
      const { runId } = await calls['runs.create'](request({ recipe: JSON.stringify({ ...tinyRecipe, ...recipe }) }));
      return readRunFile(store.runs.get(runId)!.folder).engine?.provider;
    };
    expect(await providerOf({})).toBe('cpu');
    choose('webgpu');
    expect(await providerOf({})).toBe('webgpu');
    expect(await providerOf({ engine: { threads: 1, provider: 'cpu' } })).toBe('cpu');
  });

  it('is told with its costs before the run starts, unless it is the CPU', async () => {
    const { calls, request, choose } = await project({ label: false });
    const about = async () => {
      const { warnings } = (await calls['runs.preflight'](request())) as Preflight;
      return warnings.filter((warning) => warning.startsWith('Computes on'));
    };
    expect(await about()).toEqual([]);
    choose('webgpu');
    expect(await about()).toEqual([expect.stringContaining('not with the same last bits')]);
    choose('cuda');
    expect(await about()).toEqual([expect.stringContaining('cross the bus at every step')]);
  });

  it('is refused what it cannot do before anything is recorded', async () => {
    const { calls, request, store, choose } = await project({ label: false });
    const before = store.runs.list().length;
    choose('webgpu');
    const recipe = { ...tinyRecipe, policy: { ...tinyRecipe.policy, adapter: { base: 'float16' } } };
    const asked = calls['runs.create'](request({ recipe: JSON.stringify(recipe) }));
    await expect(asked).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('float32') });
    expect(store.runs.list()).toHaveLength(before);
  });
});

describe('creating a run', () => {
  it('holds out a part where none is named, and trains on nothing that is held out', async () => {
    const { calls, request, store } = await project({ label: false });
    const { runId } = await calls['runs.create'](request({ parentId: 1 }));
    const { train, heldout, baseModelId } = readRunFile(store.runs.get(runId)!.folder);
    expect([count(train), count(heldout), baseModelId]).toEqual([24, 6, 1]);
    const ids = (set: typeof train) =>
      (set?.problems ?? []).flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i));
    expect(ids(train).filter((id) => ids(heldout).includes(id))).toEqual([]);
    expect(store.runs.get(runId)).toMatchObject({ parentId: 1, state: 'queued', kind: 'pipeline' });
    expect(store.models.list()).toHaveLength(1);
  });

  it('takes a pool, and keeps its problems when it is removed', async () => {
    const { calls, request, store, all } = await project({ label: false });
    const poolId = store.pools.add({ datasetId: 1, name: 'few', createdMs: 1 }, Int32Array.of(3, 4, 9));
    const { runId } = await calls['runs.create'](request({ kind: 'label', train: { ...all, poolId } }));
    store.pools.remove(poolId);
    expect(readRunFile(store.runs.get(runId)!.folder).train!.problems).toEqual([
      [3, 4],
      [9, 9],
    ]);
    const gone = request({ train: { ...all, poolId } });
    await expect(calls['runs.create'](gone)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('refuses what is missing and leaves nothing behind', async () => {
    const { calls, request, store, folder } = await project({ label: false });
    const before = store.runs.list().length;
    await expect(calls['runs.create'](request({ train: null }))).rejects.toMatchObject({ code: 'usage' });
    await expect(calls['runs.create'](request({ modelId: 9 }))).rejects.toMatchObject({ code: 'not-found' });
    await expect(calls['runs.create'](request({ recipe: 'seed: x' }))).rejects.toMatchObject({ code: 'bad-recipe' });
    expect(store.runs.list()).toHaveLength(before);
    expect(existsSync(join(folder, 'runs', '2'))).toBe(false);
  });

  it('shows a run whose folder is gone in the list all the same', async () => {
    const { calls, store } = await project({ label: false });
    store.runs.create(
      { ...store.runs.get(1)!, folder: '/nowhere', name: 'Lost' },
      store.runs.stages(1).map(({ name, plannedUnits }) => ({ name, plannedUnits })),
    );
    expect(await calls['runs.list']({})).toMatchObject([{ name: 'Lost', model: 'unknown' }, { name: 'Tiny' }]);
  });
});

it('whole curves come in as many points as asked for, one answer per name', async () => {
  const { calls, store } = await project({ label: false });
  store.metrics.write(
    1,
    0,
    Array.from({ length: 100 }, (_, step) => ({ step, values: { loss: step, other: -step } })),
  );
  const series = await calls['runs.metrics']({ runId: 1, stage: 0, names: ['other', 'loss', 'none'], buckets: 10 });
  expect(series.map(({ name, mean }) => [name, mean.length, mean[0] ?? null])).toEqual([
    ['other', 10, -4.5],
    ['loss', 10, 4.5],
    ['none', 0, null],
  ]);
  expect(await calls['runs.series']({ runId: 1 })).toMatchObject([
    { name: 'loss', points: 100, lastStep: 99, lastValue: 99 },
    { name: 'other', lastValue: -99 },
  ]);
});

describe('recipes', () => {
  const { 'recipes.check': check, 'recipes.templates': templates } = recipeHandlers();

  it('are found wrong with every mistake and its line', async () => {
    const { recipe, problems } = await check({ yaml: 'version: 1\nseed: -3\npolicy:\n  stepps: 4\n  preset: aepoo\n' });
    expect(recipe).toBeNull();
    expect(problems.map(({ path, line }) => [path, line])).toEqual([
      ['policy.stepps', 4],
      ['seed', 2],
      ['policy.preset', 5],
    ]);
    expect(problems[0]!.message).toContain('steps');
    expect((await check({ yaml: 'version: 1\nname: [' })).problems[0]!.line).toBe(2);
  });

  it('say which settings they write out', async () => {
    const { written } = await check({ yaml: 'version: 1\npolicy:\n  schedule: { peak: 0.1 }\n' });
    expect(written).toEqual(['version', 'policy.schedule.peak']);
  });

  it('begin with templates that are right as they stand', async () => {
    for (const { key, yaml } of await templates({})) expect([key, (await check({ yaml })).problems]).toEqual([key, []]);
  });
});
