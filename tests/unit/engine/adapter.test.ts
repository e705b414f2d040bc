/** Training an adapter on a frozen model: what changes, what is shared, and that all parts agree on what it computes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AdapterOptions } from '#core/engine/api.ts';
import { LocalEngine } from '#core/engine/localEngine.ts';
import { loadAdapter } from '#core/model/adapterFolder.ts';
import { parseTextConfig } from '#core/model/config.ts';
import { initialWeights } from '#core/model/initialise.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import { parameterSpecs } from '#core/model/parameters.ts';
import { readSafetensors, writeSafetensors } from '#core/model/safetensors.ts';
import { tinyConfig } from './fixtures.ts';

const adapter: AdapterOptions = { rank: 4, alpha: 8, targets: ['q_proj', 'down_proj'], seed: 3 };
const optimizer = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, maxGradientNorm: 1 };
const sequences = [
  [5, 6, 7, 8, 9],
  [10, 11, 12, 13],
].map((ids) => ({
  promptIds: Int32Array.of(ids[0]!),
  responseIds: Int32Array.from(ids.slice(1)),
}));
const tokens = sequences.reduce((sum, { responseIds }) => sum + responseIds.length, 0);

let folder: string;
let engine: LocalEngine;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ares-adapter-'));
  const base = join(folder, 'base');
  mkdirSync(base);
  const config = parseTextConfig({ ...tinyConfig('qwen2'), tie_word_embeddings: false }, 'test model');
  writeFileSync(join(base, 'config.json'), JSON.stringify({ ...tinyConfig('qwen2'), tie_word_embeddings: false }));
  const weights = initialWeights(config, 1, 0.3);
  writeSafetensors(
    join(base, 'model.safetensors'),
    parameterSpecs(config).map(({ name, shape }) => ({ name, shape, data: weights.get(name)! })),
  );
  engine = new LocalEngine({ threads: 1, tokenBudget: 64, checkpointBlocks: false, maxRows: 8, chunkTokens: 4 });
});

afterEach(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

async function adapted(options = adapter): Promise<string> {
  const { handle } = await engine.openModel(join(folder, 'base'));
  await engine.addAdapter(handle, options);
  await engine.openTrainer(handle, optimizer);
  return handle;
}

function step(model: string) {
  const weights = new Float32Array(tokens).fill(1 / tokens);
  return engine.trainStep({ model, sequences, loss: { kind: 'supervised', weights }, learningRate: 0.05 });
}

function score(model: string) {
  return engine.score({ model, sequences, temperature: 1 });
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

describe('an adapter', () => {
  it('changes nothing before it is trained, and lowers the loss when it is', async () => {
    const { handle: plain } = await engine.openModel(join(folder, 'base'));
    const model = await adapted();
    expect(largestDifference((await score(model)).logprobs, (await score(plain)).logprobs)).toBe(0);
    const first = await step(model);
    let last = first;
    for (let i = 0; i < 10; i++) last = await step(model);
    expect(last.loss).toBeLessThan(first.loss - 0.1);
  });

  it('is what generation samples from', async () => {
    const model = await adapted();
    await step(model);
    await step(model);
    const sampling = {
      temperature: 1,
      topK: 0,
      topP: 1,
      greedy: false,
      maxNewTokens: 12,
      stopIds: [],
      alternatives: 0,
    };
    const jobs = [0, 1, 2].map((sampleKey) => ({
      promptIds: Int32Array.of(5, 6),
      prefixIds: new Int32Array(0),
      promptKey: 1,
      sampleKey,
    }));
    const rollouts = await engine.generate({ model, jobs, seed: 1, step: 0, sampling });
    const scores = await engine.score({
      model,
      temperature: 1,
      sequences: jobs.map(({ promptIds }, i) => ({
        promptIds,
        responseIds: rollouts.ids.subarray(12 * i, 12 * i + 12),
      })),
    });
    expect(largestDifference(rollouts.logprobs, scores.logprobs)).toBeLessThanOrEqual(1e-5);
    expect(largestDifference(rollouts.entropiesNats, scores.entropiesNats)).toBeLessThanOrEqual(1e-5);
  });

  it('leaves the reference policy where it was, and the reference holds no copy of the weights', async () => {
    const model = await adapted();
    const { handle: reference, parameters } = await engine.cloneModel(model);
    const before = (await score(reference)).logprobs;
    await step(model);
    expect((await score(reference)).logprobs).toEqual(before);
    expect(largestDifference((await score(model)).logprobs, before)).toBeGreaterThan(1e-3);
    expect(parameters).toBe((await engine.openModel(join(folder, 'base'))).parameters);
    const { handle: trained } = await engine.cloneModel(model);
    const snapshot = (await score(trained)).logprobs;
    await step(model);
    expect((await score(trained)).logprobs).toEqual(snapshot);
  });

  it('leaves merged, and as a PEFT folder that computes the same on the base', async () => {
    const model = await adapted({ ...adapter, targets: ['q_proj', 'o_proj', 'gate_proj', 'lm_head'] });
    await step(model);
    const trained = (await score(model)).logprobs;
    await engine.saveModel(model, join(folder, 'merged'));
    await engine.saveAdapter(model, join(folder, 'adapter'));
    const { handle: merged } = await engine.openModel(join(folder, 'merged'));
    expect(largestDifference((await score(merged)).logprobs, trained)).toBeLessThanOrEqual(1e-5);
    const { handle: again } = await engine.openModel(join(folder, 'base'));
    await engine.loadAdapter(again, join(folder, 'adapter'));
    expect((await score(again)).logprobs).toEqual(trained);
    const base = openModelFolder(join(folder, 'base'));
    expect(Object.keys(loadAdapter(join(folder, 'adapter'), base).layout)).toContain('lm_head');
  });

  it('goes on after saving and loading exactly as if it had not been interrupted, without the base in the checkpoint', async () => {
    const model = await adapted();
    await step(model);
    const checkpoint = join(folder, 'checkpoint');
    mkdirSync(checkpoint);
    const files = await engine.saveTrainer(model, checkpoint);
    expect([...readSafetensors(join(checkpoint, files[0]!)).keys()].every((name) => name.includes('.lora_'))).toBe(
      true,
    );
    await step(model);
    const uninterrupted = (await score(model)).logprobs;
    const resumed = await adapted();
    await engine.loadTrainer(resumed, checkpoint);
    await step(resumed);
    expect((await score(resumed)).logprobs).toEqual(uninterrupted);
  });

  it('cannot be put on a model that is being trained, or twice', async () => {
    const model = await adapted();
    await expect(engine.addAdapter(model, adapter)).rejects.toThrow('only once');
  });
});
