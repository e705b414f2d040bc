/**
 * The one adapter onto onnxruntime-node.
 *
 * Owns: sessions, their options, and the crossing of tensors in both directions. No other file
 * imports onnxruntime. What must be known about the runtime is written here once:
 * - `run` and `create` block the thread; cancellation happens between runs (ENGINE §3).
 * - Outputs are always fresh copies; `into` makes the runtime write into given buffers instead, which
 *   is sound only for purely elementwise graphs when a buffer is input and output (ENGINE §2).
 */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { AresError } from '#core/util/errors.ts';
import type { BuiltModel } from './graph.ts';
import { bytesOf } from './onnx.ts';
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
}

export type Feeds = Readonly<Record<string, Tensor>>;

export class Session {
  readonly #session: InferenceSession;
  readonly #outputNames: readonly string[];

  private constructor(session: InferenceSession, outputNames: readonly string[]) {
    this.#session = session;
    this.#outputNames = outputNames;
  }

  static async create(model: BuiltModel, { threads, optimisation }: SessionOptions): Promise<Session> {
    try {
      const session = await InferenceSession.create(model.bytes, {
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
      return new Session(
        session,
        model.outputs.map((output) => output.name),
      );
    } catch (error) {
      throw runtimeError('The runtime refused a graph', error);
    }
  }

  /** Runs the graph; every output is a fresh tensor. */
  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    const results = await this.#run(() => this.#session.run(toRuntime(feeds)));
    return Object.fromEntries(this.#outputNames.map((name) => [name, fromRuntime(results[name]!)]));
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
      requireAllocatable(name, tensor.data.byteLength);
      return [name, new OrtTensor(tensor.type, tensor.data as Float32Array, tensor.shape)];
    }),
  );
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
