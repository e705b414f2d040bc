/** Calls about the program, projects and models, on a host as a front end gets it. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createClient } from '#core/contract/client.ts';
import type { Client } from '#core/contract/client.ts';
import type { Job } from '#core/contract/contract.ts';
import { toWireError } from '#core/contract/dispatch.ts';
import { type Workbench, createWorkbench } from '#core/host/workbench.ts';
import { resourcesFolder } from '#core/util/programFolder.ts';
import { COMMIT, startFakeHub } from '../remote/fakeHub.ts';

const sampleBase = join(resourcesFolder, 'sample', 'base');

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

it('brings a model from the hub into the project, and does not download it again', async () => {
  await client.call('projects.openSample', {});
  const files = new Map(readdirSync(sampleBase).map((name) => [name, readFileSync(join(sampleBase, name))]));
  const hub = await startFakeHub('someone/small', files);
  vi.stubEnv('HF_ENDPOINT', hub.url);
  try {
    await client.call('settings.set', { dataFolder: folder });
    const pull = { name: 'someone/small', revision: 'main' };
    const first = await ended((await client.call('models.pull', pull)).jobId);
    const target = join(folder, 'models', 'someone', 'small');
    expect(first).toMatchObject({ state: 'finished', unit: 'bytes', result: { folder: target, commit: COMMIT } });
    expect((await client.call('models.list', {})).map(({ name }) => name)).toContain('small');
    const requests = hub.requests.length;
    const again = await ended((await client.call('models.pull', pull)).jobId);
    expect(again).toMatchObject({ state: 'finished', result: { ...(first.result as object), commit: null } });
    expect(hub.requests).toHaveLength(requests);
    await expect(client.call('models.pull', { ...pull, name: '../up' })).rejects.toMatchObject({ code: 'usage' });
  } finally {
    vi.unstubAllEnvs();
    await hub.close();
  }
});

it.each<[string, (folder: string) => void, string, RegExp]>([
  [
    'of an architecture that is not known',
    (model) => {
      const path = join(model, 'config.json');
      writeFileSync(path, readFileSync(path, 'utf8').replace('"qwen2"', '"mamba"'));
      // It is said before anything is asked of the weights.
      rmSync(join(model, 'model.safetensors'));
    },
    'unsupported',
    /"mamba", which is not supported/,
  ],
  [
    'that holds an adapter alone',
    (model) => {
      rmSync(join(model, 'config.json'));
      writeFileSync(join(model, 'adapter_config.json'), '{}');
    },
    'unsupported',
    /LoRA adapter, not a whole model/,
  ],
  [
    'with pickled weights',
    (model) => {
      rmSync(join(model, 'model.safetensors'));
      writeFileSync(join(model, 'pytorch_model.bin'), 'pickle');
    },
    'not-found',
    /no \.safetensors weights/,
  ],
  ['whose tokenizer is missing', (model) => rmSync(join(model, 'tokenizer.json')), 'not-found', /tokenizer\.json/],
])('refuses a folder %s, and the project stays as it was', async (_, spoil, code, message) => {
  const { folder: sample } = await client.call('projects.openSample', {});
  const spoilt = join(folder, 'spoilt');
  cpSync(join(sample, 'models', 'base'), spoilt, { recursive: true });
  spoil(spoilt);
  const refusal = { code, message: expect.stringMatching(message) };
  await expect(client.call('models.add', { folder: spoilt })).rejects.toMatchObject(refusal);
  await expect(client.call('models.inspect', { folder: spoilt })).rejects.toMatchObject(refusal);
  expect((await client.call('models.list', {})).map(({ name }) => name)).toEqual(['base']);
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
