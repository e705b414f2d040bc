/**
 * Model servers that speak the OpenAI protocol: what is known of one, and how its address is written.
 *
 * Owns: the types of an endpoint and of what was observed about a model on it, and the one spelling of an
 * address. Keys are no part of an endpoint: keys.ts.
 */
import { AresError } from '#core/util/errors.ts';

/** A server as a person named it. */
export interface Endpoint {
  name: string;
  /** Normalised by endpointUrl. */
  url: string;
  /** Environment variable that holds the key; null where the key is kept elsewhere, or none is needed. */
  keyVariable: string | null;
  /** Requests in flight at once, at most; fewer after the server asked to slow down. */
  concurrency: number;
  /** Of one request, from its start to the last byte of the answer. */
  timeoutMs: number;
}

export const defaultConcurrency = 8;
export const defaultTimeoutMs = 600_000;

/** How a server wants to be told the token limit. */
export type TokenLimitField = 'max_tokens' | 'max_completion_tokens';

/** Everything about a model on a server that decides how it is asked; each was observed by a probe. */
export interface Capabilities {
  tokenLimit: TokenLimitField;
  /** False where any temperature but the server's own is refused. */
  temperature: boolean;
  /** Likewise top_p. */
  topP: boolean;
  /** Log-probs per token, the token's own included; 0 for none. */
  topLogprobs: number;
  /** Log-probs are of the distribution 'before' the temperature is applied, or 'after'; null where it could not be told. */
  logprobsAt: 'before' | 'after' | null;
  /** Several responses to one request. */
  choices: boolean;
  /** 'repeats': the same seed gave the same text. 'accepted': it did not, or that could not be told. */
  seed: 'repeats' | 'accepted' | 'refused';
  /** Null where it was accepted but not recognised. */
  images: boolean | null;
  /** It says how many tokens a response has. */
  countsTokens: boolean;
  /** It kept to the token limit of the probe. */
  keepsLimit: boolean;
}

/** One thing a probe looked for. */
export interface Finding {
  name: string;
  status: 'has' | 'lacks' | 'unclear';
  /** What was observed, one sentence. */
  detail: string;
}

export interface Probe {
  model: string;
  probedMs: number;
  capabilities: Capabilities;
  findings: Finding[];
}

/** A model on a server, as a run remembers where its responses come from. */
export interface ServedModel {
  endpoint: Endpoint;
  model: string;
  capabilities: Capabilities;
}

const MAX_URL_CHARACTERS = 2000;

/**
 * The address below which `/models` and `/chat/completions` lie: `http://host:8000/v1`. A bare host gets `/v1`,
 * and the addresses of these two calls are understood as well.
 * @throws AresError 'usage' when it is no address of http or https, or holds a key
 */
export function endpointUrl(text: string): string {
  const trimmed = text.trim();
  const spelt = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`;
  if (trimmed === '' || trimmed.length > MAX_URL_CHARACTERS || !URL.canParse(spelt)) {
    throw badUrl('This is not the address of a server.', 'Write it as http://127.0.0.1:8000/v1.');
  }
  const url = new URL(spelt);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw badUrl(
      `Only http and https are spoken, not ${url.protocol.slice(0, -1)}.`,
      'Begin with http:// or https://.',
    );
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw badUrl(
      'An address holds no password, no query and no fragment: it is shown and stored.',
      'Write only the address; the key has a place of its own.',
    );
  }
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(chat\/completions|completions|models)$/, '');
  return `${url.origin}${path === '' ? '/v1' : path}`;
}

function badUrl(message: string, hint: string): AresError {
  return new AresError('usage', message, { hint });
}

/** How a served model is named wherever a local one has its folder. */
export function addressOf({ url }: Pick<Endpoint, 'url'>, model: string): string {
  return `${url} ${model}`;
}
