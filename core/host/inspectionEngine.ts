/**
 * An engine for looking at models: what else was likely here, and how it would have gone on.
 *
 * Owns: one engine process beside the runs' own, the one model it holds, and when both are let go: a
 * while after the last call, at once when a run needs the memory, or in the middle of a call that is stopped:
 * the runtime cannot be interrupted, its process can. It knows nothing of traces.
 */
import { availableParallelism } from 'node:os';
import type { Engine, ModelHandle } from '#core/engine/api.ts';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import type { InspectedModel, InspectionEngine } from './hostContext.ts';
import { requireMemory, workloadOf } from './memory.ts';

/** A person goes on to the next token within seconds; after this they have left. */
const IDLE_MS = 90_000;
/** Small micro-batches: what is looked at is one trace, or a handful of branches. */
const OPTIONS = { tokenBudget: 1024, checkpointBlocks: false, maxRows: 16, chunkTokens: 32 } as const;
/** A checkpoint is restored through a trainer, whose settings do not matter where nothing is trained. */
const UNUSED_TRAINER = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradientNorm: 1 } as const;

export interface InspectionOptions {
  startEngine(options: EngineOptions, ended: AbortSignal): Promise<Engine>;
  /** As the settings say at this moment; null lets the machine decide. */
  limits(): { threads: number | null; memoryLimitBytes: number | null };
  /** Milliseconds without a call after which the engine is ended; default 90 s. */
  idleMs?: number;
}

interface Held {
  engine: Engine;
  /** Which weights are open; null while none are. */
  key: string | null;
  model: ModelHandle | null;
}

export function createInspectionEngine({ startEngine, limits, idleMs = IDLE_MS }: InspectionOptions): InspectionEngine {
  let held: Held | null = null;
  /** Ends the process that was started last. */
  let life = new AbortController();
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let idle: NodeJS.Timeout | undefined;

  /** Work one after another; a failure ends its own call only. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  }

  async function release(): Promise<void> {
    const ending = held;
    held = null;
    // An engine that died has nothing to close.
    await ending?.engine.close().catch(() => undefined);
  }

  async function open({ folder, checkpoint }: InspectedModel, options: EngineOptions): Promise<[Engine, ModelHandle]> {
    const key = JSON.stringify([folder, checkpoint]);
    if (held === null) {
      life = new AbortController();
      held = { engine: await startEngine(options, life.signal), key: null, model: null };
    }
    const current = held;
    if (current.key === key) return [current.engine, current.model!];
    if (current.model !== null) await current.engine.closeModel(current.model);
    current.key = null;
    current.model = null;
    const { handle } = await current.engine.openModel(folder);
    current.model = handle;
    if (checkpoint !== null) {
      await current.engine.openTrainer(handle, UNUSED_TRAINER);
      await current.engine.loadTrainer(handle, checkpoint);
    }
    current.key = key;
    return [current.engine, handle];
  }

  async function serve<T>(
    source: InspectedModel,
    work: (engine: Engine, model: string) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    const { threads, memoryLimitBytes } = limits();
    const options = { ...OPTIONS, threads: threads ?? availableParallelism() };
    const { config } = openModelFolder(source.folder);
    // A checkpoint comes with its optimizer, as if one sequence were trained.
    const training = source.checkpoint === null ? null : { sequences: 1, length: source.longestSequence };
    requireMemory(
      workloadOf(
        config,
        { longestSequence: source.longestSequence, rollouts: Infinity },
        { coldStart: training, policy: null, adapter: null },
      ),
      options,
      memoryLimitBytes ?? process.availableMemory(),
    );
    const end = () => life.abort();
    signal?.addEventListener('abort', end);
    try {
      const [engine, model] = await open(source, options);
      return await work(engine, model);
    } catch (thrown) {
      // The process is gone: the next call starts another.
      if (toAresError(thrown).code === 'engine') held = null;
      throw thrown;
    } finally {
      signal?.removeEventListener('abort', end);
    }
  }

  return {
    withModel: (source, work, signal) => {
      clearTimeout(idle);
      waiting++;
      const served = inTurn(() => serve(source, work, signal)).finally(() => {
        waiting--;
        if (waiting > 0) return;
        idle = setTimeout(() => void inTurn(release), idleMs);
        // Nobody is kept waiting at the end of the program for an engine that rests.
        idle.unref();
      });
      // Also while others are served before it.
      return signal === undefined ? served : Promise.race([served, whenAborted(signal)]);
    },
    close: () => {
      clearTimeout(idle);
      return inTurn(release);
    },
  };
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new AresError('interrupted', 'The look at the model was stopped.'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
