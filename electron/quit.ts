/**
 * Ending without losing work.
 *
 * Owns: that quitting first lets the run at work write its checkpoint, for a bounded time, and that a
 * second quit does not wait. What is not saved by then is found to be interrupted at the next start and
 * goes on from its newest checkpoint.
 */

export interface QuitOptions {
  /** Pauses the run at work and closes everything. */
  close(): Promise<void>;
  /** Ends the program at once. */
  exit(): void;
  boundMs: number;
}

/** @returns what to do with every `before-quit` */
export function createQuit({ close, exit, boundMs }: QuitOptions): (event: { preventDefault(): void }) => void {
  let isClosing = false;
  return (event) => {
    if (isClosing) {
      exit();
      return;
    }
    isClosing = true;
    event.preventDefault();
    const bound = setTimeout(exit, boundMs);
    void close()
      .catch((thrown: unknown) => console.error(thrown))
      .finally(() => {
        clearTimeout(bound);
        exit();
      });
  };
}
