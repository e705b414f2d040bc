/**
 * Keys of endpoints.
 *
 * Owns: where a key is kept (the system's own store of secrets; else this process, until it ends; or an
 * environment variable that the endpoint names) and reading it where a request is made. A key is never written
 * to a file, a log, an event or an error by this program, and never handed to a front end.
 *
 * A key belongs to an endpoint at an address: whoever changes the address has to give the key again, so that
 * it is never sent to a host it was not given for.
 */
import { AresError } from '#core/util/errors.ts';
import type { Endpoint } from './endpoint.ts';

const SERVICE = 'ares-workbench';
const PROBED_ACCOUNT = 'probe';

export type KeyPlace = 'none' | 'environment' | 'system' | 'process';

type KeyOwner = Pick<Endpoint, 'name' | 'url' | 'keyVariable'>;

/** The system's own store of secrets, as far as it is used here. */
export interface SecretStore {
  get(account: string): string | null;
  set(account: string, secret: string): void;
  remove(account: string): void;
}

export interface Keys {
  /** Null where the system's store works; else why it does not, one sentence. */
  systemProblem(): Promise<string | null>;
  /** The key to send; null for none. */
  read(endpoint: KeyOwner): Promise<string | null>;
  placeOf(endpoint: KeyOwner): Promise<KeyPlace>;
  /** Keeps a key in the system's store, or in this process where there is none. */
  keep(endpoint: KeyOwner, key: string): Promise<KeyPlace>;
  forget(endpoint: KeyOwner): Promise<void>;
}

/**
 * @param open opens the system's store, and throws where there is none
 * @param environment where variables are looked up
 */
export function createKeys(
  open: () => Promise<SecretStore> = openSystemStore,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Keys {
  const inProcess = new Map<string, string>();
  let opened: Promise<SecretStore | string> | null = null;
  const system = (): Promise<SecretStore | string> => (opened ??= open().catch((thrown: unknown) => reasonOf(thrown)));

  const accountOf = ({ name, url }: KeyOwner): string => `${name} ${new URL(url).origin}`;
  const find = async (endpoint: KeyOwner): Promise<{ key: string | null; place: KeyPlace }> => {
    if (endpoint.keyVariable !== null) {
      const key = environment[endpoint.keyVariable]?.trim();
      return key ? { key, place: 'environment' } : { key: null, place: 'none' };
    }
    const own = inProcess.get(accountOf(endpoint));
    if (own !== undefined) return { key: own, place: 'process' };
    const store = await system();
    const kept = typeof store === 'string' ? null : store.get(accountOf(endpoint));
    return kept === null ? { key: null, place: 'none' } : { key: kept, place: 'system' };
  };
  return {
    systemProblem: async () => {
      const store = await system();
      return typeof store === 'string' ? store : null;
    },
    read: async (endpoint) => (await find(endpoint)).key,
    placeOf: async (endpoint) => (await find(endpoint)).place,
    async keep(endpoint, key) {
      const trimmed = requireKey(key);
      const store = await system();
      if (typeof store === 'string') {
        inProcess.set(accountOf(endpoint), trimmed);
        return 'process';
      }
      store.set(accountOf(endpoint), trimmed);
      return 'system';
    },
    async forget(endpoint) {
      inProcess.delete(accountOf(endpoint));
      const store = await system();
      if (typeof store !== 'string') store.remove(accountOf(endpoint));
    },
  };
}

/** A header holds printable ASCII and nothing else. */
function requireKey(key: string): string {
  const trimmed = key.trim();
  if (/^[\x21-\x7e]{1,4096}$/.test(trimmed)) return trimmed;
  throw new AresError('usage', 'This is no key: keys are made of printable characters without spaces.', {
    hint: 'Copy the key again, without what stands around it.',
  });
}

function reasonOf(thrown: unknown): string {
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return `This system has no store of secrets that can be used (${detail}).`;
}

/**
 * Keychain, credential manager or, on Linux, the Secret Service. Not the kernel's keyring, which a restart
 * empties without a word.
 * @throws where there is none
 */
async function openSystemStore(): Promise<SecretStore> {
  const { Entry } = await import('@napi-rs/keyring');
  const entry = (account: string) =>
    new Entry(SERVICE, account, process.platform === 'linux' ? { linux: { store: 'secret-service' } } : null);
  // A store that is locked or not running says so only when it is used.
  entry(PROBED_ACCOUNT).getPassword();
  return {
    get: (account) => entry(account).getPassword(),
    set: (account, secret) => entry(account).setPassword(secret),
    remove: (account) => void entry(account).deletePassword(),
  };
}
