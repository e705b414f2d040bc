// The queue: one run after another, paused and stopped at safe points, and never taken down by a run.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { RunProgress } from '#core/contract/contract.ts';
import { startEngine } from '#core/engine/client.ts';
import { createChanges } from '#core/host/changes.ts';
import { createRun, createStoredRun } from '#core/host/createRun.ts';
import { executeRun } from '#core/host/executeRun.ts';
import type { RunQueue } from '#core/host/hostContext.ts';
import { createProject, openProject } from '#core/host/project.ts';
import { readRunFile } from '#core/host/runFile.ts';
import { openEndpointBook } from '#core/host/endpointBook.ts';
import { createRunQueue } from '#core/host/runQueue.ts';
import { createKeys } from '#core/remote/keys.ts';
import { MACHINE } from '#core/runs/machineMetrics.ts';
import { type Recipe, parseRecipe } from '#core/runs/recipe.ts';
import type { RunState } from '#core/store/runs.ts';
import { temporaryFolder, tinyRecipe, writeProblems, writeTinyModel } from '../../e2e/tinyProject.ts';

const limits = { threads: 1, memoryLimitBytes: null };
const silent = { progress: () => undefined, metrics: () => undefined, message: () => undefined };

function recipeOf(changes: object = {}): Recipe {
  return parseRecipe(JSON.stringify({ ...tinyRecipe, ...changes }), 'the recipe');
}
/** Long enough to be paused in the middle. */
const long = { ...tinyRecipe.policy, steps: 200 };

/** A project whose first run, from files, brought in a model and problems, and is taken out of the queue. */
async function project() {
  const folder = temporaryFolder();
  const { runId } = await createRun({
    projectFolder: join(folder, 'project'),
    kind: 'aepo',
    recipe: recipeOf(),
    dataFile: writeProblems(join(folder, 'data.jsonl'), 30),
    modelFolder: writeTinyModel(join(folder, 'model')),
  });
  const store = createProject(join(folder, 'project'));
  onTestFinished(() => store.close());
  store.runs.changeState({ runId, from: 'queued', to: 'stopped', nowMs: 1, owner: null, error: null });
  const open = { folder: join(folder, 'project'), store };
  const { baseModelId, train } = readRunFile(store.runs.get(runId)!.folder);
  const add = (recipe: Recipe) =>
    createStoredRun(
      open,
      {
        kind: 'aepo',
        recipe,
        modelId: baseModelId,
        train: { datasetId: train!.datasetId, split: 'train', poolId: null },
        heldout: { datasetId: train!.datasetId, split: 'heldout', poolId: null },
        parentId: null,
      },
      limits,
      openEndpointBook(folder, () => undefined),
    ).then((created) => created.runId);
  return { ...open, add };
}

function queueOn({ folder, store }: Awaited<ReturnType<typeof project>>): RunQueue {
  const queue = createRunQueue({
    project: { folder, store },
    changes: createChanges(),
    startEngine,
    makeRoom: () => Promise.resolve(),
    keys: createKeys(),
  });
  onTestFinished(() => queue.close());
  return queue;
}

/** Resolves when the progress of a run satisfies a condition. */
function until(queue: RunQueue, runId: number, condition: (progress: RunProgress) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const end = queue.follow(runId, (progress) => {
      if (!condition(progress)) return;
      queueMicrotask(() => end());
      resolve();
    });
  });
}
const state = (wanted: RunState) => (progress: RunProgress) => progress.state === wanted;
const inPolicy = ({ stages }: RunProgress) => stages.some(({ name, doneUnits }) => name === 'policy' && doneUnits >= 3);

/** What training left behind, without what depends on the machine. */
function result(project: { folder: string }, runId: number) {
  const store = openProject(project.folder);
  try {
    const { folder } = store.runs.get(runId)!;
    const model = readFileSync(join(folder, 'models', 'policy', 'model.safetensors')).toString('base64');
    const metrics = store.metrics
      .summaries(runId)
      .filter(({ name }) => !name.startsWith(MACHINE))
      .map(({ stage, name }) => [stage, name, [...store.metrics.read({ runId, stage, name }).value]]);
    return { model, metrics };
  } finally {
    store.close();
  }
}

it('works in the order of queueing, and goes on after a failure', async () => {
  const own = await project();
  const first = await own.add(recipeOf({ preflight: { minSignalFraction: 1 } }));
  const second = await own.add(recipeOf({ seed: 6 }));
  const queue = queueOn(own);
  expect(own.store.runs.waiting().map(({ runId }) => runId)).toEqual([first, second]);
  await until(queue, second, state('finished'));
  expect(own.store.runs.get(first)).toMatchObject({ state: 'failed', error: { code: 'no-signal' } });
  expect(own.store.runs.get(second)!.startedMs).toBeGreaterThanOrEqual(own.store.runs.get(first)!.endedMs!);
  expect(queue.progress(second)).toMatchObject({ fraction: 1, asked: null });
});

