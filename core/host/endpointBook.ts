/**
 * The endpoints of this user, as a file in the user folder.
 *
 * Owns: their list with what probes found, reading strictly and writing atomically, and finding the one that a
 * name or an address means. Keys are not in it (remote/keys.ts).
 */
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import {
  type Endpoint,
  type Probe,
  type ServedModel,
  defaultConcurrency,
  defaultTimeoutMs,
  endpointUrl,
} from '#core/remote/endpoint.ts';
import type { ServedIdentity } from '#core/store/models.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { AresError } from '#core/util/errors.ts';
import { capabilitiesSchema, endpointSchema } from './runFile.ts';

export interface SavedEndpoint extends Endpoint {
  /** The newest of every model that was probed. */
  probes: Probe[];
}

const savedSchema: z.ZodType<SavedEndpoint[]> = z.array(
  z.strictObject({
    ...endpointSchema.shape,
    probes: z.array(
      z.strictObject({
        model: z.string(),
        probedMs: z.number(),
        capabilities: capabilitiesSchema,
        findings: z.array(
          z.strictObject({ name: z.string(), status: z.enum(['has', 'lacks', 'unclear']), detail: z.string() }),
        ),
      }),
    ),
  }),
);

export interface EndpointBook {
  list(): SavedEndpoint[];
  /** @throws AresError 'not-found' */
  get(name: string): SavedEndpoint;
  /** Adds one, or changes the one that was called `previousName`. Probes of another address are dropped. */
  save(endpoint: Endpoint, previousName: string | null): SavedEndpoint;
  remove(name: string): void;
  keepProbe(name: string, probe: Probe): SavedEndpoint;
  /**
   * A model of a project as an endpoint of this user answers for it.
   * @throws AresError 'not-found' where no endpoint has its address, 'usage' where the model was not probed
   */
  served(identity: ServedIdentity): ServedModel;
}

const FILE = 'endpoints.json';
const MAX_NAME_CHARACTERS = 100;

/** @param report told when the file was unreadable and moved aside */
export function openEndpointBook(userFolder: string, report: (message: string) => void): EndpointBook {
  const file = join(userFolder, FILE);
  // Read every time: the command line and a window may both be at work.
  const read = (): SavedEndpoint[] => {
    if (!existsSync(file)) return [];
    try {
      return savedSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch {
      renameSync(file, `${file}.damaged`);
      report(`${file} could not be read. It is kept as ${file}.damaged; add your endpoints again.`);
      return [];
    }
  };
  const write = (endpoints: readonly SavedEndpoint[]): void => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileAtomic(file, `${JSON.stringify(endpoints, null, 2)}\n`);
  };
  const get = (name: string): SavedEndpoint => {
    const found = read().find((each) => each.name === name);
    if (found !== undefined) return found;
    throw new AresError('not-found', `There is no endpoint "${name}".`, {
      hint: 'Add it in Settings, or with "ares endpoint add".',
    });
  };
  const replace = (name: string, changed: SavedEndpoint): SavedEndpoint => {
    write(read().map((each) => (each.name === name ? changed : each)));
    return changed;
  };
  return {
    list: read,
    get,
    save(endpoint, previousName) {
      const checked = requireEndpoint(endpoint);
      const all = read();
      const before = previousName === null ? undefined : get(previousName);
      if (checked.name !== previousName && all.some(({ name }) => name === checked.name)) {
        throw new AresError('usage', `There is an endpoint "${checked.name}" already.`, {
          hint: 'Choose another name, or edit that one.',
        });
      }
      const probes = before?.url === checked.url ? before.probes : [];
      const saved = { ...checked, probes };
      if (before !== undefined) return replace(before.name, saved);
      write([...all, saved]);
      return saved;
    },
    remove(name) {
      get(name);
      write(read().filter((each) => each.name !== name));
    },
    keepProbe(name, probe) {
      const endpoint = get(name);
      const others = endpoint.probes.filter(({ model }) => model !== probe.model);
      return replace(name, { ...endpoint, probes: [...others, probe] });
    },
    served({ url, model }) {
      const same = read().filter((each) => each.url === url);
      const [first] = same;
      if (first === undefined) {
        throw new AresError('not-found', `No endpoint of this user has the address ${url}.`, {
          hint: 'Add it in Settings, or with "ares endpoint add".',
        });
      }
      const probed = same.flatMap((endpoint) =>
        endpoint.probes.filter((probe) => probe.model === model).map((probe) => ({ endpoint, probe })),
      )[0];
      if (probed === undefined) {
        throw new AresError('usage', `The model ${model} was not probed at ${first.name}.`, {
          hint: 'Probe it in Settings, or with "ares endpoint probe".',
        });
      }
      const { probes: _probes, ...endpoint } = probed.endpoint;
      return { endpoint, model, capabilities: probed.probe.capabilities };
    },
  };
}

function requireEndpoint({ name, url, keyVariable, concurrency, timeoutMs }: Endpoint): Endpoint {
  const trimmed = name.trim();
  if (trimmed === '' || trimmed.length > MAX_NAME_CHARACTERS) {
    throw new AresError('usage', 'An endpoint needs a name.', { hint: 'Give it a short name, such as "lab".' });
  }
  if (keyVariable !== null && !/^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(keyVariable)) {
    throw new AresError('usage', 'This is no name of an environment variable.', {
      hint: 'Write the name of the variable, such as OPENAI_API_KEY, and not the key itself.',
    });
  }
  return { name: trimmed, url: endpointUrl(url), keyVariable, concurrency, timeoutMs };
}

/** An endpoint that is used once and not saved. */
export function unsavedEndpoint(url: string, keyVariable: string | null): Endpoint {
  const spelt = endpointUrl(url);
  return { name: spelt, url: spelt, keyVariable, concurrency: defaultConcurrency, timeoutMs: defaultTimeoutMs };
}
