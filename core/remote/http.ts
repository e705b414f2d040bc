/**
 * One request and its whole answer.
 *
 * Owns: the limits of a request (time from start to last byte, bytes of the answer), sending a key in a header
 * and nowhere else, and telling apart how a request can fail. Redirects are not followed, so a key never
 * reaches another host. It retries nothing and reads no meaning into an answer.
 *
 * Node's http and not its fetch: fetch gives up on a server that sends no headers for 300 s, as one does that
 * is thinking, and offers no way to change that.
 */
import { type IncomingMessage, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface HttpRequest {
  url: string;
  method: 'GET' | 'POST';
  /** JSON text. */
  body?: string;
  /** Sent as a bearer token. */
  key: string | null;
  timeoutMs: number;
  maxBytes: number;
  signal?: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
}

/** 'unreachable': no connection came about, and none will soon (name, certificate). 'refused': nobody listens there now. */
export type HttpFailureKind = 'unreachable' | 'refused' | 'dropped' | 'timeout' | 'too-large' | 'aborted';

export class HttpFailure extends Error {
  readonly kind: HttpFailureKind;
  constructor(kind: HttpFailureKind, message: string) {
    super(message);
    this.name = 'HttpFailure';
    this.kind = kind;
  }
}

const httpAgent = new HttpAgent({ keepAlive: true });
const httpsAgent = new HttpsAgent({ keepAlive: true });

/** @throws HttpFailure */
export function send({ url, method, body, key, timeoutMs, maxBytes, signal }: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new HttpFailure('aborted', 'The request was aborted.'));
      return;
    }
    const isSecure = url.startsWith('https:');
    const outgoing = (isSecure ? httpsRequest : httpRequest)(url, {
      method,
      agent: isSecure ? httpsAgent : httpAgent,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      },
    });
    const end = (failure: HttpFailure | null, answer?: HttpAnswer): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      if (failure === null) {
        resolve(answer!);
        return;
      }
      reject(failure);
      outgoing.destroy();
    };
    const abort = (): void => end(new HttpFailure('aborted', 'The request was aborted.'));
    const timer = setTimeout(
      () => end(new HttpFailure('timeout', `no whole answer came within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    signal?.addEventListener('abort', abort);
    outgoing.on('error', (error: NodeJS.ErrnoException) => end(failureOf(error)));
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) {
          end(new HttpFailure('too-large', `the answer is larger than ${Math.round(maxBytes / 2 ** 20)} MiB`));
        } else chunks.push(chunk);
      });
      incoming.on('error', (error: NodeJS.ErrnoException) => end(failureOf(error)));
      incoming.on('end', () => (incoming.complete ? end(null, answerOf(incoming, chunks)) : end(cutOff)));
      incoming.on('close', () => {
        if (!incoming.complete) end(cutOff);
      });
    });
    outgoing.end(body);
  });
}

const cutOff = new HttpFailure('dropped', 'the connection ended in the middle of the answer');

function answerOf(incoming: IncomingMessage, chunks: readonly Buffer[]): HttpAnswer {
  return {
    status: incoming.statusCode!,
    headers: incoming.headers,
    text: Buffer.concat(chunks).toString('utf8'),
  };
}

function failureOf({ code, message }: NodeJS.ErrnoException): HttpFailure {
  switch (code) {
    case 'ECONNREFUSED':
      return new HttpFailure('refused', 'nobody listens at this address');
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ETIMEDOUT':
    case 'EAI_AGAIN':
    case 'HPE_INVALID_EOF_STATE':
      return new HttpFailure('dropped', `the connection broke (${code})`);
    case 'ENOTFOUND':
      return new HttpFailure('unreachable', 'there is no host of this name');
    default:
      // Certificates, protocols, unroutable addresses.
      return new HttpFailure('unreachable', message);
  }
}
