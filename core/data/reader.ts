/**
 * Reading data files in a process of its own, which can be ended.
 *
 * Owns: starting the process, one task at a time in each, the limit on its silence, and turning its death into a
 * typed error: a hostile file costs a process, never the host. Threads would not do: a single large
 * allocation in one aborts the whole program, and buffers count towards none of their limits.
 */
import { type PlainError, fromPlainError } from '#core/engine/messages.ts';
import { forkProcess } from '#core/engine/channel.ts';
import { AresError } from '#core/util/errors.ts';
import type { Inspection, Preview } from './inspect.ts';
import type { Mapping } from './mapping.ts';
import {
  type FromReader,
  MAX_READER_BYTES,
  type ProblemColumns,
  type ProblemsRequest,
  READER_HEAP_MIB,
  type ReadStart,
  type ReadTask,
  type ReaderChannel,
} from './readerMessages.ts';
import { MEBIBYTE } from './source.ts';

/** Silence for longer than this ends a task: between two signs of life lies at most a page or a row. */
const SILENCE_MS = 8_000;
/** Starting is not the file's fault and takes long on a busy machine. */
const START_MS = 60_000;
/** A process without a task waits this long for the next. */
const IDLE_MS = 30_000;

export interface DataReader {
  /** As inspect.ts. @throws AresError what is wrong with the file, also when reading it takes too much time or memory */
  inspect(path: string): Promise<Inspection>;
  preview(path: string, mapping: Mapping | null): Promise<Preview>;
  /**
   * Problems in order, batch by batch; at most a few batches are read before they are asked for.
   * @param signal ends the process
   */
  problems(request: ProblemsRequest, signal?: AbortSignal): AsyncIterable<ProblemBatch>;
  /** Ends the processes without a task. */
  close(): void;
}

/** A batch, with what is known of the whole. */
export interface ProblemBatch {
  start: ReadStart;
  columns: ProblemColumns;
}

export function forkReader(): ReaderChannel {
  const flags = [`--max-old-space-size=${READER_HEAP_MIB}`, '--max-semi-space-size=16'];
  return forkProcess(new URL('./readerProcess.ts', import.meta.url), { isQuiet: true, flags });
}

/** @param fork starts a process; another way under another shell */
export function createDataReader(fork: () => ReaderChannel = forkReader): DataReader {
  const idle: ReadingProcess[] = [];

  /** Messages of a task up to 'done'. */
  async function* run(task: ReadTask, signal?: AbortSignal): AsyncIterable<FromReader> {
    const reading = woken(idle) ?? new ReadingProcess(fork());
    const abort = () => reading.kill();
    signal?.addEventListener('abort', abort);
    let isFinished = false;
    try {
      if (signal?.aborted) throw interrupted();
      await reading.start(task);
      for (;;) {
        const message = await reading.next(SILENCE_MS, task.path);
        isFinished = message.kind === 'done' || message.kind === 'error';
        if (message.kind === 'error') throw toError(message.error, task.path);
        if (message.kind !== 'alive') yield message;
        if (message.kind === 'batch') reading.more();
        if (isFinished) return;
      }
    } catch (error) {
      throw signal?.aborted ? interrupted() : error;
    } finally {
      signal?.removeEventListener('abort', abort);
      if (isFinished && !signal?.aborted) reading.rest(idle);
      else reading.kill();
    }
  }

  async function answer<T>(task: ReadTask): Promise<T> {
    // Sound: each kind of task ends with its kind of result (readerProcess.ts).
    for await (const message of run(task)) if (message.kind === 'done') return message.result as T;
    throw new AresError('internal', 'The reader ended a task without an answer.');
  }

  return {
    inspect: (path) => answer<Inspection>({ kind: 'inspect', path }),
    preview: (path, mapping) => answer<Preview>({ kind: 'preview', path, mapping }),
    async *problems(request, signal) {
      let start: ReadStart | null = null;
      for await (const message of run({ kind: 'problems', ...request }, signal)) {
        if (message.kind === 'opened') start = message.start;
        else if (message.kind === 'batch') yield { start: start!, columns: message.batch };
      }
    },
    close: () => {
      for (const reading of idle.splice(0)) reading.kill();
    },
  };
}

/** One of the processes that wait for a task; some may have died while they did. */
function woken(idle: ReadingProcess[]): ReadingProcess | undefined {
  for (let reading = idle.pop(); reading !== undefined; reading = idle.pop()) if (reading.wake()) return reading;
  return undefined;
}

/** The host's side of one process. */
class ReadingProcess {
  readonly #channel: ReaderChannel;
  readonly #received: FromReader[] = [];
  #wake: (() => void) | null = null;
  #hasEnded = false;
  #isReady = false;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(channel: ReaderChannel) {
    this.#channel = channel;
    channel.listen({
      message: (message) => {
        this.#received.push(message);
        this.#wake?.();
      },
      end: () => {
        this.#hasEnded = true;
        this.#wake?.();
      },
    });
  }

  async start(task: ReadTask): Promise<void> {
    if (!this.#isReady) await this.next(START_MS, task.path);
    this.#isReady = true;
    this.#channel.send({ kind: 'start', task });
  }

  more(): void {
    if (!this.#hasEnded) this.#channel.send({ kind: 'more' });
  }

  /** The next message. @throws AresError when none comes, or the process has ended */
  async next(limitMs: number, path: string): Promise<FromReader> {
    for (const startMs = performance.now(); ;) {
      const message = this.#received.shift();
      if (message !== undefined) return message;
      if (this.#hasEnded) throw tooMuch(path);
      const leftMs = startMs + limitMs - performance.now();
      if (leftMs <= 0) {
        this.kill();
        throw tooLong(path, limitMs);
      }
      await this.#signal(leftMs);
      // A host that was busy itself has messages waiting that it has not seen.
      await new Promise(setImmediate);
    }
  }

  /** Waits for a message, the end, or the time. */
  #signal(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** @returns false when it has ended meanwhile */
  wake(): boolean {
    clearTimeout(this.#idleTimer);
    return !this.#hasEnded;
  }

  rest(idle: ReadingProcess[]): void {
    if (this.#hasEnded) return;
    idle.push(this);
    this.#idleTimer = setTimeout(() => {
      idle.splice(idle.indexOf(this), 1);
      this.kill();
    }, IDLE_MS);
    this.#idleTimer.unref();
  }

  kill(): void {
    clearTimeout(this.#idleTimer);
    if (!this.#hasEnded) this.#channel.kill();
  }
}

function toError(error: PlainError, path: string): AresError {
  return fromPlainError({ ...error, where: error.where ?? path });
}

function tooMuch(where: string): AresError {
  const limit = `${MAX_READER_BYTES / MEBIBYTE} MiB`;
  return new AresError(
    'bad-data',
    `Reading this file was ended: it took more memory than ${limit}, or broke the reader.`,
    {
      where,
      hint: 'Check that the file is what you think it is. If it is, write it again in smaller pages or batches.',
    },
  );
}

function tooLong(where: string, limitMs: number): AresError {
  return new AresError('bad-data', `Reading this file was ended: nothing came of it in ${limitMs / 1000} s.`, {
    where,
    hint: 'Check that the file is what you think it is, and that its disk answers.',
  });
}

function interrupted(): AresError {
  return new AresError('interrupted', 'The import was cancelled. Nothing was imported.');
}
