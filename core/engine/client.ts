/**
 * The engine in its own process, seen from the host.
 *
 * Owns: starting the process, matching answers to calls, and turning its death into typed errors. A
 * crash of the runtime ends the calls under way, never the host (DESIGN §3).
 */
import { AresError } from '#core/util/errors.ts';
import type { Engine, RolloutProgress } from './api.ts';
import { type EngineChannel, type ProcessEnd, forkEngine } from './channel.ts';
import type { EngineOptions } from './localEngine.ts';
import { type EngineMethod, type FromEngine, type ToEngine, fromPlainError } from './messages.ts';

interface PendingCall {
  resolve: (value: unknown) => void;
  reject: (error: AresError) => void;
  onProgress: ((progress: RolloutProgress) => void) | undefined;
}

/**
 * Starts an engine process and waits until it can be called.
 * @param ended aborted, the process ends at once, and with it the calls under way
 * @param channel the line to the process; by default one to a new child process
 * @param isBackground the process gives way to others, such as a window that shows what it does
 */
export async function startEngine(
  options: EngineOptions,
  ended?: AbortSignal,
  channel: EngineChannel = forkEngine(),
  isBackground = false,
): Promise<Engine> {
  const client = new EngineClient(channel);
  ended?.addEventListener('abort', () => channel.kill(), { once: true });
  await client.start(options, isBackground);
  return client;
}

class EngineClient implements Engine {
  readonly #channel: EngineChannel;
  readonly #pending = new Map<number, PendingCall>();
  #ready: PendingCall | undefined;
  #calls = 0;
  #closed = false;

  constructor(channel: EngineChannel) {
    this.#channel = channel;
    channel.listen({ message: (message) => this.#receive(message), end: (how) => this.#fail(how) });
  }

  start(options: EngineOptions, isBackground: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ready = { resolve: () => resolve(), reject, onProgress: undefined };
      this.#send({ kind: 'start', options, isBackground });
    });
  }

  readonly openModel: Engine['openModel'] = (...args) => this.#call('openModel', args);
  readonly addAdapter: Engine['addAdapter'] = (...args) => this.#call('addAdapter', args);
  readonly loadAdapter: Engine['loadAdapter'] = (...args) => this.#call('loadAdapter', args);
  readonly cloneModel: Engine['cloneModel'] = (...args) => this.#call('cloneModel', args);
  readonly closeModel: Engine['closeModel'] = (...args) => this.#call('closeModel', args);
  readonly openTrainer: Engine['openTrainer'] = (...args) => this.#call('openTrainer', args);
  readonly generate: Engine['generate'] = (request, onProgress) => this.#call('generate', [request], onProgress);
  readonly score: Engine['score'] = (...args) => this.#call('score', args);
  readonly trainStep: Engine['trainStep'] = (...args) => this.#call('trainStep', args);
  readonly saveModel: Engine['saveModel'] = (...args) => this.#call('saveModel', args);
  readonly saveAdapter: Engine['saveAdapter'] = (...args) => this.#call('saveAdapter', args);
  readonly saveTrainer: Engine['saveTrainer'] = (...args) => this.#call('saveTrainer', args);
  readonly loadTrainer: Engine['loadTrainer'] = (...args) => this.#call('loadTrainer', args);
  readonly memoryBytes: Engine['memoryBytes'] = () => this.#call('memoryBytes', []);

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#call('close', []);
    this.#closed = true;
    this.#channel.release();
  }

  #call<T>(
    method: EngineMethod,
    argument: readonly unknown[],
    onProgress?: (progress: RolloutProgress) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new AresError('engine', 'The engine process has ended.'));
        return;
      }
      const id = ++this.#calls;
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject, onProgress });
      this.#send({ kind: 'call', id, method, argument });
    });
  }

  #send(message: ToEngine): void {
    this.#channel.send(message);
  }

  #receive(message: FromEngine): void {
    if (message.kind === 'ready') {
      this.#ready?.resolve(undefined);
      this.#ready = undefined;
      return;
    }
    const call = this.#pending.get(message.id);
    if (call === undefined) return;
    if (message.kind === 'progress') {
      call.onProgress?.(message.progress);
      return;
    }
    this.#pending.delete(message.id);
    if (message.kind === 'result') call.resolve(message.value);
    else call.reject(fromPlainError(message.error));
  }

  #fail({ code, signal, cause }: ProcessEnd): void {
    this.#closed = true;
    const how = signal === null ? `with code ${code}` : `by ${signal}`;
    const error = new AresError('engine', `The engine process ended ${how} in the middle of its work.`, {
      hint:
        signal === 'SIGKILL'
          ? 'The system may have run out of memory. Resume the run with a smaller token budget.'
          : 'Resume the run.',
      ...(cause === undefined ? {} : { cause }),
    });
    this.#ready?.reject(error);
    this.#ready = undefined;
    for (const call of this.#pending.values()) call.reject(error);
    this.#pending.clear();
  }
}
