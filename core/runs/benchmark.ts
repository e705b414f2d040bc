/**
 * How fast this machine trains and samples: the figures of `ares bench`.
 *
 * Owns: the three measured workloads (a training step, rollouts, a whole GRPO step) on a random model
 * of fixed shape, beside the machine's own matrix-product rate in the same run. It reports medians
 * with every sample; it judges nothing.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initialState } from '#core/ares/controllers.ts';
import { presetOptions } from '#core/ares/presets.ts';
import type { Engine, SamplingOptions } from '#core/engine/api.ts';
import { parseTextConfig } from '#core/model/config.ts';
import { initialWeights } from '#core/model/initialise.ts';
import { parameterSpecs } from '#core/model/parameters.ts';
import { writeSafetensors } from '#core/model/safetensors.ts';
import type { Tokenizer } from '#core/model/tokenizer.ts';
import { measureMatmulGflops } from '#core/tensor/matmulRate.ts';
import type { Provider } from '#core/tensor/provider.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { median } from '#core/util/statistics.ts';
import type { PreparedProblem } from './prompts.ts';
import { policyStep } from './policyStep.ts';
import type { Sampler } from './responses.ts';

/** Llama-style: 4 layers, width 256, SwiGLU 688, 4 heads, vocabulary 4096, untied. */
const benchConfig = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 256,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  intermediate_size: 688,
  vocab_size: 4096,
  max_position_embeddings: 1024,
  rms_norm_eps: 1e-6,
  hidden_act: 'silu',
  rope_theta: 10000,
  tie_word_embeddings: false,
  eos_token_id: null,
  torch_dtype: 'float32',
};

export interface Timing {
  medianMs: number;
  samplesMs: number[];
}

/** What it is measured on. */
export type Machine = Pick<BenchmarkReport, 'threads' | 'provider'>;

export interface BenchmarkReport {
  threads: number;
  provider: Provider;
  /** float32 matrix product 2048³, the median over the run's interleaved measurements. */
  matmulGflops: number;
  matmulSamplesGflops: number[];
  trainStep: Timing & {
    sequences: number;
    tokensPerSequence: number;
    gflop: number;
    gflops: number;
    fractionOfMatmul: number;
  };
  rollouts: (Timing & { sequences: number; newTokens: number; tokensPerSecond: number })[];
  grpoStep: Timing & { prompts: number; samples: number; promptTokens: number; newTokens: number; kl: true };
}

/**
 * Multiplications and additions of a training step, forward and backward: 6 per weight of a matrix
 * product and token, 12·T·d per layer and token for attention (causal masking is not discounted).
 */
function trainingGflop(tokens: number, length: number): number {
  const { hidden_size: d, num_hidden_layers: layers, intermediate_size: ff, vocab_size: vocab } = benchConfig;
  const weights = layers * (4 * d * d + 3 * d * ff) + d * vocab;
  return (tokens * (6 * weights + 12 * layers * length * d)) / 1e9;
}

