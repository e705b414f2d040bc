/**
 * Memory and time of training at the sizes people have, beside the planner's estimate.
 *
 *   node tests/bench/memory.ts [--shapes sample,bench,wide,long,half] [--adapter] [--base float16] [--threads 2] [--limit 20]
 *     [--options JSON] [--record]
 *
 * Every shape is measured in a process of its own, set up like an engine's: a supervised step and a whole policy
 * step (rollouts, reference log-probs, update) on a model of random weights, after the planner chose micro-batch,
 * checkpointing and release from the limit (GiB); --options overrides its choice. The peak is the largest resident
 * set since each of the two began (VmHWM). A process that outgrows the limit is ended. --record appends a line to
 * results/size.jsonl.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { engineEnvironment } from '#core/engine/channel.ts';
import { type EngineOptions, LocalEngine } from '#core/engine/localEngine.ts';
import { chooseEngineOptions, estimateMemory, workloadOf } from '#core/host/memory.ts';
import { parseTextConfig } from '#core/model/config.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { type MemoryShape, memoryShapes, testShapes } from './memoryShapes.ts';
import { writeRandomModel } from './randomModel.ts';

interface Step {
  peakBytes: number;
  estimatedBytes: number;
  ms: number;
}

interface Measurement {
  shape: string;
  adapter: boolean;
  base: 'float32' | 'float16';
  parameters: number;
  options: EngineOptions;
  supervised: Step;
  policy: Step & { rolloutsMs: number; scoreMs: number; trainMs: number };
}

const GIB = 1024 ** 3;

const { values } = parseArgs({
  options: {
    shapes: { type: 'string', default: memoryShapes.map(({ name }) => name).join(',') },
    adapter: { type: 'boolean', default: false },
    /** Of the adapter: how its base is kept. */
    base: { type: 'string', default: 'float32' },
    threads: { type: 'string', default: '2' },
    limit: { type: 'string', default: '20' },
    options: { type: 'string', default: '{}' },
    record: { type: 'boolean', default: false },
    /** One shape, in this process: its model into the folder, or the measurement on it. Given to the children. */
    write: { type: 'string' },
    measure: { type: 'string' },
    model: { type: 'string' },
  },
});

if (values.write !== undefined) {
  writeRandomModel(shapeNamed(values.write).config, values.model!);
} else if (values.measure !== undefined) {
  process.stdout.write(`${JSON.stringify(await measure(shapeNamed(values.measure), values.model!))}\n`);
} else {
  for (const name of values.shapes.split(',')) await measureShape(shapeNamed(name));
}

function shapeNamed(name: string): MemoryShape {
  const shape = [...memoryShapes, ...testShapes].find((each) => each.name === name);
  if (shape === undefined) throw new Error(`There is no shape "${name}".`);
  return shape;
}

async function measureShape({ name, adapter: own }: MemoryShape): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ares-memory-'));
  try {
    await runChild(['--write', name, '--model', folder]);
    const { threads, limit, options } = values;
    const passedOn = ['--base', values.base, '--threads', threads, '--limit', limit, '--options', options];
    if (values.adapter) passedOn.push('--adapter');
    const line = await runChild(['--measure', name, '--model', folder, ...passedOn]);
    const { parameters, supervised, policy } = JSON.parse(line) as Measurement;
    const said = ({ peakBytes, estimatedBytes, ms }: Step) =>
      `${(ms / 1000).toFixed(1)} s, peak ${gib(peakBytes)}, estimate ${gib(estimatedBytes)} (${(estimatedBytes / peakBytes).toFixed(2)})`;
    console.log(
      `${name}${values.adapter || own === true ? ' LoRA' : ''}: ${(parameters / 1e6).toFixed(1)} M parameters`,
    );
    console.log(`  supervised step ${said(supervised)}`);
    console.log(`  policy step ${said(policy)}`);
    console.log(line.trim());
    if (!values.record) return;
    const entry = { date: new Date().toISOString().slice(0, 10), load: loadavg()[0], ...JSON.parse(line) };
    appendFileSync(join(import.meta.dirname, 'results', 'size.jsonl'), `${JSON.stringify(entry)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a child process of this file writes; it is ended when it outgrows the limit. */
async function runChild(args: string[]): Promise<string> {
  const child = spawn(process.execPath, [import.meta.filename, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...engineEnvironment },
  });
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  const watch = setInterval(() => {
    if (memoryOf(child.pid!, 'VmRSS') > Number(values.limit) * GIB) child.kill('SIGKILL');
  }, 500);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code ?? signal}.`);
  } finally {
    clearInterval(watch);
  }
  return Buffer.concat(parts).toString();
}

