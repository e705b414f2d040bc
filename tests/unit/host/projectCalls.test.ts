/** Calls about the program, projects and models, on a host as a front end gets it. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createClient } from '#core/contract/client.ts';
import type { Client } from '#core/contract/client.ts';
import type { Job } from '#core/contract/contract.ts';
import { toWireError } from '#core/contract/dispatch.ts';
import { type Workbench, createWorkbench } from '#core/host/workbench.ts';

let folder: string;
let workbench: Workbench;
let client: Client;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ares-calls-'));
  workbench = createWorkbench({ shell: 'serve', userFolder: join(folder, 'user'), report: () => undefined });
  const handlers = workbench.handlers as unknown as Record<string, (request: unknown) => unknown>;
  client = createClient({
    call: async (name, request) => {
      try {
        return await handlers[name]!(request);
      } catch (thrown) {
        throw toWireError(thrown);
      }
    },
    subscribe: () => () => undefined,
  });
});
afterEach(async () => {
  await workbench.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The job as it ended. */
async function ended(jobId: number): Promise<Job> {
  return new Promise((resolve) => {
    workbench.host.jobs.follow(jobId, (job) => {
      if (job.state !== 'running') resolve(job);
    });
  });
}

it('opens the sample, the same one when two ask at once', async () => {
  const [first, second] = await Promise.all([
    client.call('projects.openSample', {}),
    client.call('projects.openSample', {}),
  ]);
  expect(first).toMatchObject({ isSample: true, datasets: 1, models: 1, runs: 0 });
  expect(second).toEqual(first);
  expect(await client.call('projects.current', {})).toEqual(first);
  expect(await client.call('app.info', {})).toMatchObject({ shell: 'serve', isFirstStart: true });
  await client.call('settings.set', { isTourDone: true });
  expect((await client.call('app.info', {})).isFirstStart).toBe(false);
});

it('remembers projects and says which are gone', async () => {
  const other = join(folder, 'other');
  await client.call('projects.open', { folder: other, create: true });
  await client.call('projects.openSample', {});
  rmSync(other, { recursive: true });
  const recent = await client.call('projects.recent', {});
  expect(recent.map(({ name, isMissing }) => [name, isMissing])).toEqual([
    ['sample', false],
    ['other', true],
  ]);
  await expect(client.call('projects.open', { folder: 'relative', create: true })).rejects.toMatchObject({
    code: 'usage',
  });
});

it('begins choosing in the data folder, which is made when it is looked at', async () => {
  const dataFolder = join(folder, 'data');
  await client.call('settings.set', { dataFolder });
  expect(await client.call('files.list', { folder: null })).toMatchObject({ folder: dataFolder, entries: [] });
});

it('brings a model in, lists it, and exports it with its card', async () => {
  const { folder: sample } = await client.call('projects.openSample', {});
  const mine = join(folder, 'mine');
  cpSync(join(sample, 'models', 'base'), mine, { recursive: true });
  const { modelId } = await client.call('models.add', { folder: mine });
  expect(await client.call('models.add', { folder: mine })).toEqual({ modelId });
  const models = await client.call('models.list', {});
  expect(models.map(({ name, runId, error }) => [name, runId, error])).toEqual([
    ['base', null, null],
    ['mine', null, null],
  ]);
  const target = join(folder, 'exported');
  const { jobId } = await client.call('models.export', { modelId, target, format: 'huggingface' });
  expect(await ended(jobId)).toMatchObject({ state: 'finished', result: { path: target } });
  expect(readFileSync(join(target, 'README.md'), 'utf8')).toContain('# mine');
  const again = await client.call('models.export', { modelId, target, format: 'huggingface' });
  expect(await ended(again.jobId)).toMatchObject({ state: 'failed', error: { code: 'usage' } });
  rmSync(mine, { recursive: true });
  const [, gone] = await client.call('models.list', {});
  expect(gone).toMatchObject({ details: null, error: { code: 'not-found' } });
});

it('refuses a folder whose weights are not those of its configuration', async () => {
  const { folder: sample } = await client.call('projects.openSample', {});
  const cut = join(folder, 'cut');
  cpSync(join(sample, 'models', 'base'), cut, { recursive: true });
  const config = JSON.parse(readFileSync(join(cut, 'config.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(cut, 'config.json'), JSON.stringify({ ...config, num_hidden_layers: 9, layer_types: undefined }));
  await expect(client.call('models.add', { folder: cut })).rejects.toMatchObject({ code: 'bad-file' });
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  await expect(client.call('models.inspect', { folder: empty })).rejects.toMatchObject({ code: 'not-found' });
  expect(await client.call('models.list', {})).toHaveLength(1);
  expect(existsSync(join(cut, 'model.safetensors'))).toBe(true);
});
