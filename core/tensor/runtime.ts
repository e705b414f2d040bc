/**
 * The one adapter onto onnxruntime-node.
 *
 * Owns: sessions, their options, and the crossing of tensors in both directions. No other file
 * imports onnxruntime. What must be known about the runtime is written here once:
 * - `run` and `create` block the thread; cancellation happens between runs (ENGINE §3).
 * - Outputs are always fresh copies; `into` makes the runtime write into given buffers instead, which
 *   is sound only for purely elementwise graphs when a buffer is input and output (ENGINE §2).
 * - A tensor on the device can be fed to any session of the same provider. Asking it for its data ends the
 *   process: what is wanted on the CPU must be an output that is not kept (ENGINE §2).
 */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { AresError } from '#core/util/errors.ts';
import type { BuiltModel } from './graph.ts';
import { lowerForWebGpu } from './lowering.ts';
import { bytesOf, encodeModel } from './onnx.ts';
import type { Provider } from './provider.ts';
import type { ElementType, Tensor } from './types.ts';

/** Largest single allocation of Electron's allocator, which ends the process at a larger one (ENGINE §3). */
const LARGEST_ALLOCATION_BYTES = 2_145_386_496;
let isLimited = false;

/**
 * For a process whose allocator ends it at about 2 GiB in one piece: the runtime asks for every tensor by
 * itself instead of growing arenas, and tensors that could not be had are refused with an error.
 */
export function limitAllocations(): void {
  isLimited = true;
}

export interface SessionOptions {
  threads: number;
  /**
   * 'disabled' runs the graph exactly as emitted, so gradient checkpointing keeps its memory saving;
   * 'all' lets the runtime fold and prepack, right for graphs whose weights are initializers.
   */
  optimisation: 'disabled' | 'all';
  /** Default 'cpu'. */
  provider?: Provider;
  /** Outputs that stay on the device; only where the provider can keep them. */
  keep?: (output: string) => boolean;
}

/** Providers that have taken a graph in this process. */
const haveWorked = new Set<Provider>();

let liveDeviceTensors = 0;

/** How many tensors are held on the device, all sessions together. */
export function deviceTensorCount(): number {
  return liveDeviceTensors;
}

/** A tensor in the memory of the device. It stays there until it is disposed of. */
export class DeviceTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly #tensor: OrtTensor;
  #isDisposed = false;

  constructor(tensor: OrtTensor) {
    this.#tensor = tensor;
    this.type = tensor.type as ElementType;
    this.shape = tensor.dims;
    liveDeviceTensors++;
  }

  /** What the runtime takes in; for this file alone. */
  get forRuntime(): OrtTensor {
    if (this.#isDisposed) throw new AresError('internal', 'A tensor was used after it was disposed of.');
    return this.#tensor;
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#tensor.dispose();
    liveDeviceTensors--;
  }
}

export type Feed = Tensor | DeviceTensor;
export type Feeds = Readonly<Record<string, Feed>>;

export interface Outputs {
  /** Fresh tensors on the CPU. */
  host: Record<string, Tensor>;
  /** Those that were to be kept; the caller disposes of them. */
  device: Record<string, DeviceTensor>;
}

export class Session {
  readonly #session: InferenceSession;
  readonly #outputNames: readonly string[];
  readonly #kept: ReadonlySet<string>;

  private constructor(session: InferenceSession, outputNames: readonly string[], kept: ReadonlySet<string>) {
    this.#session = session;
    this.#outputNames = outputNames;
    this.#kept = kept;
  }

  static async create(
    model: BuiltModel,
    { threads, optimisation, provider = 'cpu', keep = () => false }: SessionOptions,
  ): Promise<Session> {
    const names = model.outputs.map((output) => output.name);
    const kept = new Set(names.filter(keep));
    const graph = provider === 'webgpu' ? lowerForWebGpu(model.graph) : model.graph;
    try {
      const session = await InferenceSession.create(encodeModel(graph), {
        ...(provider === 'cpu' ? {} : { executionProviders: [provider] }),
        ...(kept.size === 0
          ? {}
          : {
              preferredOutputLocation: Object.fromEntries(
                names.map((name) => [name, kept.has(name) ? 'gpu-buffer' : 'cpu'] as const),
              ),
            }),
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: optimisation,
        // Memory patterns raise the peak by half without any speed (ENGINE §5).
        enableMemPattern: false,
        enableCpuMemArena: !isLimited,
        logSeverityLevel: 3,
        externalData: model.external.map(({ name, tensor }) => {
          requireAllocatable(name, tensor.data.byteLength);
          return { path: name, data: bytesOf(tensor.data) };
        }),
      });
      haveWorked.add(provider);
      return new Session(session, names, kept);
    } catch (error) {
      throw provider === 'cpu' ? runtimeError('The runtime refused a graph', error) : providerError(provider, error);
    }
  }

