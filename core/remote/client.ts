/**
 * A client of one server: requests that are repeated where that helps, and failures a person can act on.
 *
 * Owns: what is worth repeating and how long to wait, slowing down when asked to, and the sentences for what
 * went wrong. Everything a server sends is looked through for the key before it goes anywhere, because some
 * echo it. What a request asks and an answer means is chat.ts.
 */
import { AresError } from '#core/util/errors.ts';
import type { Endpoint } from './endpoint.ts';
import { type Clock, createGate, systemClock } from './gate.ts';
import { type HttpAnswer, HttpFailure, send } from './http.ts';

/** Far more than a long response with log-probs takes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Attempts that fail for other reasons than the server's pace. */
const MAX_FAILURES = 6;
/** Times a request is put off because the server asks to slow down. */
const MAX_DELAYS = 20;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;
/** A server that wants more patience than this is asked again by resuming the run. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;
const SHOWN_CHARACTERS = 300;
const LISTING_TIMEOUT_MS = 30_000;
/** Statuses for an address or a method that a server does not have. */
const UNKNOWN_CALL: readonly number[] = [404, 405];

export interface ServerError {
  status: number;
  /** The server's words, shortened and without the key. */
  message: string;
  /** The field it complains of, where it says so. */
  field: string | null;
}

export type Reply = { kind: 'value'; value: unknown } | { kind: 'refused'; error: ServerError };

/** Beside the id whatever the server says of a model. */
export type ListedModel = Readonly<Record<string, unknown>> & { readonly id: string };