/** Resident memory of a process, now (VmRSS) or at most (VmHWM), bytes; 0 once it has ended. */
function memoryOf(pid: number | 'self', field: 'VmRSS' | 'VmHWM'): number {
  try {
    const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`${field}:\\s+(\\d+) kB`));
    return line === null ? 0 : Number(line[1]) * 1024;
  } catch {
    return 0;
  }
}

function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(2)} GiB`;
}

async function measure(shape: MemoryShape, folder: string): Promise<Measurement> {
  const { supervised, policy } = shape;
  const hasAdapter = values.adapter || shape.adapter === true;
  const base = values.base === 'float16' ? 'float16' : 'float32';
  const adapter = { rank: 16, alpha: 32, targets: 'all', base } as const;
  const config = parseTextConfig(shape.config, 'shape');
  const length = policy.promptTokens + policy.newTokens;
  const count = policy.prompts * policy.samples;
  const sampled = { longestSequence: length, rollouts: count };
  const stages: Parameters<typeof workloadOf>[2] = {
    coldStart: supervised,
    policy: { sequences: count, length, responseLength: policy.newTokens },
    adapter: hasAdapter ? adapter : null,
  };
  const workload = workloadOf(config, sampled, stages);
  const wanted = { threads: Number(values.threads), tokenBudget: null };
  const options = {
    ...chooseEngineOptions(workload, wanted, Number(values.limit) * GIB),
    ...shape.options,
    ...(JSON.parse(values.options) as Partial<EngineOptions>),
  };
  // A cold start samples nothing.
  const estimates = [
    workloadOf(config, { longestSequence: 2, rollouts: 1 }, { ...stages, policy: null }),
    workloadOf(config, sampled, { ...stages, coldStart: null }),
  ].map((part) => estimateMemory(part, options).totalBytes);
  const engine = new LocalEngine(options);
  const { handle: model, parameters } = await engine.openModel(folder);
  if (hasAdapter) await engine.addAdapter(model, { ...adapter, seed: 1 });
  const optimizer = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, maxGradientNorm: 1 };
  const random = new RandomSequence(2, Stream.initialisation);
  const tokens = (size: number) => Int32Array.from({ length: size }, () => random.integer(config.vocabSize));

  const superviseStep = async () => {
    await engine.openTrainer(model, optimizer);
    const sequences = Array.from({ length: supervised.sequences }, () => ({
      promptIds: tokens(1),
      responseIds: tokens(supervised.length),
    }));
    const responses = supervised.sequences * supervised.length;
    const weights = new Float32Array(responses).fill(1 / responses);
    await engine.trainStep({ model, sequences, loss: { kind: 'supervised', weights }, learningRate: 1e-5 });
  };

  const times = { rolloutsMs: 0, scoreMs: 0, trainMs: 0 };
  const policyStep = async () => {
    const { handle: reference } = await engine.cloneModel(model);
    await engine.openTrainer(model, optimizer);
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
    // The first step starts the sessions; a second one finds what the first has left in memory.
    for (let step = 0; step < (shape.isLarge === true ? 1 : 2); step++) {
      let started = performance.now();
      const lap = () => {
        const before = started;
        started = performance.now();
        return started - before;
      };
      const rollouts = await engine.generate({ model, jobs, seed: 1, step, sampling });
      times.rolloutsMs = lap();
      const answered = jobs.map(({ promptIds }, i) => ({
        promptIds,
        responseIds: rollouts.ids.subarray(i * policy.newTokens, (i + 1) * policy.newTokens),
      }));
      const { logprobs: refLogprobs } = await engine.score({ model: reference, sequences: answered, temperature: 1 });
      times.scoreMs = lap();
      const responses = rollouts.ids.length;
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
          advantages: Float32Array.from({ length: responses }, (_, i) => ((i / policy.newTokens) & 1 ? 1 : -1)),
          weights: new Float32Array(responses).fill(1 / responses),
          klWeights: new Float32Array(responses).fill(0.01 / responses),
        },
      });
      times.trainMs = lap();
    }
  };

  const supervisedPeak = await peakOf(superviseStep);
  const policyPeak = await peakOf(policyStep);
  await engine.close();
  return {
    shape: shape.name,
    adapter: hasAdapter,
    base,
    parameters,
    options,
    supervised: { ...supervisedPeak, estimatedBytes: estimates[0]! },
    policy: {
      ...policyPeak,
      ms: times.rolloutsMs + times.scoreMs + times.trainMs,
      ...times,
      estimatedBytes: estimates[1]!,
    },
  };
}

async function peakOf(work: () => Promise<void>): Promise<{ peakBytes: number; ms: number }> {
  // Sets VmHWM back to what is resident now.
  writeFileSync('/proc/self/clear_refs', '5');
  const started = performance.now();
  await work();
  return { peakBytes: memoryOf('self', 'VmHWM'), ms: performance.now() - started };
}
