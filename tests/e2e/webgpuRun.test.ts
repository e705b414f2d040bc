// A run on WebGPU whose engine is taken down: interrupted, never the host, and resumed to its end.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Engine } from '#core/engine/api.ts';
import type { EngineChannel } from '#core/engine/channel.ts';
import { startEngine } from '#core/engine/client.ts';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import { createRun } from '#core/host/createRun.ts';
import { executeRun, resumeRun } from '#core/host/executeRun.ts';
import { readRunFile } from '#core/host/runFile.ts';
import { parseRecipe } from '#core/runs/recipe.ts';
import { openStore } from '#core/store/store.ts';
import { describeWithWebGpu } from '../softwareAdapter.ts';
import { temporaryFolder, tinyRecipe, writeProblems, writeTinyModel } from './tinyProject.ts';

const recipe = {
  ...tinyRecipe,
  policy: { ...tinyRecipe.policy, steps: 2, promptsPerStep: 2, miniBatches: 1, maxDraws: 1 },
  label: { ...tinyRecipe.label, samples: 4, extraSamples: 0 },
  evaluation: { ...tinyRecipe.evaluation, samples: 1 },
  checkpoints: { everySteps: 1, keep: 2 },
  engine: { threads: 1, provider: 'webgpu' },
};
const silent = { progress: () => undefined, metrics: () => undefined, message: () => undefined };

/** An engine whose process aborts, as it does when a driver fails, while it works on its third training step. */
async function startDoomedEngine(options: EngineOptions): Promise<Engine> {
  const child = fork(new URL('../../core/engine/process.ts', import.meta.url), { serialization: 'advanced' });
  let steps = 0;
  const channel: EngineChannel = {
    send(message) {
      child.send(message);
      if (message.kind !== 'call' || message.method !== 'trainStep' || ++steps < 3) return;
      child.kill('SIGABRT');
    },
    listen({ message, end }) {
      child.on('message', message);
      child.on('exit', (code, signal) => end({ code, signal }));
    },
    release: () => child.disconnect(),
    kill: () => void child.kill('SIGKILL'),
  };
  return startEngine(options, undefined, channel);
}

describeWithWebGpu('a run on WebGPU', () => {
  it('is interrupted when its engine aborts, and goes on to its end when it is resumed', async () => {
    const folder = temporaryFolder();
    const projectFolder = join(folder, 'project');
    const { runId, folder: runFolder } = await createRun({
      projectFolder,
      kind: 'pipeline',
      recipe: parseRecipe(JSON.stringify(recipe), 'the recipe'),
      dataFile: writeProblems(join(folder, 'data.jsonl'), 30),
      modelFolder: writeTinyModel(join(folder, 'model')),
    });
    expect(readRunFile(runFolder).engine!.provider).toBe('webgpu');
    const execution = { projectFolder, runId, listener: silent, stopRequested: () => false };
    await expect(executeRun({ ...execution, startEngine: startDoomedEngine })).rejects.toMatchObject({
      code: 'engine',
      message: expect.stringContaining('SIGABRT'),
    });
    const store = openStore(join(projectFolder, 'ares.db'));
    try {
      expect(store.runs.get(runId)?.state).toBe('interrupted');
      expect(store.events.page(runId, 0, 100).map(({ message }) => message)).toContainEqual(
        expect.stringContaining('not with the same last bits'),
      );
    } finally {
      store.close();
    }
    await expect(resumeRun(execution)).resolves.toMatchObject({ state: 'finished' });
  });
});
