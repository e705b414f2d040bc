/**
 * Finding out what a model on a server can do, by asking it.
 *
 * Owns: the questions (about ten short requests), what follows from the answers, and the sentences that say
 * what was observed. Nothing is concluded from a server's name or version: what was not observed is 'unclear'.
 */
import type { ChatMessage } from '#core/model/chatTemplate.ts';
import { AresError } from '#core/util/errors.ts';
import { type ChatChoice, type ChatCompletion, chatBody, readCompletion } from './chat.ts';
import { type Client, type Reply, type ServerError, isRecord, refusal } from './client.ts';
import type { Capabilities, Finding, Probe } from './endpoint.ts';

/** Log-probs per token that are asked for, the most that the protocol knows first. */
const TOP_LOGPROBS = [20, 5, 1];
/** Tokens of a probe's answers, and of one that has to be long enough for a model that thinks first. */
const SHORT_TOKENS = 16;
const LONG_TOKENS = 256;
/** A ratio of log-prob differences at half the temperature: 1 before it is applied, 2 after. */
const HALF = 0.5;
const RATIO_SLACK = 0.25;
/** 64 × 64 pixels, all red. */
const RED_PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAMAAACdt4HsAAAAA1BMVEXmAAAKFZHIAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAG0lEQVRYhe3BgQAA' +
  'AADDoPlT3+AEVQEAAAB0DRBAAAGx1LfoAAAAAElFTkSuQmCC';

interface Probing {
  client: Client;
  key: string | null;
  model: string;
  signal: AbortSignal | undefined;
  /** As far as it is known; grows from question to question. */
  found: Capabilities;
}

const question = 'Name a colour. Answer with one word.';
const variedQuestion = 'Write one random number with eight digits, and nothing else.';

/**
 * @param nowMs the time that the result is dated with
 * @throws AresError 'endpoint' when the model gives no answer at all
 */
export async function probeModel(
  client: Client,
  key: string | null,
  model: string,
  nowMs: number,
  signal?: AbortSignal,
): Promise<Probe> {
  const probing: Probing = {
    client,
    key,
    model,
    signal,
    found: {
      tokenLimit: 'max_tokens',
      temperature: true,
      topP: true,
      topLogprobs: 0,
      logprobsAt: null,
      choices: false,
      seed: 'refused',
      images: null,
      countsTokens: false,
      keepsLimit: false,
    },
  };
  const findings: Finding[] = [
    ...(await probeBasics(probing)),
    await probeTopP(probing),
    await probeLogprobs(probing),
    await probeLogprobScale(probing),
    await probeChoices(probing),
    await probeSeed(probing),
    await probeImages(probing),
  ];
  return { model, probedMs: nowMs, capabilities: probing.found, findings };
}

interface Ask {
  messages?: readonly ChatMessage[];
  temperature?: number;
  topP?: number;
  choices?: number;
  seed?: number;
  maxNewTokens?: number;
}

/** Asks with what is known so far and `changes` on top, as if they were known. */
async function ask(probing: Probing, asked: Ask, changes: Partial<Capabilities> = {}): Promise<Reply> {
  const { client, model, found, signal } = probing;
  const request = {
    model,
    messages: asked.messages ?? [{ role: 'user', content: question }],
    temperature: asked.temperature ?? 1,
    topP: asked.topP ?? 1,
    maxNewTokens: asked.maxNewTokens ?? SHORT_TOKENS,
    choices: asked.choices ?? 1,
    seed: asked.seed ?? 1,
  };
  return client.post('chat/completions', chatBody(request, { ...found, ...changes }), signal);
}

function completionOf({ key }: Probing, reply: Reply): ChatCompletion | null {
  return reply.kind === 'value' ? readCompletion(reply.value, key) : null;
}

function complainsOf({ field, message }: ServerError, name: string): boolean {
  return field === name || message.includes(name);
}

const finding = (name: string, status: Finding['status'], detail: string): Finding => ({ name, status, detail });

