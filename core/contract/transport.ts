/**
 * What carries the contract between a front end and the host, as types.
 *
 * Owns: the two verbs every transport has, and the shape in which errors cross. Electron's IPC, the
 * WebSocket of `ares serve` and a direct binding in tests implement it; nothing above knows which.
 */

/** An AresError on the wire: what a person is shown, and the code a front end switches on. */
export interface WireError {
  code: string;
  message: string;
  where: string | null;
  hint: string | null;
}

export interface Subscriber {
  /** The next item. The promise is the acknowledgement: no further item arrives before it settles. */
  item(item: unknown): Promise<void>;
  /** No more items will come; null when the stream simply ended. */
  end(error: WireError | null): void;
}

/** Values are plain data and typed arrays; both ends validate against the contract. */
export interface Transport {
  /** Rejects with a WireError. */
  call(name: string, request: unknown): Promise<unknown>;
  /** @returns a function that ends the subscription */
  subscribe(name: string, params: unknown, subscriber: Subscriber): () => void;
}
