/**
 * What the engine can compute on, and whether it works on this machine.
 *
 * Owns: what a person should know of each provider, and the check: a small model is trained and sampled from
 * in an engine process of its own, so that a driver that takes its process down is a finding like any other.
 * It never throws. Which provider a run gets is runPlan.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { providerTitles } from '#core/contract/contract.ts';
import type { Engine } from '#core/engine/api.ts';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import { type Provider, providers } from '#core/tensor/provider.ts';
import { toAresError } from '#core/util/errors.ts';
import { writeSmallestModel } from './smallestModel.ts';

export interface ProviderFinding {
  provider: Provider;
  title: string;
  works: boolean;
  /** What it did, or why it does not work. */
  detail: string;
  /** What it is for and what it costs. */
  about: string;
  /** How to make it work; null where it works or cannot. */
  next: string | null;
}

type StartEngine = (options: EngineOptions) => Promise<Engine>;

interface ProviderFacts {
  about: string;
  /** Where the runtime has it at all: platform and architecture of Node; undefined for everywhere. */
  platforms?: readonly string[];
  /** Where that is, for people. */
  where: string;
  next: string;
}

const CROSSES =
  'The runtime gives all results back to the CPU: weights, gradients, keys and values cross the bus at every step, ' +
  'so a small model can be slower than on the CPU.';

const providerFacts: Readonly<Record<Provider, ProviderFacts>> = {
  cpu: {
    about: 'Exact: a run that is interrupted and resumed ends with the very bytes of one that was not.',
    where: 'everywhere',
    next: 'Install the dependencies anew: delete the folder node_modules and start again.',
  },
  webgpu: {
    about:
      'Any GPU. Weights, optimizer, keys and values stay on it. Sums come in another order than on the CPU, so a ' +
      'resumed run goes on where it was, but not with the same last bits.',
    platforms: ['linux-x64', 'win32-x64', 'win32-arm64', 'darwin-arm64'],
    where: 'Linux and Windows, and macOS on Apple silicon',
    next: 'Install a driver for the GPU: Vulkan (libvulkan1 and the vendor’s driver) on Linux, Direct3D 12 on Windows.',
  },
  cuda: {
    about: `NVIDIA GPUs. ${CROSSES} WebGPU keeps them on the GPU.`,
    platforms: ['linux-x64'],
    where: 'Linux on x64',
    next:
      'Its libraries are not bundled. Download them with "node node_modules/onnxruntime-node/script/install.js ' +
      '--onnxruntime-node-install=cuda12", and install CUDA 12 and cuDNN 9.',
  },
  dml: {
    about: `GPUs under Windows. ${CROSSES}`,
    platforms: ['win32-x64', 'win32-arm64'],
    where: 'Windows',
    next: 'Update Windows and the driver of the GPU.',
  },
  coreml: {
    about: `Apple silicon. ${CROSSES}`,
    platforms: ['darwin-arm64'],
    where: 'macOS on Apple silicon',
    next: 'Update macOS.',
  },
};

/** What a run that computes on a provider begins its log with; nothing for the CPU, which is what people expect. */
export function providerNotes(provider: Provider = 'cpu'): string[] {
  return provider === 'cpu' ? [] : [`Computes on ${providerTitles[provider]}. ${providerFacts[provider].about}`];
}

/** A driver that does not answer in this time is not waited for. */
const PATIENCE_MS = 90_000;
const ENGINE = { threads: 1, tokenBudget: 64, checkpointBlocks: false, maxRows: 1, chunkTokens: 2 } as const;
const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradientNorm: 1 } as const;

/** @param startEngine as the shell starts engine processes */
export async function checkProviders(startEngine: StartEngine): Promise<ProviderFinding[]> {
  const findings: ProviderFinding[] = [];
  // One after another: two drivers at once could be blamed for each other.
  for (const provider of providers) findings.push(await checkProvider(provider, startEngine));
  return findings;
}

export async function checkProvider(
  provider: Provider,
  startEngine: StartEngine,
  platform = `${process.platform}-${process.arch}`,
): Promise<ProviderFinding> {
  const { about, platforms, where, next } = providerFacts[provider];
  const finding = { provider, title: providerTitles[provider], about };
  if (platforms !== undefined && !platforms.includes(platform))
    return { ...finding, works: false, detail: `The runtime has it only on ${where}.`, next: null };
  const folder = mkdtempSync(join(tmpdir(), 'ares-provider-'));
  try {
    const model = writeSmallestModel(folder);
    const abandoned = new AbortController();
    const stepMs = await Promise.race([
      trainAndSample(() => startEngine({ ...ENGINE, provider }), model),
      delay(PATIENCE_MS, null, { signal: abandoned.signal, ref: false }).catch(() => null),
    ]).finally(() => abandoned.abort());
    if (stepMs === null)
      return { ...finding, works: false, detail: `No answer within ${PATIENCE_MS / 1000} seconds.`, next };
    const detail = `Trains and samples: ${stepMs.toFixed(0)} ms for a step of a very small model${adapterNote(provider)}.`;
    return { ...finding, works: true, detail, next: null };
  } catch (thrown) {
    return { ...finding, works: false, detail: reasonOf(toAresError(thrown).message), next };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns milliseconds of the second step; the first one compiles */
async function trainAndSample(start: () => Promise<Engine>, model: string): Promise<number> {
  const engine = await start();
  try {
    const { handle } = await engine.openModel(model);
    await engine.openTrainer(handle, ADAMW);
    const sequences = [{ promptIds: Int32Array.of(1, 2), responseIds: Int32Array.of(3, 4) }];
    const loss = { kind: 'supervised' as const, weights: Float32Array.of(0.5, 0.5) };
    const step = () => engine.trainStep({ model: handle, sequences, loss, learningRate: 1e-2 });
    const first = await step();
    const startMs = performance.now();
    const second = await step();
    const stepMs = performance.now() - startMs;
    if (!(second.loss < first.loss)) throw new Error(`It computes wrongly: a step took the loss up to ${second.loss}.`);
    const jobs = [{ promptIds: Int32Array.of(1), prefixIds: new Int32Array(0), promptKey: 0, sampleKey: 0 }];
    const sampling = { temperature: 1, topK: 0, topP: 1, greedy: true, maxNewTokens: 2, stopIds: [], alternatives: 0 };
    const { ids } = await engine.generate({ model: handle, jobs, seed: 1, step: 0, sampling });
    if (ids.length !== 2) throw new Error(`It sampled ${ids.length} tokens instead of 2.`);
    return stepMs;
  } finally {
    // An engine that died has nothing to close.
    await engine.close().catch(() => undefined);
  }
}

/** WebGPU does not say what it runs on; a driver that somebody named can be passed on. */
function adapterNote(provider: Provider): string {
  const named = process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES'];
  if (provider !== 'webgpu' || named === undefined) return '';
  const isSoftware = /swiftshader|lvp|lavapipe/i.test(named);
  return `, on ${isSoftware ? 'an adapter in software, whose speed says nothing' : 'the adapter'} (${named})`;
}

/** The runtime's own sentence without where in its sources it comes from. */
function reasonOf(message: string): string {
  if (message.includes('No supported adapters')) return 'There is no GPU with a driver that it can use.';
  if (/Failed to load shared library/.test(message)) return 'Its libraries cannot be loaded.';
  return message;
}
