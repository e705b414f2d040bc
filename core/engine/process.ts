/**
 * Entry of the engine process: a LocalEngine behind messages.
 *
 * Owns: serving one host, one call at a time and in order. It starts with a 'start' message, answers
 * 'ready', and ends when the host closes it or goes away; it keeps nothing beyond its memory.
 */
import { constants, setPriority } from 'node:os';
import { limitAllocations } from '#core/tensor/runtime.ts';
import type { Engine } from './api.ts';
import { hostChannel, parentPort } from './channel.ts';
import { LocalEngine } from './localEngine.ts';
import { type FromEngine, type ToEngine, engineMethods, toPlainError } from './messages.ts';

if (parentPort !== undefined) limitAllocations();
const { send, listen } = hostChannel<ToEngine, FromEngine>();
let engine: LocalEngine | undefined;
let last: Promise<void> = Promise.resolve();

async function serve({ id, method, argument }: Extract<ToEngine, { kind: 'call' }>): Promise<void> {
  try {
    if (engine === undefined || !Object.hasOwn(engineMethods, method))
      throw new Error(`The engine cannot serve "${method}".`);
    const call = engine[method].bind(engine) as (...args: readonly unknown[]) => Promise<unknown>;
    const progress: Parameters<Engine['generate']>[1] = (value) => send({ kind: 'progress', id, progress: value });
    const value = await (method === 'generate' ? call(argument[0], progress) : call(...argument));
    send({ kind: 'result', id, value });
  } catch (error) {
    send({ kind: 'error', id, error: toPlainError(error) });
  }
}

listen((message) => {
  if (message.kind === 'start') {
    // Before the runtime starts its threads, which take it over.
    if (message.isBackground) setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
    engine = new LocalEngine(message.options);
    send({ kind: 'ready' });
    return;
  }
  last = last.then(() => serve(message));
});
// Ctrl-C reaches the whole process group; the host decides what happens to a run, not this process.
process.on('SIGINT', () => undefined);
