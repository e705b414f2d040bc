// A model server on 127.0.0.1 that speaks the dialects of those people use, and misbehaves on demand.
import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  path: string;
  authorization: string | undefined;
  body: Record<string, unknown>;
}

/** How an attempt is answered instead of as it should. */
export type Misbehaviour =
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: unknown }
  | { kind: 'truncated' }
  | { kind: 'shape'; body: unknown }
  | { kind: 'drop' }
  | { kind: 'giant'; bytes: number }
  | { kind: 'redirect'; to: string }
  | { kind: 'silence' };

export interface Dialect {
  /** Most log-probs per token; more are refused. Null: the field is accepted and nothing sent. 'refused': any is. */
  topLogprobs: number | null | 'refused';
  /** Whether n is honoured, ignored or refused. */
  choices: 'honoured' | 'ignored' | 'refused';
  maxTokens: 'max_tokens' | 'max_completion_tokens';
  temperature: 'any' | 'default';
  seed: 'repeats' | 'ignored' | 'refused';
  images: 'seen' | 'ignored' | 'refused';
  logprobsAt: 'before' | 'after';
  usage: boolean;
  models: Record<string, unknown>[] | null;
  reasoning: boolean;
}

const openAi: Dialect = {
  topLogprobs: 20,
  choices: 'honoured',
  maxTokens: 'max_tokens',
  temperature: 'any',
  seed: 'repeats',
  images: 'seen',
  logprobsAt: 'before',
  usage: true,
  models: [{ id: 'm', object: 'model' }],
  reasoning: false,
};

/** As documentation and issue threads describe them. */
export const dialects = {
  openAi,
  /** Reasoning models: only max_completion_tokens, only temperature 1, no log-probs. */
  openAiReasoning: {
    ...openAi,
    topLogprobs: 'refused',
    maxTokens: 'max_completion_tokens',
    temperature: 'default',
    choices: 'refused',
    seed: 'ignored',
  },
  /** Raw log-probs unless started otherwise; --max-logprobs may be set low. */
  vllm: { ...openAi, models: [{ id: 'm', object: 'model', max_model_len: 4096 }], images: 'refused' },
  vllmFewLogprobs: { ...openAi, topLogprobs: 5, logprobsAt: 'after', images: 'refused' },
  /** Takes n and sends one; older ones take logprobs and send none. */
  ollama: { ...openAi, choices: 'ignored', topLogprobs: null, images: 'ignored' },
  /** Refuses n > 1; log-probs before sampling. */
  llamaCpp: { ...openAi, choices: 'refused', images: 'refused', models: [{ id: 'm', meta: { n_ctx_train: 8192 } }] },
  /** Reasoning comes in a field of its own. */
  deepSeek: { ...openAi, reasoning: true, topLogprobs: 'refused', seed: 'ignored', choices: 'ignored' },
  bare: {
    ...openAi,
    topLogprobs: null,
    usage: false,
    seed: 'refused',
    choices: 'ignored',
    models: null,
    images: 'refused',
  },
} as const satisfies Record<string, Dialect>;

export interface FakeServer {
  url: string;
  asked: Asked[];
  /** Requests in flight at once, at most, so far. */
  mostAtOnce(): number;
  close(): Promise<void>;
}

export interface FakeOptions {
  dialect?: Dialect;
  /** The answer to a chat, given the question and how often it was asked before. */
  answer?: (question: string, times: number) => string;
  /** Looked at before every chat is answered; null answers as it should. @param attempt from 0 */
  misbehave?: (attempt: number, asked: Asked) => Misbehaviour | null;
  /** Key that must come; others get 401. */
  key?: string;
  /** Held back until this resolves. */
  hold?: () => Promise<void>;
}

/** True probabilities of every next token: a vocabulary of 64 with a steep head and a long tail. */
const VOCABULARY = 64;
const logits = Array.from({ length: VOCABULARY }, (_, i) => -0.9 * Math.sqrt(i));
function distribution(temperature: number): number[] {
  const scaled = logits.map((logit) => logit / temperature);
  const sum = scaled.reduce((total, logit) => total + Math.exp(logit), 0);
  return scaled.map((logit) => logit - Math.log(sum));
}
/** Entropy of every token at a temperature, nats. */
export function trueEntropyNats(temperature = 1): number {
  return distribution(temperature).reduce((sum, logprob) => sum - Math.exp(logprob) * logprob, 0);
}

