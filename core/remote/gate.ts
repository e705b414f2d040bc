/**
 * How many requests are in flight at once.
 *
 * Owns: the limit, which halves when a server asks to slow down and grows back by one for every round of
 * successes, and the pause that a server asks for. It sends nothing.
 */

/** Time, so that tests need not wait for it. */
export interface Clock {
  nowMs(): number;
  /** Resolves after a while, or at once when aborted. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done);
    }),
};

export interface Gate {
  /** Requests allowed at once now. */
  limit(): number;
  /** Resolves when a request may begin; `leave` must follow. */
  enter(signal?: AbortSignal): Promise<void>;
  leave(): void;
  /** A request was answered as it should. */
  succeeded(): void;
  /** The server asked to slow down. @param pauseMs nothing begins for so long */
  slowDown(pauseMs: number): void;
}

export function createGate(most: number, clock: Clock): Gate {
  let limit = most;
  let inFlight = 0;
  let successes = 0;
  let closedUntilMs = -Infinity;
  /** A burst of refusals is one request to slow down: not before this time is there another. */
  let nextCutMs = -Infinity;
  const waiting: (() => void)[] = [];

  const admit = (): void => {
    while (inFlight < limit && waiting.length > 0) {
      inFlight++;
      waiting.shift()!();
    }
  };
  return {
    limit: () => limit,
    async enter(signal) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        admit();
      });
      for (;;) {
        const left = closedUntilMs - clock.nowMs();
        if (left <= 0 || signal?.aborted === true) return;
        await clock.wait(left, signal);
      }
    },
    leave() {
      inFlight--;
      admit();
    },
    succeeded() {
      successes++;
      if (successes < limit || limit === most) return;
      successes = 0;
      limit++;
      admit();
    },
    slowDown(pauseMs) {
      const nowMs = clock.nowMs();
      closedUntilMs = Math.max(closedUntilMs, nowMs + pauseMs);
      if (nowMs < nextCutMs) return;
      nextCutMs = closedUntilMs;
      successes = 0;
      limit = Math.max(1, Math.floor(limit / 2));
    },
  };
}
