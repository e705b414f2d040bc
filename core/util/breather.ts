/**
 * Long work in a process that also has to answer others.
 *
 * Owns: giving way now and then. It changes the order of nothing within the work itself.
 */

/** Short enough that an answer that waits for its turn is still quick. */
const GIVE_WAY_AFTER_MS = 4;

/** @returns to be awaited between two pieces of work: lets others have their turn when it has been long enough */
export function createBreather(): () => Promise<void> {
  let sinceMs = performance.now();
  return async () => {
    if (performance.now() - sinceMs < GIVE_WAY_AFTER_MS) return;
    await new Promise<void>((resolve) => void setImmediate(resolve));
    sinceMs = performance.now();
  };
}
