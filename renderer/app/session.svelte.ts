/**
 * What every part of the window shares: the client, who and what is open, the address, messages.
 *
 * Owns: one Session per window, kept current by the stream `changes`, and handed down by context. A room
 * gets it with `useSession()`, asks with `query`, and goes elsewhere with `navigate`.
 */
import { createContext } from 'svelte';
import type { Client } from '#core/contract/client.ts';
import type { Desktop } from '#core/contract/desktop.ts';
import type {
  AppInfo,
  CallName,
  ChangeTopic,
  ProjectInfo,
  RequestOf,
  ResponseOf,
  Settings,
} from '#core/contract/contract.ts';
import { Commands } from './commands.svelte.ts';
import { Messages } from './messages.svelte.ts';
import { type ParamValues, type RoomName, type Route, formatRoute, parseRoute } from './router.ts';

/** What the window needs of its transport beyond calls and streams. */
export interface Connection {
  /** Calls back with every change; true while calls can be made. @returns a function that ends it */
  onConnected(listener: (isConnected: boolean) => void): () => void;
  /** The path of a dropped file where the shell may know it; null in a browser, which uploads instead. */
  pathOfFile(file: File): string | null;
  /** The desktop shell's own abilities: dialogs, the file manager, the menu; null in a browser. */
  readonly desktop: Desktop | null;
}

export class Session {
  readonly client: Client;
  readonly connection: Connection;
  readonly messages = new Messages();
  readonly commands = new Commands();
  readonly info: AppInfo;
  settings = $state.raw<Settings>() as Settings;
  project = $state.raw<ProjectInfo | null>(null);
  route = $state.raw<Route>(parseRoute(location.hash));
  isConnected = $state(true);
  readonly #listeners = new Set<(topics: readonly ChangeTopic[]) => void>();
  readonly #end: (() => void)[] = [];

  private constructor(client: Client, connection: Connection, info: AppInfo, settings: Settings) {
    this.client = client;
    this.connection = connection;
    this.info = info;
    this.settings = settings;
  }

  /** @throws ContractError when the host does not answer */
  static async start(client: Client, connection: Connection): Promise<Session> {
    const [info, settings, project] = await Promise.all([
      client.call('app.info', {}),
      client.call('settings.get', {}),
      client.call('projects.current', {}),
    ]);
    const session = new Session(client, connection, info, settings);
    session.project = project;
    session.#follow();
    return session;
  }

  call<N extends CallName>(name: N, request: RequestOf<N>): Promise<ResponseOf<N>> {
    return this.client.call(name, request);
  }

  /** Goes to a room; the way back is the browser's. */
  navigate(room: RoomName, params: ParamValues = {}): void {
    location.hash = formatRoute(room, params);
  }

  /** Changes parameters of the address in place: what is chosen, not where one went. */
  setParams(params: ParamValues): void {
    const { room, params: before } = this.route;
    const hash = formatRoute(room, { ...before, ...params });
    if (hash === location.hash) return;
    history.replaceState(history.state, '', hash);
    this.route = parseRoute(hash);
  }

  /** Holds at once; what it was comes back where it cannot be kept. */
  async changeSettings(patch: Partial<Settings>): Promise<void> {
    const before = this.settings;
    this.settings = { ...before, ...patch };
    try {
      this.settings = await this.client.call('settings.set', patch);
    } catch (thrown) {
      this.settings = before;
      throw thrown;
    }
  }

  /** Shows a failure; for what a person did and that did not work. */
  fail(thrown: unknown): void {
    this.messages.fail(thrown);
  }

  /** Runs what a person asked for; a failure is shown. @returns undefined when it failed */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (thrown) {
      this.fail(thrown);
      return undefined;
    }
  }

  /** Calls back when any of the topics may have changed. @returns a function that ends it */
  onChange(topics: readonly ChangeTopic[], listener: () => void): () => void {
    const own = (changed: readonly ChangeTopic[]) => {
      if (changed.some((topic) => topics.includes(topic))) listener();
    };
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  close(): void {
    for (const end of this.#end) end();
  }

  #follow(): void {
    const readHash = () => (this.route = parseRoute(location.hash));
    addEventListener('hashchange', readHash);
    this.#end.push(
      () => removeEventListener('hashchange', readHash),
      this.client.subscribe('changes', {}, ({ topics }) => this.#announce(topics)),
      // When the line is back, the transport says that anything may have changed.
      this.connection.onConnected((isConnected) => (this.isConnected = isConnected)),
      this.onChange(['project', 'datasets', 'models', 'runs'], () => void this.#reload('project')),
      this.onChange(['settings'], () => void this.#reload('settings')),
    );
  }

  async #reload(what: 'project' | 'settings'): Promise<void> {
    await this.attempt(async () => {
      if (what === 'project') this.project = await this.client.call('projects.current', {});
      else this.settings = await this.client.call('settings.get', {});
    });
  }

  #announce(topics: readonly ChangeTopic[]): void {
    for (const listener of this.#listeners) listener(topics);
  }
}

/** The session of this window; to be called while a component is set up. */
export const [useSession, provideSession] = createContext<Session>();
