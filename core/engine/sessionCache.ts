/**
 * Runtime sessions, built once and reused.
 *
 * Owns: which sessions exist and when they are released. Graphs whose weights are inputs serve every
 * model of the same shape; graphs with baked weights serve one version of one model and replace the
 * session of the version before.
 */
import type { BuiltModel } from '#core/tensor/graph.ts';
import { type Provider, keepsTensorsOnDevice } from '#core/tensor/provider.ts';
import { Session } from '#core/tensor/runtime.ts';
import { DevicePrograms } from './devicePrograms.ts';
import { discard } from '#core/tensor/types.ts';
import { type ModelState, shapeOf } from './modelState.ts';

interface BakedSession {
  version: number;
  purpose: string;
  session: Session;
}

export class SessionCache {
  readonly provider: Provider;
  /** Where tensors stay on the device, what is done with them there; null elsewhere. */
  readonly device: DevicePrograms | null;
  readonly #threads: number;
  readonly #shared = new Map<string, Session>();
  readonly #baked = new Map<ModelState, BakedSession>();
  #work: string | undefined;

  /** @param provider what the sessions compute on; default the CPU */
  constructor(threads: number, provider: Provider = 'cpu') {
    this.#threads = threads;
    this.provider = provider;
    this.device = keepsTensorsOnDevice(provider) ? new DevicePrograms(threads, provider) : null;
  }

  /** Says what comes next. Other work than before begins without the sessions of the one before, and their memory. */
  async begin(work: 'sample' | 'score' | 'train'): Promise<void> {
    if (this.#work !== undefined && this.#work !== work) await this.#releaseAll();
    this.#work = work;
  }

  /**
   * A session whose weights are fed at every run.
   * @param keep outputs that stay on the device, always the same for one purpose
   */
  async get(
    state: ModelState,
    purpose: string,
    build: () => BuiltModel,
    keep?: (output: string) => boolean,
  ): Promise<Session> {
    const key = `${purpose} ${JSON.stringify(shapeOf(state))}`;
    let session = this.#shared.get(key);
    if (session === undefined) {
      session = await Session.create(build(), {
        threads: this.#threads,
        optimisation: 'disabled',
        provider: this.provider,
        ...(keep === undefined ? {} : { keep }),
      });
      this.#shared.set(key, session);
    }
    return session;
  }

  /** A session with the model's present weights inside; at most one per model is kept. */
  async getBaked(state: ModelState, purpose: string, build: () => BuiltModel): Promise<Session> {
    const known = this.#baked.get(state);
    if (known !== undefined && known.version === state.version && known.purpose === purpose) return known.session;
    await this.forget(state);
    const built = build();
    const session = await Session.create(built, {
      threads: this.#threads,
      optimisation: 'all',
      provider: this.provider,
    });
    // The runtime has copied them; what was joined or merged for it is of no use to anyone else.
    const own = new Set<unknown>(state.weights.values());
    for (const { tensor } of built.external) if (!own.has(tensor.data)) discard(tensor);
    this.#baked.set(state, { version: state.version, purpose, session });
    return session;
  }

  /** Releases the baked session of a model. */
  async forget(state: ModelState): Promise<void> {
    await this.#baked.get(state)?.session.release();
    this.#baked.delete(state);
  }

  /** Releases the sessions that serve every model, and with them the memory they keep between runs. */
  async releaseShared(): Promise<void> {
    for (const session of this.#shared.values()) await session.release();
    this.#shared.clear();
  }

  async close(): Promise<void> {
    await this.device?.close();
    await this.#releaseAll();
  }

  async #releaseAll(): Promise<void> {
    await this.releaseShared();
    for (const { session } of this.#baked.values()) await session.release();
    this.#baked.clear();
  }
}
