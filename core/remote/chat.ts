/**
 * Chat completions: the body of a request within what a server accepts, and the responses in an answer.
 *
 * Owns: the dialects. Fields that a model refuses are left out; reasoning that is sent apart is joined to the
 * text; log-probs are taken only where they cover the tokens and can be true. It sends nothing.
 */
import { entropyLowerBounds } from '#core/ares/entropy.ts';
import { joinReasoning } from '#core/ares/traces.ts';
import type { ChatMessage } from '#core/model/chatTemplate.ts';
import { isRecord, redacted } from './client.ts';
import type { Capabilities } from './endpoint.ts';

export interface ChatRequest {
  model: string;
  messages: readonly ChatMessage[];
  temperature: number;
  topP: number;
  maxNewTokens: number;
  /** Responses wanted. */
  choices: number;
  seed: number;
}

/** The body of a request, with the fields that this model takes. */
export function chatBody(
  request: ChatRequest,
  capabilities: Pick<Capabilities, 'tokenLimit' | 'temperature' | 'topP' | 'topLogprobs' | 'choices' | 'seed'>,
): Record<string, unknown> {
  const { model, messages, temperature, topP, maxNewTokens, choices, seed } = request;
  return {
    model,
    messages,
    [capabilities.tokenLimit]: maxNewTokens,
    ...(capabilities.temperature ? { temperature } : {}),
    ...(capabilities.topP && topP < 1 ? { top_p: topP } : {}),
    ...(capabilities.choices && choices > 1 ? { n: choices } : {}),
    ...(capabilities.seed === 'refused' ? {} : { seed }),
    ...(capabilities.topLogprobs > 0 ? { logprobs: true, top_logprobs: capabilities.topLogprobs } : {}),
  };
}

/** Tokens as a server tells them: their texts, and what its top log-probs say of their entropies. */
export interface ServedTokens {
  pieces: string[];
  logprobs: Float32Array;
  /** Lower bounds. */
  entropiesNats: Float32Array;
  /** Log-probs behind every entropy, at least. */
  topK: number;
}

export interface ChatChoice {
  /** Reasoning included. */
  text: string;
  /** The token limit ended it. */
  truncated: boolean;
  /** The server cut it for what it says. */
  filtered: boolean;
  tokens: ServedTokens | null;
}

export interface ChatCompletion {
  choices: ChatChoice[];
  /** Tokens of all responses together; null where the server does not count. */
  completionTokens: number | null;
}

/** What a server sent for a completion, as far as it can be used. Choices of a wrong shape are left out. */
export function readCompletion(value: unknown, key: string | null): ChatCompletion {
  const choices: unknown[] = isRecord(value) && Array.isArray(value['choices']) ? value['choices'] : [];
  const usage: unknown = isRecord(value) ? value['usage'] : undefined;
  const counted: unknown = isRecord(usage) ? usage['completion_tokens'] : undefined;
  return {
    choices: choices.flatMap((choice) => readChoice(choice, key) ?? []),
    completionTokens: typeof counted === 'number' && Number.isInteger(counted) && counted >= 0 ? counted : null,
  };
}

function readChoice(choice: unknown, key: string | null): ChatChoice | null {
  if (!isRecord(choice) || !isRecord(choice['message'])) return null;
  const { message, finish_reason: reason } = choice;
  const { content } = message;
  if (content !== null && content !== undefined && typeof content !== 'string') return null;
  const reasoning = message['reasoning_content'] ?? message['reasoning'];
  const text = joinReasoning(typeof reasoning === 'string' ? reasoning : '', content ?? '');
  const tokens = readTokens(choice['logprobs']);
  // Pieces of a response that spells the key out would spell it as well.
  const keepsKey = key !== null && key !== '' && tokens !== null && tokens.pieces.join('').includes(key);
  return {
    text: redacted(text, key),
    truncated: reason === 'length',
    filtered: reason === 'content_filter',
    tokens: keepsKey ? null : tokens,
  };
}

/** Float rounding may push a log-probability this far above 0. */
const ROUNDING_NATS = 1e-3;

/** Null where there are none, or one that cannot be true. */
export function readTokens(logprobs: unknown): ServedTokens | null {
  const content: unknown = isRecord(logprobs) ? logprobs['content'] : undefined;
  if (!Array.isArray(content) || content.length === 0) return null;
  const pieces: string[] = [];
  const own: number[] = [];
  const lists: number[][] = [];
  for (const each of content as unknown[]) {
    if (!isRecord(each) || typeof each['token'] !== 'string' || !isLogprob(each['logprob'])) return null;
    const top: unknown = each['top_logprobs'];
    const listed = new Map<string, number>();
    for (const other of Array.isArray(top) ? (top as unknown[]) : []) {
      if (!isRecord(other) || !isLogprob(other['logprob'])) return null;
      // Different tokens can look the same as text; those that do are taken for one, which keeps the bound.
      listed.set(String(other['token']), other['logprob']);
    }
    // Some servers list the token itself only when it is among the most likely.
    if (!listed.has(each['token'])) listed.set(each['token'], each['logprob']);
    pieces.push(each['token']);
    own.push(Math.min(0, each['logprob']));
    lists.push([...listed.values()].map((value) => Math.min(0, value)));
  }
  const { nats, k } = entropyLowerBounds(lists);
  return { pieces, logprobs: Float32Array.from(own), entropiesNats: nats, topK: k };
}

function isLogprob(value: unknown): value is number {
  return typeof value === 'number' && value <= ROUNDING_NATS;
}
