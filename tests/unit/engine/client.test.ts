/** The engine in its own process: same answers, typed errors, and a death that ends calls but not the host. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, OpenedModel } from '#core/engine/api.ts';
import { startEngine } from '#core/engine/client.ts';
import { LocalEngine } from '#core/engine/localEngine.ts';
import { writeTinyModel } from './tinyFolder.ts';

const options = { threads: 1, tokenBudget: 512, checkpointBlocks: false, maxRows: 8, chunkTokens: 8 };
const adamw = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxGradientNorm: 1 };
const scratch = mkdtempSync(join(tmpdir(), 'ares-test-'));
const folder = join(scratch, 'model');
const sequences = [{ promptIds: Int32Array.of(3, 4), responseIds: Int32Array.of(5, 6, 2) }];
const loss = { kind: 'supervised' as const, weights: new Float32Array(3).fill(1 / 3) };

beforeAll(() => writeTinyModel(folder));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function trainedScores(engine: Engine): Promise<{ model: OpenedModel; logprobs: Float32Array }> {
  const model = await engine.openModel(folder);
  await engine.openTrainer(model.handle, adamw);
  await engine.trainStep({ model: model.handle, sequences, loss, learningRate: 1e-2 });
  const { logprobs } = await engine.score({ model: model.handle, sequences, temperature: 1 });
  return { model, logprobs };
}

describe('startEngine', () => {
  it('gives the numbers that the engine gives in this process', async () => {
    const remote = await startEngine(options);
    const local = new LocalEngine(options);
    expect(await trainedScores(remote)).toEqual(await trainedScores(local));
    await remote.close();
    await local.close();
  });

  it('hands errors over with code, sentence and hint', async () => {
    const engine = await startEngine(options);
    await expect(engine.openModel(join(scratch, 'nowhere'))).rejects.toMatchObject({
      name: 'AresError',
      code: 'not-found',
    });
    await engine.close();
    await expect(engine.openModel(folder)).rejects.toMatchObject({ code: 'engine' });
  });

  it('reports progress of a generation while it runs', async () => {
    const engine = await startEngine(options);
    const { handle } = await engine.openModel(folder);
    const finished: number[] = [];
    const jobs = Array.from({ length: 20 }, (_, sampleKey) => ({
      promptIds: Int32Array.of(3),
      prefixIds: new Int32Array(0),
      promptKey: 0,
      sampleKey,
    }));
    const sampling = {
      temperature: 1,
      topK: 0,
      topP: 1,
      greedy: false,
      maxNewTokens: 16,
      stopIds: [],
      alternatives: 0,
    };
    await engine.generate({ model: handle, jobs, seed: 1, step: 0, sampling }, ({ finishedSequences }) =>
      finished.push(finishedSequences),
    );
    expect(finished.at(-1)).toBe(20);
    expect(finished.length).toBeGreaterThan(2);
    await engine.close();
  });

  it('ends at once when it is told to, in the middle of a call', async () => {
    const life = new AbortController();
    const engine = await startEngine(options, life.signal);
    const { handle } = await engine.openModel(folder);
    const jobs = [{ promptIds: Int32Array.of(3), prefixIds: new Int32Array(0), promptKey: 0, sampleKey: 0 }];
    const sampling = {
      temperature: 1,
      topK: 0,
      topP: 1,
      greedy: false,
      maxNewTokens: 16,
      stopIds: [],
      alternatives: 0,
    };
    const generated = engine.generate({ model: handle, jobs, seed: 1, step: 0, sampling });
    life.abort();
    await expect(generated).rejects.toMatchObject({ code: 'engine' });
    await expect(engine.memoryBytes()).rejects.toMatchObject({ code: 'engine' });
  });
});

describe('training state', () => {
  it('goes on after saving and loading exactly as if it had not been interrupted', async () => {
    const straight = new LocalEngine(options);
    const { handle } = await straight.openModel(folder);
    await straight.openTrainer(handle, adamw);
    const step = (engine: Engine, model: string) => engine.trainStep({ model, sequences, loss, learningRate: 1e-2 });
    await step(straight, handle);
    const saved = mkdtempSync(join(scratch, 'checkpoint-'));
    expect((await straight.saveTrainer(handle, saved)).toSorted()).toEqual([
      'optimizer.safetensors',
      'weights.safetensors',
    ]);
    await step(straight, handle);

    const resumed = new LocalEngine(options);
    const { handle: other } = await resumed.openModel(folder);
    await resumed.openTrainer(other, adamw);
    await resumed.loadTrainer(other, saved);
    await step(resumed, other);
    const score = (engine: Engine, model: string) => engine.score({ model, sequences, temperature: 1 });
    expect(await score(resumed, other)).toEqual(await score(straight, handle));
  });
});
