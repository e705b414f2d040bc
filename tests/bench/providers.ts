/**
 * Training and sampling on any provider, at sizes of 0.1 to 1.5 billion parameters, beside what the
 * device itself can do in the same run.
 *
 *   node core/cli/bootstrap.mjs tests/bench/providers.ts [--provider webgpu] [--sizes micro,tiny,0.1,0.4,0.5,1.5]
 *     [--rounds 5] [--threads N] [--rows 16] [--new-tokens 64] [--sequences 4] [--length 512] [--json FILE]
 *
 * The yardsticks are measured before every size: the rate of float32 matrix products (2048³, sixteen in a row; smaller on a slow device)
 * and of reading and writing memory (a sum of two large tensors). A training step is a supervised one of
 * `sequences` × `length` tokens, AdamW included; its floating-point work is counted as in ares bench and given as
 * a fraction of the matrix rate. A rollout is `rows` × `new tokens` from one-token prompts; every step of it must
 * read all weights once, which is given as a fraction of the memory rate. Medians over the rounds after a warm-up,
 * with least and most; random weights. --json appends one line per size to a file.
 */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LocalEngine } from '#core/engine/localEngine.ts';
import { parseTextConfig } from '#core/model/config.ts';
import { Graph } from '#core/tensor/graph.ts';
import { measureMatmulGflops } from '#core/tensor/matmulRate.ts';
import * as ops from '#core/tensor/ops.ts';
import { type Provider, providers } from '#core/tensor/provider.ts';
import { Session } from '#core/tensor/runtime.ts';
import { float32 } from '#core/tensor/types.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { writeRandomModel } from './randomModel.ts';

const common = {
  hidden_act: 'silu',
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  max_position_embeddings: 4096,
  tie_word_embeddings: true,
  eos_token_id: null,
};

function shape(
  type: string,
  hidden: number,
  layers: number,
  heads: number,
  kvHeads: number,
  ff: number,
  vocab: number,
) {
  return {
    ...common,
    model_type: type,
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    intermediate_size: ff,
    vocab_size: vocab,
  };
}

/** Shapes of models that people have, by their billions of parameters. */
const sizes: Readonly<Record<string, ReturnType<typeof shape>>> = {
  micro: shape('llama', 64, 2, 4, 2, 128, 512),
  tiny: shape('llama', 256, 4, 4, 4, 688, 4096),
  '0.1': shape('llama', 576, 30, 9, 3, 1536, 49_152),
  '0.4': shape('llama', 960, 32, 15, 5, 2560, 49_152),
  '0.5': shape('qwen2', 896, 24, 14, 2, 4864, 151_936),
  '1.5': shape('qwen2', 1536, 28, 12, 2, 8960, 151_936),
};

const { values } = parseArgs({
  options: {
    provider: { type: 'string', default: 'webgpu' },
    sizes: { type: 'string', default: '0.1,0.4,0.5,1.5' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    rows: { type: 'string', default: '16' },
    'new-tokens': { type: 'string', default: '64' },
    sequences: { type: 'string', default: '4' },
    length: { type: 'string', default: '512' },
    json: { type: 'string' },
  },
});
const provider = providers.find((name) => name === values.provider);
if (provider === undefined)
  throw new Error(`There is no provider "${values.provider}"; there are ${providers.join()}.`);
const [rounds, threads] = [Number(values.rounds), Number(values.threads)];
const [rows, newTokens] = [Number(values.rows), Number(values['new-tokens'])];
const [sequences, length] = [Number(values.sequences), Number(values.length)];
const adamw = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, maxGradientNorm: 1 };

