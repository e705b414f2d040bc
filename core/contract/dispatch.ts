/**
 * The host's end of the contract: answers calls and feeds streams, whatever arrives.
 *
 * Owns: refusing unknown names and oversized requests, validation in both directions, turning errors
 * into what may cross, and the pace of streams (one item at a time, what happens in between is merged).
 * It knows no transport and no handler's meaning. Nothing that a front end sends makes it throw.
 */
import * as z from 'zod/mini';
import { AresError, toAresError } from '#core/util/errors.ts';
import {
  type CallName,
  type Handlers,
  type ItemOf,
  type ParamsOf,
  type StreamName,
  calls,
  streams,
} from './contract.ts';
import type { WireError } from './transport.ts';

/** A request that was not looked at yet. */
export interface Body {
  sizeBytes: number;
  read(): unknown;
}

export type Answer = { ok: true; value: unknown } | { ok: false; error: WireError };

export interface StreamListener<I> {
  item(item: I): void;
  /** No more items come; without an error the stream simply ended. */
  end(error?: unknown): void;
}

/** Where the items of every stream come from. A source returns what ends it, and may throw instead of beginning. */
export type StreamSources = {
  readonly [N in StreamName]: (params: ParamsOf<N>, listener: StreamListener<ItemOf<N>>) => () => void;
};

/** Where a subscriber's items go. */
export interface ItemSink {
  item(item: unknown): void;
  end(error: WireError | null): void;
}

export interface Subscription {
  /** The subscriber has dealt with the last item and may be sent another. */
  acknowledge(): void;
  /** Nothing is sent any more, not even the end. */
  cancel(): void;
}

export interface Dispatcher {
  /** Never throws and never rejects. */
  call(name: string, body: Body): Promise<Answer>;
  /** Never throws; what is wrong with the request is told as the stream's end. */
  subscribe(name: string, body: Body, sink: ItemSink): Subscription;
}

/** No parameters of a stream are larger. */
const MAX_PARAMS_BYTES = 4096;

type Merge<N extends StreamName> = (waiting: ItemOf<N>, next: ItemOf<N>) => ItemOf<N>;
const merges: { readonly [N in StreamName]: Merge<N> } = {
  changes: (waiting, next) => ({ topics: [...new Set([...waiting.topics, ...next.topics])] }),
  run: (_, next) => next,
  job: (_, next) => next,
};

/**
 * @param report told of failures that are bugs of this program, which a front end sees without details
 */
export function createDispatcher(
  handlers: Handlers,
  sources: StreamSources,
  report: (what: string, thrown: unknown) => void,
): Dispatcher {
  const refusalOf = (what: string, thrown: unknown): WireError => {
    const error = toWireError(thrown);
    if (error.code === 'internal') report(what, thrown);
    return error;
  };
  return {
    async call(name, body) {
      try {
        if (!isCall(name)) throw unknownName('call', name);
        const { request, response, maxRequestBytes } = calls[name];
        const checked = checkRequest(request, body, maxRequestBytes, name);
        // Sound: `request` is the schema of this very handler, which the compiler cannot follow through the index.
        const handler = handlers[name] as (request: unknown) => unknown;
        return { ok: true, value: checkOwn(response, await handler(checked), name) };
      } catch (thrown) {
        return { ok: false, error: refusalOf(name, thrown) };
      }
    },
    subscribe(name, body, sink) {
      const end = (error: WireError | null) => {
        sink.end(error);
        return inactive;
      };
      try {
        if (!isStream(name)) throw unknownName('stream', name);
        const params = checkRequest(streams[name].params, body, MAX_PARAMS_BYTES, name);
        return startSubscription(name, params, sources, {
          ...sink,
          fail: (thrown) => void end(refusalOf(name, thrown)),
        });
      } catch (thrown) {
        return end(refusalOf(name, thrown));
      }
    },
  };
}

const inactive: Subscription = { acknowledge: () => undefined, cancel: () => undefined };

/** @throws what the source throws when it cannot begin */
function startSubscription<N extends StreamName>(
  name: N,
  params: unknown,
  sources: StreamSources,
  sink: ItemSink & { fail(thrown: unknown): void },
): Subscription {
  const merge = merges[name] as Merge<N>;
  let waiting: { item: ItemOf<N> } | null = null;
  let ending: { error: unknown } | null = null;
  let isOutstanding = false;
  let isOver = false;
  let stop: (() => void) | null = null;

  const finish = () => {
    isOver = true;
    stop?.();
  };
  const advance = () => {
    if (isOver || isOutstanding) return;
    try {
      if (waiting !== null) {
        const item = checkOwn(streams[name].item, waiting.item, name);
        waiting = null;
        isOutstanding = true;
        sink.item(item);
      } else if (ending !== null) {
        finish();
        if (ending.error === undefined) sink.end(null);
        else sink.fail(ending.error);
      }
    } catch (thrown) {
      finish();
      sink.fail(thrown);
    }
  };

  // Sound as in `call`: name and parameters belong together.
  const source = sources[name] as (params: unknown, listener: StreamListener<ItemOf<N>>) => () => void;
  const stopSource = source(params, {
    item(item) {
      waiting = { item: waiting === null ? item : merge(waiting.item, item) };
      advance();
    },
    end(error) {
      ending ??= { error };
      advance();
    },
  });
  // A source may have ended before it returned.
  if (isOver) stopSource();
  else stop = stopSource;
  return {
    acknowledge() {
      isOutstanding = false;
      advance();
    },
    cancel() {
      if (!isOver) finish();
    },
  };
}

function isCall(name: string): name is CallName {
  return Object.hasOwn(calls, name);
}

function isStream(name: string): name is StreamName {
  return Object.hasOwn(streams, name);
}

function unknownName(what: string, name: string): AresError {
  return new AresError('unsupported', `The host knows no ${what} "${name.slice(0, 100)}".`, {
    hint: 'Front end and host are of different versions. Reload the window.',
  });
}

/** @throws AresError 'usage' when it is too large, no value, or does not fit */
function checkRequest(schema: z.ZodMiniType, body: Body, maxBytes: number, name: string): unknown {
  if (body.sizeBytes > maxBytes) {
    throw new AresError('usage', `The request is larger than ${name} allows (${maxBytes} bytes).`, { where: name });
  }
  let value: unknown;
  try {
    value = body.read();
  } catch (thrown) {
    throw new AresError('usage', 'The request is malformed.', { where: name, cause: thrown });
  }
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  throw new AresError('usage', `The request does not fit the contract: ${issueOf(result.error)}`, { where: name });
}

/** What the host itself produced. @throws AresError 'internal' */
function checkOwn(schema: z.ZodMiniType, value: unknown, name: string): unknown {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  throw new AresError('internal', `The host's answer does not fit the contract: ${issueOf(result.error)}`, {
    where: name,
    hint: 'This is a bug in the workbench. Please report it.',
  });
}

function issueOf({ issues: [issue] }: z.core.$ZodError): string {
  return `${issue?.path.map(String).join('.') ?? ''} ${issue?.message ?? ''}`.trim().slice(0, 500);
}

/** An error as it crosses: no stack, no cause. */
export function toWireError(thrown: unknown): WireError {
  const { code, message, where, hint } = toAresError(thrown);
  return { code, message: message.slice(0, 4000), where: where ?? null, hint: hint ?? null };
}