/** That it answers, and how it wants to be asked: adapts to at most the two fields that models refuse. */
async function probeBasics(probing: Probing): Promise<Finding[]> {
  const { found } = probing;
  // Another temperature than the default: models that think take no other, and say so only then.
  const temperature = 0.9;
  let reply = await ask(probing, { temperature });
  for (let adapted = 0; reply.kind === 'refused' && adapted < 2; adapted++) {
    // The complaint about max_tokens names the field to use instead.
    if (found.tokenLimit === 'max_tokens' && complainsOf(reply.error, 'max_tokens'))
      found.tokenLimit = 'max_completion_tokens';
    else if (found.temperature && complainsOf(reply.error, 'temperature')) found.temperature = false;
    else break;
    reply = await ask(probing, { temperature });
  }
  if (reply.kind === 'refused') throw refusal(probing.client.endpoint, reply.error);
  const completion = completionOf(probing, reply)!;
  if (completion.choices.length === 0) {
    throw new AresError('endpoint', 'The server answers, but not with chat messages.', {
      where: probing.client.endpoint.url,
      hint: 'Name a model for chat; embeddings and base models without a chat template cannot be asked.',
    });
  }
  const counted = completion.completionTokens;
  found.countsTokens = counted !== null;
  found.keepsLimit = counted !== null && counted <= SHORT_TOKENS;
  const context = await contextOf(probing);
  return [
    finding('Answers', 'has', 'It answered a chat message.'),
    finding(
      'Temperature',
      found.temperature ? 'has' : 'lacks',
      found.temperature ? 'It took a temperature of 0.9.' : 'It refuses any temperature but its own.',
    ),
    counted === null
      ? finding(
          'Token counts',
          'lacks',
          'It did not say how many tokens the answer has: lengths are estimated from the text.',
        )
      : finding('Token counts', 'has', `It counted the tokens of its answer (${counted}).`),
    counted === null
      ? finding(
          'Token limit',
          'unclear',
          `It took ${found.tokenLimit}; without counts nobody knows whether it kept to it.`,
        )
      : finding(
          'Token limit',
          found.keepsLimit ? 'has' : 'lacks',
          `Asked for at most ${SHORT_TOKENS} tokens by ${found.tokenLimit}, it sent ${counted}.`,
        ),
    ...(context === null ? [] : [finding('Context', 'has', `It lists this model with ${context} positions.`)]),
  ];
}

/** Positions of the model, under the names by which servers list them. */
async function contextOf({ client, model, signal }: Probing): Promise<number | null> {
  const entry = (await client.models(signal))?.find(({ id }) => id === model);
  if (entry === undefined) return null;
  const meta: unknown = entry['meta'];
  const named = [
    entry['max_model_len'],
    entry['context_length'],
    entry['max_context_length'],
    isRecord(meta) ? (meta['n_ctx'] ?? meta['n_ctx_train']) : undefined,
  ];
  return named.find((value): value is number => typeof value === 'number' && value > 0) ?? null;
}

async function probeTopP(probing: Probing): Promise<Finding> {
  const reply = await ask(probing, { topP: 0.9 });
  probing.found.topP = reply.kind === 'value';
  return reply.kind === 'value'
    ? finding('Top-p', 'has', 'It took a top-p of 0.9.')
    : finding('Top-p', 'lacks', `It refuses top-p: ${reply.error.message}`);
}

async function probeLogprobs(probing: Probing): Promise<Finding> {
  let refused = '';
  for (const topLogprobs of TOP_LOGPROBS) {
    const reply = await ask(probing, {}, { topLogprobs });
    if (reply.kind === 'refused') {
      refused = reply.error.message;
      continue;
    }
    const tokens = completionOf(probing, reply)!.choices[0]?.tokens ?? null;
    if (tokens === null) return finding('Log-probs', 'lacks', 'It took the request for log-probs and sent none.');
    if (tokens.topK < Math.min(2, topLogprobs))
      return finding(
        'Log-probs',
        'lacks',
        'It sent the log-prob of each token, but not those of the most likely others.',
      );
    // As many as it takes to be asked for; what it sends of them is counted again with every response.
    probing.found.topLogprobs = topLogprobs;
    return finding(
      'Log-probs',
      'has',
      `Asked for ${topLogprobs} per token, it sent ${tokens.topK}: entropies are lower bounds with k = ${tokens.topK}.`,
    );
  }
  return finding('Log-probs', 'lacks', `It refuses to send log-probs: ${refused}`);
}

