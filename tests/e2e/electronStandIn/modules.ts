/**
 * The modules beside `app` and `BrowserWindow`.
 */
import { fork } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { fileURLToPath } from 'node:url';
import { app, cleanups, state } from './app.ts';

/** What was asked of the system, in order, for the test to look at. */
export const asked: { openedExternally: string[]; revealed: string[]; messages: string[]; errors: string[] } = {
  openedExternally: [],
  revealed: [],
  messages: [],
  errors: [],
};
/** Answers to dialogs, given by the test beforehand. */
export const dialogAnswers: { paths: (string | null)[]; buttons: number[] } = { paths: [], buttons: [] };

type IpcHandler = (event: { sender: unknown; senderFrame: SenderFrame | null }, request: unknown) => unknown;
export interface SenderFrame {
  url: string;
  parent: { url: string } | null;
}
export const ipcHandlers = new Map<string, IpcHandler>();
export const ipcMain = {
  handle(channel: string, handler: IpcHandler): void {
    if (ipcHandlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`);
    ipcHandlers.set(channel, handler);
  },
};

type ProtocolHandler = (request: Request) => Promise<Response>;
const privileged = new Set<string>();
export const protocolHandlers = new Map<string, ProtocolHandler>();
export const protocol = {
  registerSchemesAsPrivileged(
    schemes: { scheme: string; privileges: { standard?: boolean; secure?: boolean } }[],
  ): void {
    if (state.isReady) throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready');
    for (const { scheme, privileges } of schemes) {
      if (privileges.standard && privileges.secure) privileged.add(scheme);
    }
  },
  handle(scheme: string, handler: ProtocolHandler): void {
    if (!state.isReady) throw new Error('protocol.handle can only be called after app is ready');
    // The stand-in shows these pages under a secure origin, which without the privileges would be untrue.
    if (!privileged.has(scheme)) throw new Error(`The scheme "${scheme}" is not standard and secure.`);
    protocolHandlers.set(scheme, handler);
  },
};

type RequestHandler = (
  contents: unknown,
  permission: string,
  decide: (isGranted: boolean) => void,
  details: { requestingUrl: string },
) => void;
type CheckHandler = (contents: unknown, permission: string, origin: string) => boolean;
/** Electron grants what nobody decides on. */
export const permissions: { request: RequestHandler; check: CheckHandler; device: () => boolean } = {
  request: (_, __, decide) => decide(true),
  check: () => true,
  device: () => true,
};
export const session = {
  defaultSession: {
    setPermissionRequestHandler: (handler: RequestHandler) => void (permissions.request = handler),
    setPermissionCheckHandler: (handler: CheckHandler) => void (permissions.check = handler),
    setDevicePermissionHandler: (handler: () => boolean) => void (permissions.device = handler),
  },
};

export const shell = {
  openExternal: async (url: string) => void asked.openedExternally.push(url),
  showItemInFolder: (path: string) => void asked.revealed.push(path),
};

export const dialog = {
  async showOpenDialog() {
    const path = dialogAnswers.paths.shift() ?? null;
    return { canceled: path === null, filePaths: path === null ? [] : [path] };
  },
  async showMessageBox(...args: { message?: string }[]) {
    asked.messages.push(args.at(-1)?.message ?? '');
    // One that nobody has answered stays open.
    if (dialogAnswers.buttons.length === 0) return new Promise<never>(() => undefined);
    return { response: dialogAnswers.buttons.shift()! };
  },
  showErrorBox: (title: string, content: string) => {
    asked.errors.push(`${title}: ${content}`);
    process.stderr.write(`${title}: ${content}\n`);
  },
};

const display = { workArea: { x: 0, y: 0, width: 1920, height: 1040 } };
export const screen = { getPrimaryDisplay: () => display, getAllDisplays: () => [display] };

export interface MenuItem {
  label?: string;
  role?: string;
  click?: () => void;
  submenu?: MenuItem[];
}
export const menus: { current: MenuItem[] } = { current: [] };
export const Menu = {
  buildFromTemplate: (template: MenuItem[]) => template,
  setApplicationMenu: (menu: MenuItem[]) => void (menus.current = menu),
};

const parentPort = new URL('./parentPort.ts', import.meta.url);
export const utilityProcess = {
  fork(entry: string, args: string[]) {
    const child = fork(entry, args, { serialization: 'advanced', execArgv: ['--import', fileURLToPath(parentPort)] });
    cleanups.push(() => void child.kill('SIGKILL'));
    const utility = Object.assign(new EventEmitter(), {
      pid: child.pid,
      postMessage: (message: unknown) => void child.send(message as object),
      kill: () => child.kill(),
    });
    engines.push(utility);
    child.on('message', (message) => utility.emit('message', message));
    child.on('exit', (code) => utility.emit('exit', code ?? 1));
    return utility;
  },
};
/** Every utility process so far, for the test to kill one. */
export const engines: { pid: number | undefined; kill(): boolean }[] = [];

app.on('ready', () => {
  if (!state.isSandboxed) throw new Error('The stand-in only runs shells that enable the sandbox.');
});
