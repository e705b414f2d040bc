/** The check of a provider: whatever happens to its engine is a finding. */
import { expect, it } from 'vitest';
import type { EngineChannel } from '#core/engine/channel.ts';
import { startEngine } from '#core/engine/client.ts';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import { LocalEngine } from '#core/engine/localEngine.ts';
import { providerLines } from '#core/cli/commands/doctor.ts';
import { checkProvider } from '#core/host/providers.ts';

const local = async (options: EngineOptions) => new LocalEngine(options);
const neverStarted = () => Promise.reject(new Error('It must not be started.'));

it('trains and samples on the CPU', async () => {
  expect(await checkProvider('cpu', local)).toMatchObject({
    works: true,
    detail: expect.stringMatching(/^Trains and samples: \d+ ms/),
    next: null,
  });
});

it('says where a provider is, and does not try it elsewhere', async () => {
  const dml = await checkProvider('dml', neverStarted, 'linux-x64');
  expect(dml).toMatchObject({ works: false, detail: 'The runtime has it only on Windows.', next: null });
  expect(await checkProvider('webgpu', neverStarted, 'darwin-x64')).toMatchObject({ works: false, next: null });
});

it('says how to add the libraries of CUDA', async () => {
  const engine = () =>
    Promise.reject(new Error('OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library'));
  expect(await checkProvider('cuda', engine, 'linux-x64')).toMatchObject({
    works: false,
    detail: 'Its libraries cannot be loaded.',
    next: expect.stringContaining('--onnxruntime-node-install=cuda12'),
  });
});

it('finds that the process of an engine was taken down', async () => {
  const dying: EngineChannel = {
    send: () => undefined,
    listen: ({ end }) => queueMicrotask(() => end({ code: null, signal: 'SIGABRT' })),
    release: () => undefined,
    kill: () => undefined,
  };
  const finding = await checkProvider('webgpu', (options) => startEngine(options, undefined, dying), 'linux-x64');
  expect(finding).toMatchObject({ works: false, detail: expect.stringContaining('SIGABRT') });
  expect(finding.next).toContain('driver');
});

it('finds that a device computes wrongly', async () => {
  class Wrong extends LocalEngine {
    override async trainStep(request: Parameters<LocalEngine['trainStep']>[0]) {
      return { ...(await super.trainStep(request)), loss: 7 };
    }
  }
  const finding = await checkProvider('cpu', async (options) => new Wrong(options));
  expect(finding).toMatchObject({ works: false, detail: expect.stringContaining('computes wrongly') });
});

it('is printed with what can be done, and without the costs of what cannot work here', () => {
  const facts = { about: 'Crosses the bus.', next: null };
  const lines = providerLines([
    { provider: 'cpu', title: 'CPU', works: true, detail: 'Trains.', ...facts },
    { provider: 'cuda', title: 'CUDA', works: false, detail: 'Missing.', ...facts, next: 'Install it.' },
    { provider: 'dml', title: 'DirectML', works: false, detail: 'Elsewhere.', ...facts },
  ]);
  expect(lines).toEqual([
    'works  cpu   Trains.',
    '       Crosses the bus.',
    'no     cuda  Missing.',
    '       Crosses the bus.',
    '       next: Install it.',
    'no     dml   Elsewhere.',
  ]);
});
