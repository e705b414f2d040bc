/**
 * Memory and time of training at the sizes people have, beside the planner's estimate.
 *
 *   node tests/bench/memory.ts [--shapes sample,bench,wide,long,half] [--adapter] [--threads 2] [--json]
 *
 * Every shape is measured in a process of its own: a supervised step and a whole policy step (rollouts,
 * reference log-probs, update) on a model of random weights. The peak is the process's largest resident set.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LocalEngine } from '#core/engine/localEngine.ts';
import { chooseEngineOptions, estimateMemory, workloadOf } from '#core/host/memory.ts';
import { parseTextConfig } from '#core/model/config.ts';
import { parameterSpecs } from '#core/model/parameters.ts';
import { writeSafetensors } from '#core/model/safetensors.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { type MemoryShape, memoryShapes } from './memoryShapes.ts';

interface Measurement {
  shape: string;
  adapter: boolean;
  parameters: number;
  peakBytes: number;
  estimatedBytes: number;
  supervisedMs: number;
  policyMs: number;
}

const adapter = { rank: 16, alpha: 32, targets: 'all' } as const;

const { values } = parseArgs({
  options: {
    shapes: { type: 'string', default: memoryShapes.map(({ name }) => name).join(',') },
    adapter: { type: 'boolean', default: false },
    threads: { type: 'string', default: '2' },
    /** One shape, in this process, on a model that is there. Given to the children. */
    measure: { type: 'string' },
    model: { type: 'string' },
  },
});

if (values.measure !== undefined) {
  const shape = memoryShapes.find(({ name }) => name === values.measure)!;
  process.stdout.write(
    `${JSON.stringify(await measure(shape, values.model!, values.adapter, Number(values.threads)))}\n`,
  );
} else {
  for (const name of values.shapes.split(',')) {
    const shape = memoryShapes.find((each) => each.name === name);
    if (shape === undefined) throw new Error(`There is no shape "${name}".`);
    const folder = mkdtempSync(join(tmpdir(), 'ares-memory-'));
    try {
      writeModel(shape, folder);
      const args = [import.meta.filename, '--measure', name, '--model', folder, '--threads', values.threads];
      const child = spawnSync(process.execPath, values.adapter ? [...args, '--adapter'] : args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      if (child.status !== 0) throw new Error(`Shape ${name} ended with ${child.status ?? child.signal}.`);
      const result = JSON.parse(child.stdout) as Measurement;
      const ratio = (result.estimatedBytes / result.peakBytes).toFixed(2);
      console.log(
        `${name}${values.adapter ? ' LoRA' : ''}: ${(result.parameters / 1e6).toFixed(1)} M parameters, peak ` +
          `${gib(result.peakBytes)}, estimate ${gib(result.estimatedBytes)} (${ratio}), supervised step ` +
          `${seconds(result.supervisedMs)}, policy step ${seconds(result.policyMs)}`,
      );
      console.log(child.stdout.trim());
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

function gib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Random enough: a block of normal numbers, repeated. */
function writeModel({ config }: MemoryShape, folder: string): void {
  const random = new RandomSequence(1, Stream.initialisation);
  const block = Float32Array.from({ length: 100_003 }, () => 0.02 * random.normal());
  const tensors = parameterSpecs(parseTextConfig(config, 'shape')).map(({ name, shape }) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const data = new Float32Array(length);
    if (name.endsWith('norm.weight')) data.fill(1);
    else for (let at = 0; at < length; at += block.length) data.set(block.subarray(0, length - at), at);
    return { name, shape, data };
  });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeSafetensors(join(folder, 'model.safetensors'), tensors);
}

async function measure(shape: MemoryShape, folder: string, hasAdapter: boolean, threads: number): Promise<Measurement> {
  const { supervised, policy } = shape;
  const config = parseTextConfig(shape.config, 'shape');
  const length = policy.promptTokens + policy.newTokens;
  const workload = workloadOf(
    config,
    { longestSequence: length, rollouts: policy.prompts * policy.samples },
    {
      coldStart: supervised,
      policy: { sequences: policy.prompts * policy.samples, length },
      adapter: hasAdapter ? adapter : null,
    },
  );
  const options = chooseEngineOptions(workload, { threads, tokenBudget: null }, 20 * 1024 ** 3);
  const engine = new LocalEngine(options);
  const { handle: model, parameters } = await engine.openModel(folder);
  if (hasAdapter) await engine.addAdapter(model, { ...adapter, seed: 1 });
  const { handle: reference } = await engine.cloneModel(model);
  const optimizer = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, maxGradientNorm: 1 };
  await engine.openTrainer(model, optimizer);
  const random = new RandomSequence(2, Stream.initialisation);
  const tokens = (count: number) => Int32Array.from({ length: count }, () => random.integer(config.vocabSize));

  const started = performance.now();
  const sequences = Array.from({ length: supervised.sequences }, () => ({
    promptIds: tokens(1),
    responseIds: tokens(supervised.length - 1),
  }));
  const responseTokens = supervised.sequences * (supervised.length - 1);
  const weights = new Float32Array(responseTokens).fill(1 / responseTokens);
  await engine.trainStep({ model, sequences, loss: { kind: 'supervised', weights }, learningRate: 1e-5 });
  const supervisedMs = performance.now() - started;

  const policyStarted = performance.now();
  const jobs = Array.from({ length: policy.prompts }, () => tokens(policy.promptTokens)).flatMap(
    (promptIds, promptKey) =>
      Array.from({ length: policy.samples }, (_, sampleKey) => ({
        promptIds,
        prefixIds: new Int32Array(0),
        promptKey,
        sampleKey,
      })),
  );
  const sampling = {
    temperature: 1,
    topK: 0,
    topP: 1,
    greedy: false,
    maxNewTokens: policy.newTokens,
    stopIds: [],
    alternatives: 0,
  };
  await engine.openTrainer(model, optimizer);
  const rollouts = await engine.generate({ model, jobs, seed: 1, step: 0, sampling });
  const answered = jobs.map(({ promptIds }, i) => ({
    promptIds,
    responseIds: rollouts.ids.subarray(i * policy.newTokens, (i + 1) * policy.newTokens),
  }));
  const { logprobs: refLogprobs } = await engine.score({ model: reference, sequences: answered, temperature: 1 });
  const count = rollouts.ids.length;
  await engine.trainStep({
    model,
    sequences: answered,
    learningRate: 1e-5,
    loss: {
      kind: 'policy',
      temperature: 1,
      clipLow: 0.2,
      clipHigh: 0.3,
      dualClip: 3,
      ratioLevel: 'token',
      oldLogprobs: rollouts.logprobs,
      refLogprobs,
      advantages: Float32Array.from({ length: count }, (_, i) => ((i / policy.newTokens) & 1 ? 1 : -1)),
      weights: new Float32Array(count).fill(1 / count),
      klWeights: new Float32Array(count).fill(0.01 / count),
    },
  });
  const policyMs = performance.now() - policyStarted;
  await engine.close();
  return {
    shape: shape.name,
    adapter: hasAdapter,
    parameters,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    estimatedBytes: estimateMemory(workload, options).totalBytes,
    supervisedMs,
    policyMs,
  };
}