/** Runs all workloads; they are interleaved with the matrix product, `rounds` times after a warm-up. */
export async function runBenchmark(
  engine: Engine,
  machine: Machine,
  rounds: number,
  onRound: (done: number) => void,
): Promise<BenchmarkReport> {
  const folder = mkdtempSync(join(tmpdir(), 'ares-bench-'));
  try {
    writeRandomModel(folder);
    return await measure(engine, folder, machine, rounds, onRound);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeRandomModel(folder: string): void {
  const config = parseTextConfig(benchConfig, 'benchmark');
  const weights = initialWeights(config, 1);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(benchConfig));
  const tensors = parameterSpecs(config).map(({ name, shape }) => ({ name, shape, data: weights.get(name)! }));
  writeSafetensors(join(folder, 'model.safetensors'), tensors);
}

async function measure(
  engine: Engine,
  folder: string,
  machine: Machine,
  rounds: number,
  onRound: (done: number) => void,
): Promise<BenchmarkReport> {
  const { handle: policy } = await engine.openModel(folder);
  const { handle: reference } = await engine.cloneModel(policy);
  const optimizer = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, maxGradientNorm: 1 };
  await engine.openTrainer(policy, optimizer);

  const random = new RandomSequence(1, Stream.initialisation, 1_000);
  const tokens = (count: number) => Int32Array.from({ length: count }, () => random.integer(benchConfig.vocab_size));
  const sequences = Array.from({ length: 16 }, () => ({ promptIds: tokens(1), responseIds: tokens(128) }));
  const weights = new Float32Array(16 * 128).fill(1 / (16 * 128));
  const train = () =>
    engine.trainStep({ model: policy, sequences, loss: { kind: 'supervised', weights }, learningRate: 1e-4 });

  const sampling = (maxNewTokens: number): SamplingOptions => ({
    temperature: 1,
    topK: 0,
    topP: 1,
    greedy: false,
    maxNewTokens,
    stopIds: [],
    alternatives: 0,
  });
  const rollout = (count: number, newTokens: number, step: number) => {
    const jobs = Array.from({ length: count }, (_, i) => ({
      promptIds: Int32Array.of(i),
      prefixIds: new Int32Array(0),
      promptKey: i,
      sampleKey: 0,
    }));
    return engine.generate({ model: policy, jobs, seed: 1, step, sampling: sampling(newTokens) });
  };

  const grpo = grpoWorkload(engine, policy, reference, sampling(64), tokens);

  const samples = {
    matmul: [] as number[],
    train: [] as number[],
    wide: [] as number[],
    long: [] as number[],
    grpo: [] as number[],
  };
  for (let round = -1; round < rounds; round++) {
    const gflops = await measureMatmulGflops(machine.threads, machine.provider);
    const trainMs = await timed(() => train());
    const longMs = await timed(() => rollout(16, 256, round + 1));
    const wideMs = await timed(() => rollout(64, 64, round + 1));
    const grpoMs = await timed(() => grpo(round + 1));
    // The first round compiles and warms up.
    if (round >= 0) {
      samples.matmul.push(gflops);
      samples.train.push(trainMs);
      samples.long.push(longMs);
      samples.wide.push(wideMs);
      samples.grpo.push(grpoMs);
    }
    onRound(round + 2);
  }
  return report(machine, samples);
}

function report(
  { threads, provider }: Machine,
  samples: Record<'matmul' | 'train' | 'wide' | 'long' | 'grpo', number[]>,
): BenchmarkReport {
  const timing = (samplesMs: number[]): Timing => ({ medianMs: median(samplesMs), samplesMs });
  const matmulGflops = median(samples.matmul);
  const gflop = trainingGflop(16 * 128, 128);
  const gflops = gflop / (median(samples.train) / 1e3);
  const rollouts = (sequences: number, newTokens: number, samplesMs: number[]) => ({
    ...timing(samplesMs),
    sequences,
    newTokens,
    tokensPerSecond: (sequences * newTokens) / (median(samplesMs) / 1e3),
  });
  return {
    threads,
    provider,
    matmulGflops,
    matmulSamplesGflops: samples.matmul,
    trainStep: {
      ...timing(samples.train),
      sequences: 16,
      tokensPerSequence: 128,
      gflop,
      gflops,
      fractionOfMatmul: gflops / matmulGflops,
    },
    rollouts: [rollouts(16, 256, samples.long), rollouts(64, 64, samples.wide)],
    grpoStep: { ...timing(samples.grpo), prompts: 8, samples: 8, promptTokens: 32, newTokens: 64, kl: true },
  };
}

/** 8 prompts × 8 samples, graded by the parity of the first token, so that every group teaches something. */
function grpoWorkload(
  engine: Engine,
  model: string,
  reference: string,
  sampling: SamplingOptions,
  tokens: (count: number) => Int32Array,
) {
  const problems = Array.from({ length: 8 }, (_, key): PreparedProblem => ({
    problemId: key,
    key,
    id: String(key),
    prompt: '',
    answer: '1',
    source: 'bench',
    promptIds: tokens(32),
  }));
  const tokenizer: Tokenizer = {
    vocabSize: benchConfig.vocab_size,
    specialIds: new Set(),
    encode: () => new Int32Array(0),
    decode: (ids) => `\\boxed{${ids[0]! % 2}}`,
    decodeToken: () => '',
  };
  const sampler: Sampler = {
    engine,
    model,
    tokenizer,
    sampling,
    seed: 1,
    triggers: new Uint8Array(benchConfig.vocab_size),
  };
  const method = presetOptions('grpo');
  return (step: number) =>
    policyStep(sampler, reference, () => problems, initialState(method), step, {
      method,
      promptsPerStep: problems.length,
      maxDraws: 1,
      miniBatches: 1,
      epochs: 1,
      learningRate: 1e-5,
    });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