for (const size of values.sizes.split(',')) {
  const config = sizes[size];
  if (config === undefined) throw new Error(`There is no size "${size}"; there are ${Object.keys(sizes).join()}.`);
  const folder = mkdtempSync(join(tmpdir(), 'ares-providers-'));
  try {
    const result = await measure(size, config, provider, folder);
    if (values.json !== undefined) appendFileSync(values.json, `${JSON.stringify(result)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(size: string, rawConfig: (typeof sizes)[string], on: Provider, folder: string) {
  const config = parseTextConfig(rawConfig, size);
  writeRandomModel(rawConfig, folder);
  const matmulGflops = await measureMatmulGflops(threads, on);
  const memoryGBs = await measureMemoryRate(on);
  const engine = new LocalEngine({
    threads,
    tokenBudget: sequences * length,
    checkpointBlocks: false,
    maxRows: rows,
    chunkTokens: 32,
    provider: on,
  });
  const openStartMs = performance.now();
  const { handle: model, parameters } = await engine.openModel(folder);
  const openMs = performance.now() - openStartMs;
  await engine.openTrainer(model, adamw);
  const random = new RandomSequence(2, Stream.initialisation);
  const tokens = (count: number) => Int32Array.from({ length: count }, () => random.integer(config.vocabSize));
  const batch = Array.from({ length: sequences }, () => ({ promptIds: tokens(1), responseIds: tokens(length - 1) }));
  const count = sequences * (length - 1);
  const loss = { kind: 'supervised' as const, weights: new Float32Array(count).fill(1 / count) };
  const jobs = Array.from({ length: rows }, (_, i) => ({
    promptIds: Int32Array.of(i),
    prefixIds: new Int32Array(0),
    promptKey: i,
    sampleKey: 0,
  }));
  const sampling = {
    temperature: 1,
    topK: 0,
    topP: 1,
    greedy: false,
    maxNewTokens: newTokens,
    stopIds: [],
    alternatives: 0,
  };
  const trainMs: number[] = [];
  const rolloutMs: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const train = await timed(() => engine.trainStep({ model, sequences: batch, loss, learningRate: 1e-5 }));
    const rollout = await timed(() => engine.generate({ model, jobs, seed: 1, step: round + 1, sampling }));
    // The first round compiles.
    if (round < 0) continue;
    trainMs.push(train);
    rolloutMs.push(rollout);
  }
  await engine.close();

  const { hiddenSize: d, layers, vocabSize } = config;
  const matrixWeights = parameters - (config.tiedEmbeddings ? 0 : vocabSize * d);
  const trainGflop = (sequences * length * (6 * matrixWeights + 12 * layers * length * d)) / 1e9;
  const [step, generation] = [summary(trainMs), summary(rolloutMs)];
  const result = {
    date: new Date().toISOString().slice(0, 10),
    provider: on,
    processor: cpus()[0]?.model ?? 'unknown',
    threads,
    load: Number(loadavg()[0]!.toFixed(1)),
    size,
    parameters,
    matmulGflops,
    memoryGBs,
    openMs,
    train: {
      ...step,
      sequences,
      length,
      gflop: trainGflop,
      ofMatmul: trainGflop / (step.medianMs / 1000) / matmulGflops,
    },
    rollout: {
      ...generation,
      rows,
      newTokens,
      tokensPerSecond: (rows * newTokens) / (generation.medianMs / 1000),
      ofMemory: (newTokens * 4 * parameters) / 1e9 / (generation.medianMs / 1000) / memoryGBs,
    },
  };
  const { train, rollout } = result;
  process.stdout.write(
    `${size}: ${(parameters / 1e6).toFixed(1)} M parameters on ${on}; products ${matmulGflops.toPrecision(3)} GFLOP/s, ` +
      `memory ${memoryGBs.toPrecision(3)} GB/s, load ${result.load}\n` +
      `  training step ${sequences} × ${length} tokens: ${spread(train)}, ` +
      `${((sequences * length) / (train.medianMs / 1000)).toFixed(0)} tokens/s, ${percent(train.ofMatmul)} of the products\n` +
      `  rollouts ${rows} × ${newTokens} tokens: ${spread(rollout)}, ${rollout.tokensPerSecond.toFixed(0)} tokens/s, ` +
      `${percent(rollout.ofMemory)} of reading the weights once a token\n`,
  );
  return result;
}

/** GB/s of a chain of x + y over large tensors: two read, one written. Smaller ones where the device is slow. */
async function measureMemoryRate(on: Provider): Promise<number> {
  const chain = 16;
  let rate = 0;
  for (const elements of [2 ** 20, 2 ** 24, 2 ** 26]) {
    const g = new Graph();
    const tensor = (name: string) => ops.expand(g, g.input(name, 'float32', [1, 1]), [1024, elements / 1024]);
    const addend = tensor('b');
    let sum = tensor('a');
    for (let i = 0; i < chain; i++) sum = ops.add(g, sum, addend);
    g.namedOutput(ops.reduceSum(g, sum, [0, 1]), 'total');
    const session = await Session.create(g.build(), { threads, optimisation: 'disabled', provider: on });
    const feeds = { a: float32(Float32Array.of(1), [1, 1]), b: float32(Float32Array.of(2), [1, 1]) };
    await session.run(feeds);
    let bestMs = Infinity;
    for (let i = 0; i < 3; i++) bestMs = Math.min(bestMs, await timed(() => session.run(feeds)));
    await session.release();
    rate = (chain * 3 * 4 * elements) / (bestMs * 1e6);
    if (bestMs > 200) break;
  }
  return rate;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

interface Summary {
  medianMs: number;
  leastMs: number;
  mostMs: number;
  rounds: number;
}

function summary(samplesMs: readonly number[]): Summary {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  return { medianMs: sorted[Math.floor(sorted.length / 2)]!, leastMs: sorted[0]!, mostMs: sorted.at(-1)!, rounds };
}

function spread({ medianMs, leastMs, mostMs }: Summary): string {
  return `${medianMs.toFixed(0)} ms (${leastMs.toFixed(0)}–${mostMs.toFixed(0)}, n ${rounds})`;
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(0)} %`;
}