export async function startFakeServer(options: FakeOptions = {}): Promise<FakeServer> {
  const { dialect = openAi, misbehave = () => null, hold } = options;
  const answer = options.answer ?? (() => 'The answer is \\boxed{5}.');
  const asked: Asked[] = [];
  const times = new Map<string, number>();
  let attempt = 0;
  let atOnce = 0;
  let most = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const json = (status: number, value: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(value));
    };
    const refuse = (param: string, message: string): void =>
      json(400, { error: { message, type: 'invalid_request_error', param, code: 'unsupported_value' } });
    const path = request.url ?? '';
    if (options.key !== undefined && request.headers.authorization !== `Bearer ${options.key}`) {
      json(401, { error: { message: `Incorrect API key provided: ${request.headers.authorization ?? 'none'}.` } });
      return;
    }
    if (path === '/v1/models') {
      if (dialect.models === null) json(404, { detail: 'Not Found' });
      else json(200, { object: 'list', data: dialect.models });
      return;
    }
    const body = JSON.parse(await textOf(request)) as Record<string, unknown>;
    if (path !== '/v1/chat/completions') {
      json(404, { error: { message: `unknown path ${path}` } });
      return;
    }
    const own: Asked = { path, authorization: request.headers.authorization, body };
    asked.push(own);
    const bad = misbehave(attempt++, own);
    if (bad !== null) {
      await misbehaveWith(bad, response, json);
      return;
    }
    await hold?.();
    if (dialect.maxTokens === 'max_completion_tokens' && 'max_tokens' in body) {
      refuse(
        'max_tokens',
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      );
      return;
    }
    if (dialect.temperature === 'default' && 'temperature' in body && body['temperature'] !== 1) {
      refuse(
        'temperature',
        "Unsupported value: 'temperature' does not support this with this model. Only the default (1) value is supported.",
      );
      return;
    }
    if (dialect.seed === 'refused' && 'seed' in body) {
      refuse('seed', 'Unrecognized request argument supplied: seed');
      return;
    }
    const wantsLogprobs = body['logprobs'] === true;
    const k = Number(body['top_logprobs'] ?? 0);
    if (wantsLogprobs && dialect.topLogprobs === 'refused') {
      refuse('logprobs', 'logprobs are not supported with this model.');
      return;
    }
    if (wantsLogprobs && typeof dialect.topLogprobs === 'number' && k > dialect.topLogprobs) {
      refuse(
        'top_logprobs',
        `Requested sample logprobs of ${k}, which is greater than max allowed: ${dialect.topLogprobs}`,
      );
      return;
    }
    const n = Number(body['n'] ?? 1);
    if (n > 1 && dialect.choices === 'refused') {
      refuse('n', 'Only one completion choice is allowed');
      return;
    }
    const messages = body['messages'] as { content: unknown }[];
    const content = messages.at(-1)!.content;
    const hasImage = Array.isArray(content);
    if (hasImage && dialect.images === 'refused') {
      refuse('messages', 'This model does not take images.');
      return;
    }
    const question = hasImage ? 'image' : String(content);
    const limit = Number(body['max_tokens'] ?? body['max_completion_tokens'] ?? 1000);
    const temperature = Number(body['temperature'] ?? 1);
    let tokens = 0;
    const choices = Array.from({ length: dialect.choices === 'honoured' ? n : 1 }, (_, index) => {
      const before = times.get(question) ?? 0;
      times.set(question, before + 1);
      const whole = textFor(question, hasImage, before, Number(body['seed'] ?? 0));
      const pieces = whole.match(/\s?\S+/g) ?? [];
      const kept = pieces.slice(0, limit);
      tokens += kept.length;
      const reasoning = dialect.reasoning ? { reasoning_content: 'Let me think.' } : {};
      return {
        index,
        message: { role: 'assistant', content: kept.join(''), ...reasoning },
        finish_reason: kept.length < pieces.length ? 'length' : 'stop',
        logprobs:
          wantsLogprobs && typeof dialect.topLogprobs === 'number'
            ? {
                content: kept.map((piece, i) => tokenOf(piece, i, k, dialect.logprobsAt === 'after' ? temperature : 1)),
              }
            : null,
      };
    });
    json(200, {
      id: 'x',
      object: 'chat.completion',
      choices,
      ...(dialect.usage ? { usage: { prompt_tokens: 5, completion_tokens: tokens, total_tokens: tokens + 5 } } : {}),
    });
  }

  function textFor(question: string, hasImage: boolean, before: number, seed: number): string {
    if (hasImage) return dialect.images === 'seen' ? 'Red.' : 'I cannot see.';
    if (question.startsWith('Write one random number'))
      return dialect.seed === 'repeats' ? `${seed}1234567` : `${before}7654321`;
    if (question.startsWith('Name a colour')) return 'Blue.';
    return answer(question, before);
  }

  const server: Server = createServer((request, response) => {
    atOnce++;
    most = Math.max(most, atOnce);
    response.on('close', () => atOnce--);
    handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked,
    mostAtOnce: () => most,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function misbehaveWith(
  bad: Misbehaviour,
  response: ServerResponse,
  json: (status: number, value: unknown, headers?: Record<string, string>) => void,
): Promise<void> {
  switch (bad.kind) {
    case 'status':
      json(bad.status, bad.body ?? { error: { message: `status ${bad.status}` } }, bad.headers);
      return;
    case 'shape':
      json(200, bad.body);
      return;
    case 'truncated':
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"choices":[{"message":{"content":"The ans');
      return;
    case 'drop':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"choices":');
      setImmediate(() => response.destroy());
      return;
    case 'redirect':
      response.writeHead(302, { location: bad.to });
      response.end();
      return;
    case 'giant': {
      response.writeHead(200, { 'content-type': 'application/json' });
      const part = Buffer.alloc(1 << 20, 32);
      const closed = once(response, 'close');
      for (let sent = 0; sent < bad.bytes && !response.destroyed; sent += part.length) {
        if (!response.write(part)) await Promise.race([once(response, 'drain'), closed]);
      }
      response.end();
      return;
    }
    case 'silence':
  }
}

/** The token sampled is the most likely one, or one beyond the top, by turns. */
function tokenOf(piece: string, i: number, k: number, temperature: number) {
  const logprobs = distribution(temperature);
  const rank = i % 3 === 2 ? VOCABULARY - 1 : 0;
  const name = (token: number) => (token === rank ? piece : `t${token}`);
  const entry = (token: number) => ({
    token: name(token),
    logprob: logprobs[token]!,
    bytes: [...Buffer.from(name(token))],
  });
  return { ...entry(rank), top_logprobs: Array.from({ length: k }, (_, token) => entry(token)) };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
