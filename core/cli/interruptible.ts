/**
 * Work that Ctrl-C ends at its next safe point, leaving nothing half done.
 *
 * Owns: turning SIGINT into an abort. Runs, which pause at a checkpoint instead, have their own way in
 * runSession.ts.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onInterrupt = () => controller.abort();
  process.once('SIGINT', onInterrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}
