/**
 * `ares label`: how hard each problem is for a model, here or on a server.
 *
 * Owns: the choice between a model folder and an endpoint, and finding out what a model on a server can do
 * where that is not known yet.
 */
import { usageError } from '#core/cli/arguments.ts';
import { defineCommand } from '#core/cli/command.ts';
import { outOption, runOptions, startRun } from '#core/cli/runSession.ts';
import type { Terminal } from '#core/cli/terminal.ts';
import { openEndpointBook, unsavedEndpoint } from '#core/host/endpointBook.ts';
import { keyOf } from '#core/host/labelServed.ts';
import { defaultUserFolder } from '#core/host/userFolder.ts';
import { createClient } from '#core/remote/client.ts';
import type { ServedModel } from '#core/remote/endpoint.ts';
import { createKeys } from '#core/remote/keys.ts';
import { probeModel } from '#core/remote/probe.ts';

export const label = defineCommand({
  summary: 'Measure how hard each problem is for a model, without training.',
  options: {
    ...runOptions,
    ...outOption,
    model: { kind: 'text', value: 'DIR', help: 'Hugging Face folder of the model.' },
    endpoint: {
      kind: 'text',
      value: 'NAME|URL',
      help: 'Instead: an OpenAI-compatible server, saved or by its address.',
    },
    endpointModel: { kind: 'text', value: 'MODEL', help: 'The model there.' },
    keyEnv: { kind: 'text', value: 'VARIABLE', help: 'Environment variable with the key, for an address.' },
  },
  operands: {},
  async run({ options, json, terminal }) {
    const { model, endpoint, endpointModel, keyEnv, ...rest } = options;
    if ((model === undefined) === (endpoint === undefined)) {
      throw usageError('label', 'There must be either --model or --endpoint.');
    }
    if (model !== undefined) return startRun('label', { ...rest, model }, json, terminal);
    if (endpointModel === undefined)
      throw usageError('label', 'Which model of the endpoint? --endpoint-model is missing.');
    const served = await servedModel(endpoint!, endpointModel, keyEnv ?? null, terminal);
    return startRun('label', { ...rest, model: served }, json, terminal);
  },
});

/** As a probe found it before, or finds it now. */
async function servedModel(
  nameOrUrl: string,
  model: string,
  keyVariable: string | null,
  terminal: Terminal,
): Promise<ServedModel> {
  const book = openEndpointBook(defaultUserFolder(), terminal.note);
  const saved = book.list().find(({ name }) => name === nameOrUrl);
  const known = saved?.probes.find((probe) => probe.model === model);
  // An address has a dot, a colon or a slash; a name that is not saved is a mistake.
  const isAddress = /[.:/]/.test(nameOrUrl);
  const { probes: _probes, ...endpoint } =
    saved ?? (isAddress ? { ...unsavedEndpoint(nameOrUrl, keyVariable), probes: [] } : book.get(nameOrUrl));
  if (known !== undefined) return { endpoint, model, capabilities: known.capabilities };
  terminal.note(`Finding out what ${model} can do, by about ten short requests ...`);
  const key = await keyOf(createKeys(), endpoint);
  const probe = await probeModel(createClient({ endpoint, key }), key, model, Date.now());
  if (saved !== undefined) book.keepProbe(saved.name, probe);
  return { endpoint, model, capabilities: probe.capabilities };
}
