/**
 * fetch, as the hub's library is given it: patient where waiting helps, quick to say so where it does not.
 *
 * Owns: the time until headers come, waiting and trying again when the hub is busy or a connection breaks, and
 * the sentence for each way to fail. What is asked for is pullModel.ts.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { AresError } from '#core/util/errors.ts';
import { unreachable } from './reachable.ts';

/** Without headers for so long, a request is given up. */
const HEADERS_MS = 20_000;
const TRIES = 5;
const FIRST_WAIT_MS = 500;
/** A longer wait than this is told to the person instead. */
const LONGEST_WAIT_MS = 60_000;

export interface HubFetchOptions {
  signal: AbortSignal;
  /** Replaced in tests, which have no time. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * The first request fails at once when there is no network: nothing has begun yet, and a person is waiting.
 * A token goes to the hub itself and to no address it redirects or points to.
 * @throws AresError 'network', 'interrupted'
 */
export function createHubFetch(hubUrl: string, { signal, pause = sleep }: HubFetchOptions): typeof fetch {
  const hubOrigin = new URL(hubUrl).origin;
  let hasAnswered = false;
  return async (input, init) => {
    const where = addressOf(input);
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt === TRIES;
      const waitMs = FIRST_WAIT_MS * 2 ** (attempt - 1);
      let response: Response;
      try {
        response = await once(input, where === hubOrigin ? init : withoutToken(init), signal);
      } catch (thrown) {
        refuseAborted(signal);
        if (isLast || !hasAnswered) throw unreachable(where, thrown);
        await pause(waitMs, signal);
        continue;
      }
      hasAnswered = true;
      const isBusy = response.status === 429 || response.status >= 500;
      if (!isBusy || isLast) return response;
      const askedMs = retryAfterMs(response.headers.get('retry-after')) ?? waitMs;
      if (askedMs > LONGEST_WAIT_MS) return response;
      await response.body?.cancel();
      await pause(askedMs, signal);
      refuseAborted(signal);
    }
  };
}

export function refuseAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new AresError('interrupted', 'The download was stopped. What has come is kept.', {
    hint: 'Ask for the same model again to go on from there.',
  });
}

function withoutToken(init: RequestInit | undefined): RequestInit {
  const headers = new Headers(init?.headers);
  headers.delete('authorization');
  return { ...init, headers };
}

/** The time limit is on the headers alone: a body may take as long as it keeps coming. */
async function once(input: Parameters<typeof fetch>[0], init: RequestInit | undefined, signal: AbortSignal) {
  const slow = new AbortController();
  const timer = setTimeout(() => slow.abort(new Error(`no answer within ${HEADERS_MS / 1000} s`)), HEADERS_MS);
  try {
    return await fetch(input, { ...init, signal: AbortSignal.any([signal, slow.signal]) });
  } finally {
    clearTimeout(timer);
  }
}

/** Scheme and host: what follows may be long and signed. */
function addressOf(input: Parameters<typeof fetch>[0]): string {
  return new URL(input instanceof Request ? input.url : input).origin;
}

/** @param header seconds, or a date */
function retryAfterMs(header: string | null): number | null {
  if (header === null) return null;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => refuseAborted(signal));
}
