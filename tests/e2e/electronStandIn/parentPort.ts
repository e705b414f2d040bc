/**
 * Loaded before the entry of a utility process: gives it `process.parentPort` in place of the messages
 * of child_process, which Electron's utility processes do not have. Threads of that process load it too, and
 * are left as they are.
 */
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  const send = process.send!.bind(process);
  const listen = process.on.bind(process);
  Object.assign(process, {
    parentPort: {
      postMessage: (message: unknown) => void send(message),
      on: (_: 'message', listener: (event: { data: unknown }) => void) =>
        void listen('message', (data: unknown) => listener({ data })),
    },
    send: undefined,
  });
  // Electron ends a utility process with its parent.
  process.on('disconnect', () => process.exit(0));
}
