/** The engine on WebGPU: the same training as on the CPU, nothing left behind on the device, and resumable. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine, PolicyLoss, RolloutJob, SamplingOptions, Sequence } from '#core/engine/api.ts';
import { LocalEngine } from '#core/engine/localEngine.ts';
import { deviceTensorCount } from '#core/tensor/runtime.ts';
import { describeWithWebGpu } from '../softwareAdapter.ts';
import { writeTinyModel } from '../unit/engine/tinyFolder.ts';

const options = { threads: 1, tokenBudget: 32, checkpointBlocks: false, maxRows: 4, chunkTokens: 8 };
const adamw = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01, maxGradientNorm: 1 };
/** More than one micro-batch of the budget. */
const sequences: Sequence[] = [
  { promptIds: Int32Array.of(5, 6), responseIds: Int32Array.of(7, 8, 9, 2) },
  { promptIds: Int32Array.of(3), responseIds: Int32Array.of(4, 2) },
  { promptIds: Int32Array.of(9, 9, 9, 8), responseIds: Int32Array.of(1, 2, 3, 4, 5, 6, 7) },
  { promptIds: Int32Array.from({ length: 20 }, (_, i) => i + 3), responseIds: Int32Array.of(4, 2, 5) },
];
const tokens = 16;
const supervised = { kind: 'supervised' as const, weights: new Float32Array(tokens).fill(1 / tokens) };
const ramp = (scale: number, offset: number) =>
  Float32Array.from({ length: tokens }, (_, i) => scale * Math.sin(i + 1) + offset);
const policy: PolicyLoss = {
  kind: 'policy',
  temperature: 0.8,
  clipLow: 0.2,
  clipHigh: 0.3,
  dualClip: 3,
  ratioLevel: 'sequence',
  oldLogprobs: ramp(0.1, -4),
  refLogprobs: ramp(0.2, -4),
  advantages: ramp(1, 0),
  weights: new Float32Array(tokens).fill(1 / tokens),
  klWeights: new Float32Array(tokens).fill(0.02),
};
/** Ragged prompts, one of a single token, three samples of each: more jobs than rows. */
const jobs: RolloutJob[] = [[5], [9, 8, 7, 6], [11, 12], [3, 4, 5, 6, 7, 8, 9, 10, 11]].flatMap((prompt, promptKey) =>
  [0, 1, 2].map((sampleKey) => ({
    promptIds: Int32Array.from(prompt),
    prefixIds: new Int32Array(0),
    promptKey,
    sampleKey,
  })),
);
const sampling: SamplingOptions = {
  temperature: 0.9,
  topK: 0,
  topP: 1,
  greedy: false,
  maxNewTokens: 24,
  stopIds: [2, 7],
  alternatives: 0,
};

const scratch = mkdtempSync(join(tmpdir(), 'ares-test-'));
const folder = join(scratch, 'model');
beforeAll(() => writeTinyModel(folder));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const step = (engine: Engine, model: string, loss = supervised as typeof supervised | PolicyLoss) =>
  engine.trainStep({ model, sequences, loss, learningRate: 1e-2 });
const score = (engine: Engine, model: string) => engine.score({ model, sequences, temperature: 1 });

function expectClose(a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number): void {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++)
    expect(Math.abs(a[i]! - b[i]!)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(b[i]!)));
}

