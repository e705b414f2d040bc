/**
 * The window.
 *
 * Owns: its preferences, its place, and what is offered when its page crashes or hangs. The work is not
 * in the window: closing it or losing it loses nothing.
 */
import { join } from 'node:path';
import { BrowserWindow, app, dialog, screen } from 'electron';
import { PAGE } from './origin.ts';
import { placementOf, readWindowState, writeWindowState } from './windowState.ts';

/** Beside this file in the bundle. */
const preload = join(import.meta.dirname, 'preload.cjs');
const MIN_WIDTH = 960;
const MIN_HEIGHT = 600;

/** @param stateFile where its place is kept */
export function openWindow(stateFile: string): BrowserWindow {
  const displays = [screen.getPrimaryDisplay(), ...screen.getAllDisplays()];
  const { isMaximised, ...bounds } = placementOf(
    readWindowState(stateFile),
    displays.map(({ workArea }) => workArea),
  );
  const window = new BrowserWindow({
    ...bounds,
    minWidth: MIN_WIDTH,
    minHeight: MIN_HEIGHT,
    title: 'ARES Workbench',
    // Shown when there is something to see.
    show: false,
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      devTools: !app.isPackaged,
    },
  });
  if (isMaximised) window.maximize();
  window.once('ready-to-show', () => window.show());
  window.on('close', () => {
    try {
      writeWindowState(stateFile, { ...window.getNormalBounds(), isMaximised: window.isMaximized() });
    } catch (thrown) {
      // A full disk must not keep the window open.
      console.error(thrown);
    }
  });
  offerReload(window);
  void window.loadURL(PAGE);
  return window;
}

function offerReload(window: BrowserWindow): void {
  const { webContents } = window;
  webContents.on('render-process-gone', (_, { reason }) => {
    if (reason === 'clean-exit') return;
    void ask(window, `The page of the window ended (${reason}). Runs go on.`, ['Reload', 'Quit']).then((choice) =>
      choice === 0 ? webContents.reload() : app.quit(),
    );
  });
  webContents.on('unresponsive', () => {
    void ask(window, 'The window does not respond. Runs go on.', ['Wait', 'Reload']).then((choice) => {
      if (choice === 1) webContents.reload();
    });
  });
}

async function ask(window: BrowserWindow, message: string, buttons: string[]): Promise<number> {
  const { response } = await dialog.showMessageBox(window, { type: 'warning', message, buttons, noLink: true });
  return response;
}
