/**
 * Entry of the engine process: a LocalEngine behind messages.
 *
 * Owns: serving one host, one call at a time and in order. It starts with a 'start' message, answers
 * 'ready', and ends when the host closes it or goes away; it keeps nothing beyond its memory.
 */
import type { Engine } from './api.ts';
import { LocalEngine } from './localEngine.ts';
import { type FromEngine, type ToEngine, engineMethods, toPlainError } from './messages.ts';

function send(message: FromEngine): void {
  // A host that is gone, perhaps this very moment, cannot be told anything; 'disconnect' ends this process.
  if (process.connected) process.send!(message, undefined, {}, () => undefined);
}

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
    if (method === 'close') process.disconnect();
  } catch (error) {
    send({ kind: 'error', id, error: toPlainError(error) });
  }
}

process.on('message', (message: ToEngine) => {
  if (message.kind === 'start') {
    engine = new LocalEngine(message.options);
    send({ kind: 'ready' });
    return;
  }
  last = last.then(() => serve(message));
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the host decides what happens to a run, not this process.
process.on('SIGINT', () => undefined);