export interface Client {
  readonly endpoint: Endpoint;
  /** The models it lists, as it describes them; null where it lists none. @throws AresError 'endpoint' */
  models(signal?: AbortSignal): Promise<ListedModel[] | null>;
  /**
   * A completion as the server sends it, or its refusal of this very request.
   * @param path 'chat/completions'
   * @throws AresError 'endpoint' when it cannot be had, 'interrupted' when aborted
   */
  post(path: string, body: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<Reply>;
  /** Requests allowed at once now. */
  limit(): number;
}

export interface ClientOptions {
  endpoint: Endpoint;
  key: string | null;
  clock?: Clock;
  /** In [0, 1), spreads waits so that requests do not come back all at once. */
  random?: () => number;
  /** Told when the server asked to slow down. */
  onSlowDown?: (limit: number, pauseMs: number) => void;
}

export function createClient(options: ClientOptions): Client {
  const { endpoint, key, clock = systemClock, random = Math.random, onSlowDown } = options;
  const gate = createGate(endpoint.concurrency, clock);

  async function ask(
    method: 'GET' | 'POST',
    path: string,
    body: string | undefined,
    timeoutMs: number,
    isWhole: (value: unknown) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<Reply> {
    const url = `${endpoint.url}/${path}`;
    let failures = 0;
    let delays = 0;
    for (;;) {
      await gate.enter(signal);
      let outcome: Outcome;
      try {
        const request = { url, method, key, timeoutMs, maxBytes: MAX_ANSWER_BYTES };
        const answer = await send({
          ...request,
          ...(body === undefined ? {} : { body }),
          ...(signal === undefined ? {} : { signal }),
        });
        outcome = readAnswer(answer, key, isWhole);
      } catch (thrown) {
        outcome = outcomeOfFailure(thrown);
      } finally {
        gate.leave();
      }
      switch (outcome.kind) {
        case 'value':
          gate.succeeded();
          return outcome;
        case 'refused':
          return outcome;
        case 'fatal':
          throw failed(endpoint, outcome.message, outcome.hint);
        case 'aborted':
          throw new AresError('interrupted', 'The request was aborted.');
        case 'slow': {
          if (++delays > MAX_DELAYS) throw gaveUp(endpoint, delays, outcome.message);
          const pauseMs = outcome.waitMs ?? backoff(delays, random);
          if (pauseMs > MAX_RETRY_AFTER_MS) {
            throw failed(
              endpoint,
              `The server asks to wait ${Math.round(pauseMs / 60_000)} minutes: ${outcome.message}`,
              'Resume the run after that; what was answered is kept.',
            );
          }
          gate.slowDown(pauseMs);
          onSlowDown?.(gate.limit(), pauseMs);
          break;
        }
        case 'again':
          if (++failures >= MAX_FAILURES) throw gaveUp(endpoint, failures, outcome.message);
          await clock.wait(outcome.waitMs ?? backoff(failures, random), signal);
      }
    }
  }

  return {
    endpoint,
    limit: gate.limit,
    async models(signal) {
      const isList = (value: unknown) => listedModels(value, key) !== null;
      const timeoutMs = Math.min(LISTING_TIMEOUT_MS, endpoint.timeoutMs);
      const reply = await ask('GET', 'models', undefined, timeoutMs, isList, signal);
      if (reply.kind === 'value') return listedModels(reply.value, key);
      if (UNKNOWN_CALL.includes(reply.error.status)) return null;
      throw refusal(endpoint, reply.error);
    },
    post: (path, body, signal) =>
      ask('POST', path, JSON.stringify(body), endpoint.timeoutMs, (value) => isCompletion(value), signal),
  };
}

function listedModels(value: unknown, key: string | null): ListedModel[] | null {
  const data: unknown = isRecord(value) ? value['data'] : undefined;
  if (!Array.isArray(data)) return null;
  return data.flatMap((each: unknown) =>
    isRecord(each) && typeof each['id'] === 'string' ? [{ ...each, id: redacted(each['id'], key) }] : [],
  );
}

function isCompletion(value: unknown): boolean {
  return isRecord(value) && Array.isArray(value['choices']) && value['choices'].length > 0;
}

type Outcome =
  | Reply
  | { kind: 'slow'; message: string; waitMs: number | null }
  | { kind: 'again'; message: string; waitMs: number | null }
  | { kind: 'fatal'; message: string; hint: string }
  | { kind: 'aborted' };

function outcomeOfFailure(thrown: unknown): Outcome {
  if (!(thrown instanceof HttpFailure)) throw thrown;
  switch (thrown.kind) {
    case 'aborted':
      return { kind: 'aborted' };
    case 'unreachable':
      return {
        kind: 'fatal',
        message: `The server cannot be reached: ${thrown.message}.`,
        hint: 'Check its address, and that this machine may connect to it.',
      };
    case 'too-large':
      return {
        kind: 'fatal',
        message: `The server sent too much: ${thrown.message}.`,
        hint: 'This is no answer of a model server; check the address.',
      };
    default:
      return { kind: 'again', message: thrown.message, waitMs: null };
  }
}

function readAnswer(
  { status, headers, text }: HttpAnswer,
  key: string | null,
  isWhole: (value: unknown) => boolean,
): Outcome {
  const value = parsed(text);
  if (status >= 200 && status < 300) {
    // Gateways report the failure of the server behind them with status 200.
    const inner = isRecord(value) && isRecord(value['error']) ? value['error']['code'] : undefined;
    if (value !== undefined && isWhole(value)) return { kind: 'value', value };
    if (isRecord(value) && isRecord(value['error']))
      return outcomeOfStatus(typeof inner === 'number' && inner >= 400 ? inner : 500, headers, value, text, key);
    const what = value === undefined ? 'an answer that is cut off or no JSON' : 'JSON that is no answer to this call';
    return { kind: 'again', message: `the server sent ${what}`, waitMs: null };
  }
  if (status >= 300 && status < 400) {
    return {
      kind: 'fatal',
      message: `The server redirects elsewhere (status ${status}), which is not followed because the key would go along.`,
      hint: 'Use the address it redirects to.',
    };
  }
  return outcomeOfStatus(status, headers, value, text, key);
}

function outcomeOfStatus(
  status: number,
  headers: HttpAnswer['headers'],
  value: unknown,
  text: string,
  key: string | null,
): Outcome {
  const error = serverError(status, value, text, key);
  const waitMs = retryAfterMs(headers, Date.now());
  const said = error.message === '' ? '' : `: ${error.message}`;
  switch (status) {
    case 401:
    case 403:
      return {
        kind: 'fatal',
        message: `The server refuses the key (status ${status})${said}`,
        hint: 'Give the key of this server in Settings, or with "ares endpoint add".',
      };
    case 402:
      return { kind: 'fatal', message: `The account has no credit${said}`, hint: 'Add credit, then resume the run.' };
    case 429:
      if (/insufficient_quota|exceeded your current quota|billing/i.test(text)) {
        return {
          kind: 'fatal',
          message: `The quota is used up${said}`,
          hint: 'Add credit or wait for the quota, then resume the run.',
        };
      }
      return { kind: 'slow', message: `too many requests${said}`, waitMs };
    case 503:
    case 529:
      return waitMs === null
        ? { kind: 'again', message: `status ${status}${said}`, waitMs }
        : { kind: 'slow', message: `status ${status}${said}`, waitMs };
    case 408:
    case 409:
    case 425:
      return { kind: 'again', message: `status ${status}${said}`, waitMs };
    default:
      return status >= 500 ? { kind: 'again', message: `status ${status}${said}`, waitMs } : { kind: 'refused', error };
  }
}

function serverError(status: number, value: unknown, text: string, key: string | null): ServerError {
  const inner: unknown = isRecord(value) ? (value['error'] ?? value) : undefined;
  const said: unknown = isRecord(inner) ? (inner['message'] ?? inner['detail']) : inner;
  const param: unknown = isRecord(inner) ? inner['param'] : undefined;
  const whole = typeof said === 'string' ? said : said === undefined ? text : JSON.stringify(said);
  const line = redacted(whole, key).replaceAll(/\s+/g, ' ').trim();
  return {
    status,
    message: line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line,
    field: typeof param === 'string' ? redacted(param, key) : null,
  };
}

/** Seconds, fractions of them, or a date; `retry-after-ms` is what some servers send beside it. */
export function retryAfterMs(headers: HttpAnswer['headers'], nowMs: number): number | null {
  const exact = Number(headers['retry-after-ms'] ?? NaN);
  if (Number.isFinite(exact) && exact >= 0) return exact;
  const text = headers['retry-after'];
  if (typeof text !== 'string') return null;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}

/** Doubles each time, with up to half of it taken off by chance. */
function backoff(times: number, random: () => number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (times - 1)) * (1 - random() / 2);
}

/** A text without the key in it. */
export function redacted(text: string, key: string | null): string {
  return key === null || key === '' ? text : text.replaceAll(key, '[key]');
}

/** The refusal of one request as an error of the whole. */
export function refusal(endpoint: Endpoint, { status, message }: ServerError): AresError {
  if (UNKNOWN_CALL.includes(status)) {
    return failed(
      endpoint,
      `The server does not know this model or this call (status ${status})${message === '' ? '.' : `: ${message}`}`,
      'Check the address (it mostly ends in /v1) and the name of the model.',
    );
  }
  return failed(
    endpoint,
    `The server refuses the request (status ${status})${message === '' ? '.' : `: ${message}`}`,
    'Probe the endpoint again in Settings, or with "ares endpoint probe": it finds out what this model accepts.',
  );
}

function gaveUp(endpoint: Endpoint, times: number, last: string): AresError {
  return failed(
    endpoint,
    `The server did not answer in ${times} attempts; the last time: ${last}.`,
    'Check that the server is up, then resume the run; what was answered is kept.',
  );
}

function failed({ name, url }: Endpoint, message: string, hint: string): AresError {
  return new AresError('endpoint', message, { where: name === url ? url : `${name}, ${url}`, hint });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
