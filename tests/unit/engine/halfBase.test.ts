/** An adapter on a base that is kept as float16: the numbers of a rounded base, and no wide copy of it in memory. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalEngine } from '#core/engine/localEngine.ts';
import { buildTrainGraph } from '#core/engine/trainGraph.ts';
import { parseTextConfig } from '#core/model/config.ts';
import { float16ToFloat32, float32ToFloat16 } from '#core/model/dtypes.ts';
import { initialWeights } from '#core/model/initialise.ts';
import { loraLayout, loraSpecs } from '#core/model/lora.ts';
import { parameterSpecs } from '#core/model/parameters.ts';
import { readSafetensors, writeSafetensors } from '#core/model/safetensors.ts';
import { footprint } from '#core/tensor/footprint.ts';
import { tinyConfig } from './fixtures.ts';

const adapter = { rank: 4, alpha: 8, targets: 'all', seed: 3 } as const;
const optimizer = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, maxGradientNorm: 1 };
const sequences = [
  [5, 6, 7, 8, 9],
  [10, 11, 12, 13],
].map((ids) => ({ promptIds: Int32Array.of(ids[0]!), responseIds: Int32Array.from(ids.slice(1)) }));
const tokens = sequences.reduce((sum, { responseIds }) => sum + responseIds.length, 0);

let folder: string;
let engine: LocalEngine;

/** A model folder, its matrices as they are or rounded to what float16 can hold. */
function writeModel(name: string, tied: boolean, isRounded: boolean): string {
  const raw = { ...tinyConfig('qwen2'), tie_word_embeddings: tied };
  const config = parseTextConfig(raw, 'test model');
  const weights = initialWeights(config, 1, 0.3);
  const own = join(folder, name);
  mkdirSync(own);
  writeFileSync(join(own, 'config.json'), JSON.stringify(raw));
  const tensors = parameterSpecs(config).map(({ name: tensor, shape }) => {
    const data = weights.get(tensor)!;
    const rounds = isRounded && shape.length === 2;
    return { name: tensor, shape, data: rounds ? float16ToFloat32(float32ToFloat16(data)) : data };
  });
  writeSafetensors(join(own, 'model.safetensors'), tensors);
  return own;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ares-half-'));
  engine = new LocalEngine({ threads: 1, tokenBudget: 8, checkpointBlocks: true, maxRows: 8, chunkTokens: 4 });
});

afterEach(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

/** Three steps; then what the model computes, samples and keeps. */
async function trained(model: string, base: 'float32' | 'float16', saved: string) {
  const { handle } = await engine.openModel(model);
  await engine.addAdapter(handle, { ...adapter, base });
  await engine.openTrainer(handle, optimizer);
  const weights = new Float32Array(tokens).fill(1 / tokens);
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) {
    const loss = { kind: 'supervised', weights } as const;
    losses.push((await engine.trainStep({ model: handle, sequences, loss, learningRate: 0.01 })).loss);
  }
  const { logprobs } = await engine.score({ model: handle, sequences, temperature: 1 });
  const job = { promptIds: Int32Array.of(5, 6), prefixIds: new Int32Array(0), promptKey: 1, sampleKey: 2 };
  const sampling = { temperature: 1, topK: 0, topP: 1, greedy: true, maxNewTokens: 12, stopIds: [], alternatives: 0 };
  const { ids } = await engine.generate({ model: handle, jobs: [job], seed: 1, step: 0, sampling });
  await engine.saveModel(handle, saved);
  return { losses, logprobs: [...logprobs], ids: [...ids], merged: readSafetensors(join(saved, 'model.safetensors')) };
}

describe.each([true, false])('a base kept as float16 (tied embedding: %s)', (tied) => {
  it('trains, scores, samples and merges as the base rounded to float16 does', async () => {
    const half = await trained(writeModel('base', tied, false), 'float16', join(folder, 'half'));
    const rounded = await trained(writeModel('rounded', tied, true), 'float32', join(folder, 'whole'));
    half.losses.forEach((loss, i) => expect(loss).toBeCloseTo(rounded.losses[i]!, 5));
    half.logprobs.forEach((logprob, i) => expect(logprob).toBeCloseTo(rounded.logprobs[i]!, 4));
    expect(half.ids).toEqual(rounded.ids);
    for (const [name, { data }] of half.merged) {
      const other = rounded.merged.get(name)!.data as Float32Array;
      (data as Float32Array).forEach((value, i) => expect(Math.abs(value - other[i]!)).toBeLessThan(1e-4));
    }
  });

  it('is near the base that is not rounded', async () => {
    const model = writeModel('base', tied, false);
    const half = await trained(model, 'float16', join(folder, 'half'));
    const whole = await trained(model, 'float32', join(folder, 'whole'));
    half.losses.forEach((loss, i) => expect(Math.abs(loss - whole.losses[i]!)).toBeLessThan(5e-3));
  });
});

it('widens one matrix at a time: the graph holds hardly more than with float32 weights', () => {
  const config = parseTextConfig({ ...tinyConfig('qwen2'), hidden_size: 256, intermediate_size: 1024 }, 'test model');
  const layout = loraLayout(config, { rank: 4, scaling: 2 }, 'all');
  const trainedNames = loraSpecs(config, layout).map(({ name }) => name);
  const aliveBytes = (isHalf: boolean) => {
    const { graph } = buildTrainGraph(
      { config, layout, isHalf },
      {
        loss: { kind: 'supervised' },
        checkpointBlocks: false,
        perRowMask: false,
        inParts: { attention: false, logits: false },
        trained: trainedNames,
      },
    );
    return footprint(graph, { B: 1, T: 4, R: 4, P: 4 }).aliveBytes;
  };
  const widest = 4 * 256 * 1024;
  expect(aliveBytes(true) - aliveBytes(false)).toBeLessThan(1.5 * widest);
});
