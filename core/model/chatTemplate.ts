/**
 * Chats to prompt text by the model's own Jinja template.
 *
 * Owns: finding the template, its variables, and limits on what it may do: templates come with
 * models from anywhere, so they get a budget of work and output instead of trust. It knows nothing
 * of token ids.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { AresError } from '#core/util/errors.ts';
import { isObject, readJsonObject, type JsonObject } from './json.ts';

export type ChatPart = { type: 'text'; text: string } | { type: 'image' };

export interface ChatMessage {
  role: string;
  content: string | readonly ChatPart[];
}

/** A parsed template with the variables that come from its folder. */
export interface ChatTemplate {
  /** Parsed by the Jinja library; opaque here. */
  program: unknown;
  /** bos_token, eos_token, … as text. */
  specialTokens: Readonly<Record<string, string>>;
  /** Whether it understands content in parts; templates of text models know strings only. */
  takesParts: boolean;
  /** Where it was read, for errors. */
  where: string;
}

const MAX_TEMPLATE_CHARACTERS = 1_000_000;
const MAX_OUTPUT_CHARACTERS = 4_000_000;
const MAX_LIST_LENGTH = 100_000;
/** Evaluations and loop iterations: one to two seconds. A chat of a thousand messages needs a fifth of it. */
const MAX_WORK = 1_000_000;

const specialTokenNames = ['bos_token', 'eos_token', 'pad_token', 'unk_token'];

/**
 * Some templates print today's date into the prompt, which would make a run differ from day to day.
 * They are given this date instead: the one Llama 3 templates use where they are given none.
 */
const fixedDate: Readonly<Record<string, string>> = {
  '%Y': '2024',
  '%y': '24',
  '%m': '07',
  '%B': 'July',
  '%b': 'Jul',
  '%d': '26',
  '%A': 'Friday',
  '%a': 'Fri',
  '%H': '00',
  '%M': '00',
  '%S': '00',
  '%%': '%',
};

/**
 * Finds the template of a model folder: chat_template.jinja, else `chat_template` in
 * tokenizer_config.json (a string, or a list of which the one named "default" counts).
 * @returns null when the folder has none, as base models often do not
 */
export function findChatTemplate(folder: string): ChatTemplate | null {
  const found = readTemplateSource(folder);
  if (found === null) return null;
  const config = readIfPresent(join(folder, 'tokenizer_config.json'));
  const specialTokens = readSpecialTokens(readIfPresent(join(folder, 'special_tokens_map.json')), config);
  return parseChatTemplate(found.source, found.where, specialTokens);
}

/** The text of the template and the file it is in, as findChatTemplate finds it. */
export function readTemplateSource(folder: string): { source: string; where: string } | null {
  const where = join(folder, 'chat_template.jinja');
  if (existsSync(where)) return { source: readFileSync(where, 'utf8'), where };
  const configPath = join(folder, 'tokenizer_config.json');
  const source = templateOfConfig(readIfPresent(configPath)['chat_template']);
  return source === null ? null : { source, where: configPath };
}

/** The template of a folder that must have one. */
export function loadChatTemplate(folder: string): ChatTemplate {
  const template = findChatTemplate(folder);
  if (template !== null) return template;
  throw new AresError('unsupported', 'This model has no chat template.', {
    where: folder,
    hint: 'Use the instruction-tuned version of the model, add a chat_template.jinja, or choose plain prompts.',
  });
}

/** For base models, when the caller chooses so: every message's text on its own, followed by a line break. */
export function plainChatTemplate(): ChatTemplate {
  return parseChatTemplate("{% for message in messages %}{{ message['content'] + '\n' }}{% endfor %}", 'plain prompts');
}

/** @throws AresError 'bad-file' when the source is no valid template */
export function parseChatTemplate(
  source: string,
  where: string,
  specialTokens: Readonly<Record<string, string>> = {},
): ChatTemplate {
  if (source.length > MAX_TEMPLATE_CHARACTERS) {
    throw templateError(where, `it has ${source.length} characters, more than ${MAX_TEMPLATE_CHARACTERS}`);
  }
  try {
    const template = { program: new Template(source).parsed as unknown, specialTokens, takesParts: true, where };
    return { ...template, takesParts: understandsParts(template) };
  } catch (error) {
    throw templateError(where, reasonOf(error), error);
  }
}

/**
 * Renders a chat as prompt text.
 * @throws AresError 'unsupported' for images where the template takes none; 'bad-file' when the
 *   template refuses the chat, fails, or exceeds its budget
 */
export function renderChat(
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  options: { addGenerationPrompt: boolean },
): string {
  const environment = createEnvironment({
    ...template.specialTokens,
    messages: template.takesParts ? messages : messages.map((message) => withPlainText(message, template.where)),
    tools: null,
    documents: null,
    add_generation_prompt: options.addGenerationPrompt,
  });
  try {
    return String(new BoundedInterpreter(environment).run(template.program).value);
  } catch (error) {
    throw templateError(template.where, reasonOf(error), error);
  }
}