/** The same first token at two temperatures: does the distribution that is reported change? */
async function probeLogprobScale(probing: Probing): Promise<Finding> {
  const name = 'Log-probs at the temperature';
  const { found } = probing;
  if (found.topLogprobs < 2 || !found.temperature)
    return finding(name, 'unclear', 'Without log-probs at two temperatures this cannot be told.');
  const [one, half] = [await firstLogprobs(probing, 1), await firstLogprobs(probing, HALF)];
  const ratio = one === null || half === null ? NaN : (half[0]! - half[1]!) / (one[0]! - one[1]!);
  if (Math.abs(ratio - 1) < RATIO_SLACK) {
    found.logprobsAt = 'before';
    return finding(
      name,
      'lacks',
      'Its log-probs are the same at another temperature: entropies are those at temperature 1, whatever the responses are drawn at.',
    );
  }
  if (Math.abs(ratio - 1 / HALF) < RATIO_SLACK / HALF) {
    found.logprobsAt = 'after';
    return finding(name, 'has', 'Its log-probs change with the temperature as they should.');
  }
  return finding(name, 'unclear', 'Its log-probs at two temperatures fit neither rule.');
}

/** Of the two most likely first tokens at temperature 1, or of the same two; null where they are not comparable. */
async function firstLogprobs(probing: Probing, temperature: number): Promise<[number, number] | null> {
  const reply = await ask(probing, { temperature });
  if (reply.kind === 'refused') return null;
  const { choices }: { choices?: unknown } = isRecord(reply.value) ? reply.value : {};
  const logprobs: unknown = Array.isArray(choices) && isRecord(choices[0]) ? choices[0]['logprobs'] : undefined;
  const content: unknown = isRecord(logprobs) ? logprobs['content'] : undefined;
  const first: unknown = Array.isArray(content) ? content[0] : undefined;
  const top: unknown = isRecord(first) ? first['top_logprobs'] : undefined;
  if (!Array.isArray(top)) return null;
  const values = top
    .flatMap((each: unknown) => (isRecord(each) && typeof each['logprob'] === 'number' ? [each['logprob']] : []))
    .sort((a, b) => b - a);
  const [most, next] = values;
  // Equal ones say nothing, and ones that are hardly possible are rounded.
  return most === undefined || next === undefined || most - next < 0.05 || next < -50 ? null : [most, next];
}

async function probeChoices(probing: Probing): Promise<Finding> {
  const reply = await ask(probing, { choices: 2 }, { choices: true });
  if (reply.kind === 'refused')
    return finding(
      'Batched responses',
      'lacks',
      `It refuses to send two responses to one request: ${reply.error.message}`,
    );
  const sent = completionOf(probing, reply)!.choices.length;
  probing.found.choices = sent === 2;
  return finding(
    'Batched responses',
    sent === 2 ? 'has' : 'lacks',
    `Asked for two responses in one request, it sent ${sent}.`,
  );
}

async function probeSeed(probing: Probing): Promise<Finding> {
  const draw = async (seed: number): Promise<Reply> =>
    ask(probing, { seed, messages: [{ role: 'user', content: variedQuestion }] }, { seed: 'accepted' });
  const first = await draw(1);
  if (first.kind === 'refused') return finding('Seed', 'lacks', `It refuses a seed: ${first.error.message}`);
  probing.found.seed = 'accepted';
  const textOf = (reply: Reply) => completionOf(probing, reply)?.choices[0]?.text;
  const [a, b, c] = [textOf(first), textOf(await draw(1)), textOf(await draw(2))];
  if (a !== b) return finding('Seed', 'lacks', 'It takes a seed, but the same seed gave different texts.');
  if (a === c) return finding('Seed', 'unclear', 'It takes a seed; all its answers were alike, whatever the seed.');
  probing.found.seed = 'repeats';
  return finding('Seed', 'has', 'The same seed gave the same text, another seed another.');
}

async function probeImages(probing: Probing): Promise<Finding> {
  const content = [
    { type: 'text', text: 'Which colour is this picture? Answer with one word.' },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${RED_PNG}` } },
  ];
  // Sound: servers take parts where a template takes text.
  const messages = [{ role: 'user', content }] as unknown as ChatMessage[];
  const reply = await ask(probing, { messages, maxNewTokens: LONG_TOKENS }, { topLogprobs: 0 });
  if (reply.kind === 'refused') {
    probing.found.images = false;
    return finding('Images', 'lacks', `It refuses an image: ${reply.error.message}`);
  }
  const choice: ChatChoice | undefined = completionOf(probing, reply)!.choices[0];
  if (choice !== undefined && /\bred\b/i.test(choice.text)) {
    probing.found.images = true;
    return finding('Images', 'has', 'It named the colour of a red picture.');
  }
  return finding('Images', 'unclear', 'It took an image, but did not name its colour.');
}
