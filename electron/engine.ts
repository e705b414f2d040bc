/**
 * Processes that work for the host as utility processes: the same entries as under the command line, over
 * Electron's messages.
 */
import { join } from 'node:path';
import { utilityProcess } from 'electron';
import type { EngineChannel, ProcessChannel } from '#core/engine/channel.ts';
import type { ReaderChannel } from '#core/data/readerMessages.ts';

export function forkUtilityEngine(): EngineChannel {
  return forkUtility('process.js', 'ARES engine', 'inherit');
}

export function forkUtilityReader(): ReaderChannel {
  return forkUtility('readerProcess.js', 'ARES data reader', 'ignore');
}

/** @param entry beside this file in the bundle; made from the file of that name under core/ */
function forkUtility<To, From>(
  entry: string,
  serviceName: string,
  stdio: 'inherit' | 'ignore',
): ProcessChannel<To, From> {
  const child = utilityProcess.fork(join(import.meta.dirname, entry), [], { serviceName, stdio });
  return {
    send: (message) => child.postMessage(message),
    listen({ message, end }) {
      child.on('message', (received: From) => message(received));
      child.on('exit', (code) => end({ code, signal: null }));
    },
    // It would wait for messages for ever.
    release: () => void child.kill(),
    kill: () => void child.kill(),
  };
}