/**
 * Tries the template on a text part. Templates for strings either fail on it, or (in this Jinja
 * library, not in Python's) paste the part into the prompt as JSON, which must not go unnoticed.
 */
function understandsParts(template: ChatTemplate): boolean {
  try {
    const output = renderChat(template, [{ role: 'user', content: [{ type: 'text', text: 'probe' }] }], {
      addGenerationPrompt: false,
    });
    return output.includes('probe') && !output.includes('"type"');
  } catch {
    return false;
  }
}

function withPlainText({ role, content }: ChatMessage, where: string): ChatMessage {
  if (typeof content === 'string') return { role, content };
  const texts = content.map((part) => {
    if (part.type === 'text') return part.text;
    throw new AresError(
      'unsupported',
      'The chat contains an image, but the chat template of this model takes text only.',
      {
        where,
        hint: 'Use a vision-language model for problems with images.',
      },
    );
  });
  return { role, content: texts.join('') };
}

interface RuntimeValue {
  value: unknown;
}

interface RuntimeInterpreter {
  run(program: unknown): RuntimeValue;
  evaluate(statement: unknown, environment: unknown): RuntimeValue;
}

// The package's declarations do not resolve under Node's module rules, so the part used is spelled out.
const UnboundedInterpreter = Interpreter as unknown as new (environment: Environment) => RuntimeInterpreter;

/** Counts evaluations and loop iterations against a budget, and bounds the size of every value. */
class BoundedInterpreter extends UnboundedInterpreter {
  #work = 0;
  /** Nodes whose value a loop walks over; an iteration costs like an evaluation even with an empty body. */
  readonly #iterables = new WeakSet();

  override evaluate(statement: unknown, environment: unknown): RuntimeValue {
    const iterable = iterableOf(statement);
    if (iterable !== null) this.#iterables.add(iterable);
    const result = super.evaluate(statement, environment);
    const length = lengthOf(result.value);
    if (length > (typeof result.value === 'string' ? MAX_OUTPUT_CHARACTERS : MAX_LIST_LENGTH)) {
      throw new Error(`it builds a value of ${length} elements`);
    }
    const walkedOver = isObject(statement) && this.#iterables.has(statement);
    this.#work += walkedOver ? 1 + length : 1;
    if (this.#work > MAX_WORK) throw new Error('it runs for too long');
    return result;
  }
}

/** The node a for-statement walks over, behind its `if` where it has one. */
function iterableOf(statement: unknown): JsonObject | null {
  if (!isObject(statement) || statement['type'] !== 'For') return null;
  const { iterable } = statement;
  if (!isObject(iterable)) return null;
  return iterable['type'] === 'SelectExpression' && isObject(iterable['lhs']) ? iterable['lhs'] : iterable;
}

function lengthOf(value: unknown): number {
  if (value instanceof Map) return value.size;
  return typeof value === 'string' || Array.isArray(value) ? value.length : 0;
}

function createEnvironment(variables: JsonObject): Environment {
  const environment = new Environment();
  const globals = {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    range: boundedRange,
    strftime_now: (format: string) => format.replaceAll(/%./g, (code) => fixedDate[code] ?? code),
    raise_exception: (message: string) => {
      throw new Error(message);
    },
  };
  for (const [name, value] of Object.entries({ ...globals, ...variables })) environment.set(name, value);
  return environment;
}

/** Python's range, refusing lengths that only serve to exhaust memory. */
function boundedRange(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= MAX_LIST_LENGTH)) throw new Error(`range(${start}, ${stop}, ${step}) is too long`);
  return Array.from({ length }, (_, i) => start + i * step);
}

function templateOfConfig(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return null;
  const chosen = (value as unknown[]).filter(isObject).find((entry) => entry['name'] === 'default')?.['template'];
  return typeof chosen === 'string' ? chosen : null;
}

/** Later sources win; a token is a string or an object with its content. */
function readSpecialTokens(...sources: readonly JsonObject[]): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const source of sources) {
    for (const name of specialTokenNames) {
      const value = source[name];
      const content = isObject(value) ? value['content'] : value;
      if (typeof content === 'string') tokens[name] = content;
    }
  }
  return tokens;
}

function readIfPresent(path: string): JsonObject {
  return existsSync(path) ? readJsonObject(path) : {};
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.+$/, '');
}

function templateError(where: string, reason: string, cause?: unknown): AresError {
  return new AresError('bad-file', `The chat template cannot be used: ${reason}.`, {
    where,
    hint: 'Check that the messages have the roles the template expects, or correct the template.',
    cause,
  });
}