  /** Runs the graph; every output is a fresh tensor on the CPU, so none may be kept on the device. */
  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    if (this.#kept.size > 0) throw new AresError('internal', 'Outputs on the device must be taken by runKeeping.');
    return (await this.runKeeping(feeds)).host;
  }

  /** Runs the graph, leaving on the device what is kept there. */
  async runKeeping(feeds: Feeds): Promise<Outputs> {
    const results = await this.#run(() => this.#session.run(toRuntime(feeds)));
    const outputs: Outputs = { host: {}, device: {} };
    for (const name of this.#outputNames) {
      if (this.#kept.has(name)) outputs.device[name] = new DeviceTensor(results[name]!);
      else outputs.host[name] = fromRuntime(results[name]!);
    }
    return outputs;
  }

  /** Runs the graph, writing outputs into the given buffers. */
  async runInto(feeds: Feeds, into: Feeds): Promise<void> {
    await this.#run(() => this.#session.run(toRuntime(feeds), toRuntime(into)));
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw runtimeError('The runtime failed while running a graph', error);
    }
  }
}

/** A session that a device refuses; the CPU takes every graph that the device does. */
function providerError(provider: Provider, error: unknown): AresError {
  const known = runtimeError(`The provider "${provider}" refused a graph`, error);
  // One that has worked before is a device that was lost, which ends a run as a crash would.
  if (known.code === 'memory' || haveWorked.has(provider)) return known;
  return new AresError('unsupported', `The provider "${provider}" does not work here: ${firstLine(error)}`, {
    hint: '"ares doctor" says which providers work. The provider "cpu" always does.',
    cause: error,
  });
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // Without where in the runtime's sources it was noticed.
  return message
    .replace(/^\/onnxruntime_src\S.*? was false\. /, '')
    .trim()
    .split('\n')[0]!;
}

function runtimeError(what: string, error: unknown): AresError {
  const message = error instanceof Error ? error.message : String(error);
  if (/bad.?alloc|failed to allocate|out of memory/i.test(message)) {
    return new AresError('memory', `${what}: there is not enough memory.`, {
      hint: 'Lower the token budget per micro-batch, the number of samples, or the maximum length.',
      cause: error,
    });
  }
  return new AresError('engine', `${what}: ${message}`, { cause: error });
}

function toRuntime(tensors: Feeds): Record<string, OrtTensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      if (tensor instanceof DeviceTensor) return [name, tensor.forRuntime];
      requireAllocatable(name, tensor.data.byteLength);
      return [name, toRuntimeTensor(tensor)];
    }),
  );
}

/**
 * Half precision is handed over as the 16-bit integers it is made of, under its own type: what the runtime's
 * JavaScript half makes of it where there is a Float16Array, its native half takes for empty.
 */
function toRuntimeTensor({ type, data, shape }: Tensor): OrtTensor {
  if (type === 'float16') return Object.assign(new OrtTensor('uint16', data as Uint16Array, shape), { type });
  return new OrtTensor(type, data as Float32Array, shape);
}

/** @throws AresError 'memory' */
function requireAllocatable(name: string, bytes: number): void {
  if (!isLimited || bytes <= LARGEST_ALLOCATION_BYTES) return;
  throw new AresError('memory', `The tensor "${name}" is larger than 2 GiB, which the desktop window cannot hold.`, {
    hint: 'Run it with "ares run" or "ares serve", which have no such limit, or lower the token budget.',
  });
}

function fromRuntime(tensor: OrtTensor): Tensor {
  const type = tensor.type as ElementType;
  return { type, shape: tensor.dims, data: tensor.data as Float32Array } as Tensor;
}
