/**
 * What a test can ask of the stand-in, over the messages of child_process.
 */
import { app, state } from './app.ts';
import { endpoint } from './chromium.ts';
import { type MenuItem, asked, dialogAnswers, engines, menus, permissions, protocolHandlers } from './modules.ts';
import { BrowserWindow, foreignRequests } from './windows.ts';

const only = () => {
  const [window] = BrowserWindow.getAllWindows();
  if (window === undefined) throw new Error('There is no window.');
  return window;
};

export const commands = {
  endpoint: () => endpoint,
  state: () => ({ ...state, windows: BrowserWindow.getAllWindows().length }),
  window: () => ({
    isShown: only().isShown,
    isFocused: only().isFocused,
    options: only().options,
    preferences: only().webContents.getLastWebPreferences(),
  }),
  asked: () => ({ ...asked, foreignRequests }),
  answerDialogs: ({ paths = [], buttons = [] }: { paths?: (string | null)[]; buttons?: number[] }) => {
    dialogAnswers.paths.push(...paths);
    dialogAnswers.buttons.push(...buttons);
  },
  /** Labels and roles, submenus in lists. */
  menu: () => menus.current.map(shown),
  chooseFromMenu: (label: string) => {
    const found = menus.current.flatMap(({ submenu = [] }) => submenu).find((item) => item.label === label);
    if (found?.click === undefined) throw new Error(`The menu has no item "${label}" that does something.`);
    found.click();
  },
  permission: ({ permission, url }: { permission: string; url: string }) => {
    let isGranted = false;
    permissions.request(null, permission, (granted) => (isGranted = granted), { requestingUrl: url });
    return { request: isGranted, check: permissions.check(null, permission, url), device: permissions.device() };
  },
  request: async ({ url, method = 'GET' }: { url: string; method?: string }) => {
    const response = await protocolHandlers.get('app')!({ url, method } as Request);
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      length: (await response.arrayBuffer()).byteLength,
    };
  },
  wouldAttachWebview: () => {
    const event = { defaultPrevented: false, preventDefault: () => void (event.defaultPrevented = true) };
    only().webContents.emit('will-attach-webview', event);
    return !event.defaultPrevented;
  },
  loadElsewhere: (url: string) => only().webContents.loadURL(url),
  crashPage: () => only().webContents.crash(),
  engines: () => engines.map(({ pid }) => pid ?? null),
  killEngine: () => engines.map(({ kill }) => kill()).length,
  closeWindow: () => only().close(),
  quit: () => app.quit(),
};
export type Commands = typeof commands;

function shown({ label, role, submenu }: MenuItem): unknown {
  return submenu === undefined ? (label ?? role ?? '-') : [label ?? role, submenu.map(shown)];
}

process.on('message', (message: { id: number; command: keyof Commands; argument: never }) => {
  const { id, command, argument } = message;
  void Promise.resolve()
    .then(() => (commands[command] as (argument: unknown) => unknown)(argument))
    .then(
      (value) => process.send?.({ id, value }),
      (thrown: unknown) => process.send?.({ id, error: String(thrown) }),
    );
});
// The test is gone.
process.on('disconnect', () => app.exit(1));
