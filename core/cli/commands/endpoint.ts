/**
 * `ares endpoint add|list|probe|remove`: servers that answer as models.
 *
 * Owns: the options and what is printed. A key is read from standard input or from an environment variable,
 * never from the command line, where others could see it.
 */
import { usageError } from '#core/cli/arguments.ts';
import { alignColumns } from '#core/cli/columns.ts';
import { defineCommand } from '#core/cli/command.ts';
import { openEndpointBook } from '#core/host/endpointBook.ts';
import { keyOf } from '#core/host/labelServed.ts';
import { defaultUserFolder } from '#core/host/userFolder.ts';
import { createClient } from '#core/remote/client.ts';
import { type Probe, defaultConcurrency, defaultTimeoutMs } from '#core/remote/endpoint.ts';
import { type KeyPlace, createKeys } from '#core/remote/keys.ts';
import { probeModel } from '#core/remote/probe.ts';
import { AresError } from '#core/util/errors.ts';

const nameOperand = { name: { help: 'What the endpoint is called here.' } } as const;
const places: Readonly<Record<KeyPlace, string>> = {
  none: 'no key',
  environment: 'key in the environment',
  system: "key in the system's store",
  process: 'key in this process',
};
const marks: Readonly<Record<Probe['findings'][number]['status'], string>> = { has: 'yes', lacks: 'no', unclear: '?' };

export const endpointAdd = defineCommand({
  summary: 'Add an OpenAI-compatible server, or change one of the same name.',
  options: {
    url: { kind: 'text', value: 'URL', help: 'Its address, such as http://127.0.0.1:8000/v1.', required: true },
    keyEnv: { kind: 'text', value: 'VARIABLE', help: 'Environment variable that holds the key.' },
    keyStdin: { kind: 'flag', help: "Read the key from standard input, into the system's store of secrets." },
    concurrency: {
      kind: 'number',
      value: 'N',
      help: 'Requests at once.',
      default: defaultConcurrency,
      integer: true,
      minimum: 1,
      maximum: 256,
    },
    timeoutSeconds: {
      kind: 'number',
      value: 'S',
      help: 'Limit of one request.',
      default: defaultTimeoutMs / 1000,
      minimum: 1,
      maximum: 86_400,
    },
  },
  operands: nameOperand,
  async run({ options, operands: { name }, json, terminal }) {
    const { url, keyEnv, keyStdin, concurrency, timeoutSeconds } = options;
    if (keyStdin && keyEnv !== undefined)
      throw usageError('endpoint add', 'A key is in one place: --key-env or --key-stdin.');
    const keys = createKeys();
    const problem = keyStdin ? await keys.systemProblem() : null;
    if (problem !== null) {
      throw new AresError('unsupported', problem, {
        hint: 'Name an environment variable with --key-env, or give the key in the window, which keeps it until it ends.',
      });
    }
    const book = openEndpointBook(defaultUserFolder(), terminal.note);
    const previous = book.list().some((each) => each.name === name) ? name : null;
    const timeoutMs = timeoutSeconds * 1000;
    const saved = book.save({ name, url, keyVariable: keyEnv ?? null, concurrency, timeoutMs }, previous);
    if (keyStdin) await keys.keep(saved, await readStandardInput());
    const keyPlace = await keys.placeOf(saved);
    if (json) terminal.json({ name: saved.name, url: saved.url, keyPlace });
    else terminal.print(`${saved.name}: ${saved.url}, ${places[keyPlace]}`);
    return 0;
  },
});

export const endpointList = defineCommand({
  summary: 'List the endpoints, with what is known of their models.',
  options: {},
  operands: {},
  async run({ json, terminal }) {
    const keys = createKeys();
    const endpoints = openEndpointBook(defaultUserFolder(), terminal.note).list();
    const rows = await Promise.all(endpoints.map(async (each) => ({ each, keyPlace: await keys.placeOf(each) })));
    if (json) {
      terminal.json(rows.map(({ each, keyPlace }) => ({ ...each, keyPlace })));
      return 0;
    }
    if (rows.length === 0) terminal.note('There are no endpoints. Add one with "ares endpoint add NAME --url URL".');
    const lines = rows.map(({ each, keyPlace }) => [
      each.name,
      each.url,
      places[keyPlace],
      each.probes.map(({ model }) => model).join(', ') || 'not probed',
    ]);
    for (const line of alignColumns(lines, ['left', 'left', 'left', 'left'])) terminal.print(line);
    return 0;
  },
});

export const endpointProbe = defineCommand({
  summary: 'Find out what a model on an endpoint can do, by about ten short requests.',
  options: { model: { kind: 'text', value: 'MODEL', help: 'The model; the only one that is listed unless given.' } },
  operands: nameOperand,
  async run({ options, operands: { name }, json, terminal }) {
    const book = openEndpointBook(defaultUserFolder(), terminal.note);
    const endpoint = book.get(name);
    const key = await keyOf(createKeys(), endpoint);
    const client = createClient({ endpoint, key });
    const listed = options.model === undefined ? ((await client.models()) ?? []).map(({ id }) => id) : [options.model];
    const [model, ...others] = listed;
    if (model === undefined || others.length > 0) {
      throw usageError(
        'endpoint probe',
        model === undefined
          ? 'The server lists no models.'
          : `The server lists several models: ${listed.slice(0, 20).join(', ')}.`,
        'Name one with --model.',
      );
    }
    const probe = await probeModel(client, key, model, Date.now());
    book.keepProbe(name, probe);
    if (json) {
      terminal.json(probe);
      return 0;
    }
    terminal.print(terminal.bold(`${model} at ${endpoint.url}`));
    const lines = probe.findings.map(({ name: what, status, detail }) => [marks[status], what, detail]);
    for (const line of alignColumns(lines, ['left', 'left', 'left'])) terminal.print(line);
    return 0;
  },
});

export const endpointRemove = defineCommand({
  summary: 'Forget an endpoint and its key.',
  options: {},
  operands: nameOperand,
  async run({ operands: { name }, json, terminal }) {
    const book = openEndpointBook(defaultUserFolder(), terminal.note);
    await createKeys().forget(book.get(name));
    book.remove(name);
    if (json) terminal.json({ removed: name });
    else terminal.print(`${name} is removed.`);
    return 0;
  },
});

const MAX_KEY_BYTES = 8192;

async function readStandardInput(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk as string;
    if (text.length > MAX_KEY_BYTES) break;
  }
  return text;
}