describeWithWebGpu('an engine on WebGPU', () => {
  let gpu: LocalEngine;
  let cpu: LocalEngine;
  beforeAll(() => {
    gpu = new LocalEngine({ ...options, provider: 'webgpu' });
    cpu = new LocalEngine(options);
  });
  afterAll(async () => {
    await gpu.close();
    await cpu.close();
    expect(deviceTensorCount()).toBe(0);
  });

  it.each(['all weights', 'an adapter'])(
    'trains %s as the CPU does, and keeps its reference as it was',
    async (what) => {
      const results = [];
      for (const engine of [cpu, gpu]) {
        const { handle } = await engine.openModel(folder);
        if (what === 'an adapter') await engine.addAdapter(handle, { rank: 4, alpha: 8, targets: 'all', seed: 3 });
        await engine.openTrainer(handle, adamw);
        const reference = await engine.cloneModel(handle);
        const steps = [await step(engine, handle), await step(engine, handle, policy), await step(engine, handle)];
        const after = await score(engine, handle);
        results.push({ steps, after, reference: await score(engine, reference.handle) });
        await engine.closeModel(reference.handle);
        await engine.closeModel(handle);
      }
      const [expected, actual] = results as [(typeof results)[0], (typeof results)[0]];
      actual.steps.forEach((result, i) => {
        expectClose([result.loss], [expected.steps[i]!.loss], 1e-5);
        expectClose([result.gradientNorm], [expected.steps[i]!.gradientNorm], 1e-5);
        expectClose(result.logprobs, expected.steps[i]!.logprobs, 1e-5);
      });
      expectClose(actual.after.logprobs, expected.after.logprobs, 1e-5);
      expectClose(actual.after.entropiesNats, expected.after.entropiesNats, 1e-5);
      expectClose(actual.reference.logprobs, expected.reference.logprobs, 1e-5);
    },
  );

  it.each([
    ['inverse CDF', {}],
    ['top-k with alternatives', { topK: 5, alternatives: 3 }],
    ['top-p', { topP: 0.7 }],
  ])('samples by %s what its scorer scores, whatever the chunks and rows', async (_, changes) => {
    const { handle } = await gpu.openModel(folder);
    const request = { model: handle, jobs, seed: 5, step: 3, sampling: { ...sampling, ...changes } };
    const rollouts = await gpu.generate(request);
    const onCpu = await cpu.openModel(folder);
    const expected = await cpu.generate({ ...request, model: onCpu.handle });
    expect([...rollouts.ids]).toEqual([...expected.ids]);
    expect(rollouts.alternativeIds).toEqual(expected.alternativeIds);
    expectClose(rollouts.alternativeLogprobs ?? [], expected.alternativeLogprobs ?? [], 1e-5);
    let offset = 0;
    const sampled = jobs.map(({ promptIds }, i) => ({
      promptIds,
      responseIds: rollouts.ids.slice(offset, (offset += rollouts.lengths[i]!)),
    }));
    const scores = await gpu.score({ model: handle, sequences: sampled, temperature: sampling.temperature });
    expectClose(rollouts.logprobs, scores.logprobs, 1e-5);
    expectClose(rollouts.entropiesNats, scores.entropiesNats, 1e-5);
    const other = new LocalEngine({ ...options, provider: 'webgpu', maxRows: 5, chunkTokens: 3 });
    const again = await other.openModel(folder);
    expect([...(await other.generate({ ...request, model: again.handle })).ids]).toEqual([...rollouts.ids]);
    await other.close();
    await gpu.closeModel(handle);
  });

  it('holds no more tensors on the device after 50 steps than after one', async () => {
    const { handle } = await gpu.openModel(folder);
    await gpu.openTrainer(handle, adamw);
    const reference = await gpu.cloneModel(handle);
    const counts = new Set<number>();
    for (let i = 0; i < 50; i++) {
      await step(gpu, handle, policy);
      if (i % 10 === 0) await gpu.generate({ model: handle, jobs, seed: 1, step: i, sampling });
      counts.add(deviceTensorCount());
    }
    expect(counts.size).toBe(1);
    await gpu.closeModel(reference.handle);
    await gpu.closeModel(handle);
    expect(deviceTensorCount()).toBe(0);
  });

  it('goes on from a checkpoint, and saves a model that the CPU reads', async () => {
    const { handle } = await gpu.openModel(folder);
    await gpu.openTrainer(handle, adamw);
    await step(gpu, handle);
    const saved = mkdtempSync(join(scratch, 'checkpoint-'));
    await gpu.saveTrainer(handle, saved);
    await gpu.saveModel(handle, join(saved, 'model'));
    const onCpu = await cpu.openModel(join(saved, 'model'));
    expectClose((await score(cpu, onCpu.handle)).logprobs, (await score(gpu, handle)).logprobs, 1e-5);

    const { handle: other } = await gpu.openModel(folder);
    await gpu.openTrainer(other, adamw);
    await gpu.loadTrainer(other, saved);
    const [straight, resumed] = [await step(gpu, handle), await step(gpu, other)];
    expectClose([resumed.loss], [straight.loss], 1e-5);
    expectClose((await score(gpu, other)).logprobs, (await score(gpu, handle)).logprobs, 1e-5);
    await gpu.closeModel(other);
    await gpu.closeModel(handle);
  });
});