it('pauses with a checkpoint, and ends with the bits of a run that was not paused', async () => {
  const own = await project();
  const whole = await own.add(recipeOf());
  await executeRun({ projectFolder: own.folder, runId: whole, listener: silent, stopRequested: () => false });
  const runId = await own.add(recipeOf());
  const queue = queueOn(own);
  await until(queue, runId, inPolicy);
  expect(queue.current()).toBe(runId);
  await queue.pause(runId);
  expect(own.store.runs.get(runId)!.state).toBe('paused');
  expect(queue.current()).toBeNull();
  expect(own.store.checkpoints.newest(runId)!.step).toBeGreaterThanOrEqual(3);
  own.store.runs.changeState({ runId, from: 'paused', to: 'queued', nowMs: Date.now(), owner: null, error: null });
  queue.wake();
  await until(queue, runId, state('finished'));
  expect(result(own, runId)).toEqual(result(own, whole));
});

it('an engine that is killed interrupts the run and nothing else', async () => {
  const own = await project();
  const runId = await own.add(recipeOf({ policy: long }));
  const next = await own.add(recipeOf({ seed: 9 }));
  const queue = queueOn(own);
  await until(queue, runId, inPolicy);
  process.kill(engineProcess(), 'SIGKILL');
  await until(queue, next, state('finished'));
  expect(own.store.runs.get(runId)!.state).toBe('interrupted');
  expect(own.store.events.page(runId, 0, 1000).some(({ level }) => level === 'error')).toBe(true);
});

it('a run that is stopped is stopped, whether it waits or is at work', async () => {
  const own = await project();
  const atWork = await own.add(recipeOf({ policy: long }));
  const waiting = await own.add(recipeOf());
  const queue = queueOn(own);
  await until(queue, atWork, inPolicy);
  await queue.stop(waiting);
  expect(() => queue.pause(waiting)).toThrow(expect.objectContaining({ code: 'usage' }));
  await queue.stop(atWork);
  expect([atWork, waiting].map((runId) => own.store.runs.get(runId)!.state)).toEqual(['stopped', 'stopped']);
});

it('closing pauses the run at work and begins no other; opening marks what died', async () => {
  const own = await project();
  const first = await own.add(recipeOf({ policy: long }));
  const second = await own.add(recipeOf());
  const queue = queueOn(own);
  await until(queue, first, inPolicy);
  await queue.close();
  expect([first, second].map((runId) => own.store.runs.get(runId)!.state)).toEqual(['paused', 'queued']);
  const change = { runId: second, nowMs: 1, error: null };
  own.store.runs.changeState({ ...change, from: 'queued', to: 'running', owner: null });
  const announced = vi.fn();
  const reopened = createRunQueue({
    project: own,
    changes: { announce: announced },
    startEngine,
    makeRoom: () => Promise.resolve(),
    keys: createKeys(),
  });
  await reopened.close();
  expect(own.store.runs.get(second)!.state).toBe('interrupted');
  expect(announced).toHaveBeenCalledWith('runs');
});

it('keeps its problems when the dataset grows while it is paused', async () => {
  const own = await project();
  const runId = await own.add(recipeOf());
  const { train, heldout } = readRunFile(own.store.runs.get(runId)!.folder);
  const count = (set: typeof train) => set!.problems!.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  expect([count(train), count(heldout)]).toEqual([24, 6]);
  const { createdMs: _created, ...more } = { ...own.store.problems.get(1)!, id: 'new', key: 12345, createdMs: 0 };
  own.store.problems.append(train!.datasetId, [more]);
  await executeRun({ projectFolder: own.folder, runId, listener: silent, stopRequested: () => false });
  const evaluated = own.store.rollouts.columns({ runId, stage: 0, step: 0 });
  expect(new Set(evaluated.problemId).size).toBeLessThanOrEqual(6);
  expect(own.store.runs.get(runId)!.state).toBe('finished');
});

/** The one engine process of this process. */
function engineProcess(): number {
  const children = readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const parent = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1];
      return (
        parent === String(process.pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('engine/process.ts')
      );
    } catch {
      // It ended while we looked.
      return false;
    }
  });
  expect(children).toHaveLength(1);
  return Number(children[0]);
}
