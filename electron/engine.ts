/**
 * The engine as a utility process: the same entry as under the command line, over Electron's messages.
 */
import { join } from 'node:path';
import { utilityProcess } from 'electron';
import type { EngineChannel } from '#core/engine/channel.ts';
import type { FromEngine } from '#core/engine/messages.ts';

/** Beside this file in the bundle; made from core/engine/process.ts. */
const entry = join(import.meta.dirname, 'process.js');

export function forkUtilityEngine(): EngineChannel {
  const child = utilityProcess.fork(entry, [], { serviceName: 'ARES engine', stdio: 'inherit' });
  return {
    send: (message) => child.postMessage(message),
    listen({ message, end }) {
      child.on('message', (received: FromEngine) => message(received));
      child.on('exit', (code) => end({ code, signal: null }));
    },
    // It would wait for messages for ever.
    release: () => void child.kill(),
    kill: () => void child.kill(),
  };
}
