/**
 * Who is told that something changed.
 *
 * Owns: the listeners of the host's streams and of its own parts. An announcement carries topics, not
 * data: whoever shows the data asks again.
 */
import type { ChangeTopic } from '#core/contract/contract.ts';

export interface Changes {
  announce(...topics: ChangeTopic[]): void;
  /** @returns a function that ends listening */
  listen(listener: (topics: readonly ChangeTopic[]) => void): () => void;
}

export function createChanges(): Changes {
  const listeners = new Set<(topics: readonly ChangeTopic[]) => void>();
  return {
    announce: (...topics) => {
      for (const listener of listeners) listener(topics);
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
