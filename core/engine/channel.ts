/**
 * The line between a host and a process that works for it: an engine, or a reader of data files.
 *
 * Owns: what a line is, and the one over child_process. Under Electron there is another
 * (electron/engine.ts). Messages are copied on the way, typed arrays included.
 */
import { fork } from 'node:child_process';
import type { FromEngine, ToEngine } from './messages.ts';

/**
 * What the process of an engine needs in its environment. glibc raises the size from which on it asks the system
 * for memory to that of whatever was freed last, and keeps what is smaller; with a fixed size tensors and weights
 * go back when they are freed. Other systems do not look at it.
 */
export const engineEnvironment = { MALLOC_MMAP_THRESHOLD_: String(2 ** 20) } as const;

export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why it could not be started. */
  cause?: Error;
}

/** The host's end. */
export interface ProcessChannel<To, From> {
  send(message: To): void;
  /** Called once, before anything is sent. */
  listen(listener: { message(message: From): void; end(how: ProcessEnd): void }): void;
  /** Lets go of the process, which has nothing left to do and ends. */
  release(): void;
  /** Ends the process at once, whatever it does; `end` follows. */
  kill(): void;
}

export type EngineChannel = ProcessChannel<ToEngine, FromEngine>;

/** The other process's end. */
export interface HostChannel<To, From> {
  /** Messages to a host that is gone are lost. */
  send(message: From): void;
  listen(listener: (message: To) => void): void;
}

/**
 * Starts an engine as a child process of this one.
 * @param isQuiet nothing that it or a driver prints is shown
 */
export function forkEngine({ isQuiet = false }: { isQuiet?: boolean } = {}): EngineChannel {
  return forkProcess(new URL('./process.ts', import.meta.url), { isQuiet, env: engineEnvironment });
}

/**
 * Starts a child process that speaks by `hostChannel`.
 * @param flags for Node, in place of those of this process
 */
export function forkProcess<To extends object, From>(
  entry: URL,
  { isQuiet, env = {}, flags }: { isQuiet: boolean; env?: Readonly<Record<string, string>>; flags?: readonly string[] },
): ProcessChannel<To, From> {
  const output = isQuiet ? 'ignore' : 'inherit';
  const child = fork(entry, {
    serialization: 'advanced',
    stdio: [output, output, output, 'ipc'],
    env: { ...process.env, ...env },
    ...(flags === undefined ? {} : { execArgv: [...flags] }),
  });
  return {
    send: (message) => void child.send(message),
    listen({ message, end }) {
      // Sound: the other end is typed by the same pair of messages.
      child.on('message', (received) => message(received as From));
      child.on('exit', (code, signal) => end({ code, signal }));
      child.on('error', (cause) => end({ code: null, signal: null, cause }));
    },
    release() {
      if (child.connected) child.disconnect();
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** What Electron gives a utility process in place of child_process's messages. */
interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
}

/** The port under Electron, undefined elsewhere. */
export const parentPort: ParentPort | undefined = (process as { parentPort?: ParentPort }).parentPort;

/** The line to the host that started this process. The process ends when the host goes away. */
export function hostChannel<To, From extends object>(): HostChannel<To, From> {
  if (parentPort !== undefined) {
    return {
      // Electron ends a utility process with its parent.
      send: (message) => parentPort.postMessage(message),
      listen: (listener) => parentPort.on('message', ({ data }) => listener(data as To)),
    };
  }
  process.on('disconnect', () => process.exit(0));
  return {
    send(message) {
      // A host that is gone, perhaps this very moment, cannot be told anything; 'disconnect' ends this process.
      if (process.connected) process.send!(message, undefined, {}, () => undefined);
    },
    listen: (listener) => void process.on('message', (message) => listener(message as To)),
  };
}
