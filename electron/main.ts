/**
 * The desktop shell: the host of the workbench with a window on it.
 *
 * Owns: the order in which things begin and end. Each of them is a file beside this one; what the
 * workbench does is core/host/.
 */
import { join } from 'node:path';
import { type BrowserWindow, app, dialog, protocol, session } from 'electron';
import { createDispatcher } from '#core/contract/dispatch.ts';
import { startEngine } from '#core/engine/client.ts';
import { openFirstProject } from '#core/host/firstProject.ts';
import { listRendererFiles } from '#core/host/rendererFiles.ts';
import { defaultUserFolder } from '#core/host/userFolder.ts';
import { createWorkbench } from '#core/host/workbench.ts';
import { toAresError } from '#core/util/errors.ts';
import { forkUtilityEngine, forkUtilityReader } from './engine.ts';
import { channels } from './channels.ts';
import { answerWindows } from './ipc.ts';
import { menuTemplate, setMenu } from './menu.ts';
import { SCHEME } from './origin.ts';
import { restrictPages, restrictSession } from './policy.ts';
import { createProtocolHandler, schemePrivileges } from './protocol.ts';
import { createQuit } from './quit.ts';
import { openWindow } from './window.ts';

/** Longest wait for a checkpoint when the program is quit. */
const QUIT_BOUND_MS = 120_000;

const userFolder = defaultUserFolder();
app.enableSandbox();
app.setPath('userData', join(userFolder, 'window'));
protocol.registerSchemesAsPrivileged([schemePrivileges]);
restrictPages(app);
// Not awaited: Electron is not ready before this file has been evaluated.
if (app.requestSingleInstanceLock()) start().catch(fail);
else app.quit();

async function start(): Promise<void> {
  await app.whenReady();
  const report = (message: string) => console.error(message);
  // Beside this file in the bundle: dist/electron and dist/renderer.
  const files = listRendererFiles(join(import.meta.dirname, '..', 'renderer'));
  const workbench = createWorkbench({
    shell: 'electron',
    userFolder,
    startEngine: (options, ended) => startEngine(options, ended, forkUtilityEngine(), true),
    forkReader: forkUtilityReader,
    report,
  });
  const dispatcher = createDispatcher(workbench.handlers, workbench.sources, (what, thrown) =>
    console.error(what, thrown),
  );
  restrictSession(session.defaultSession);
  protocol.handle(SCHEME, createProtocolHandler(files));
  const disconnect = answerWindows(dispatcher);
  await openFirstProject(workbench, projectArgument(), report);

  let window: BrowserWindow | null = null;
  let isQuitting = false;
  const show = () => {
    if (isQuitting) return;
    if (window === null) {
      window = openWindow(join(userFolder, 'window.json'));
      window.on('closed', () => (window = null));
      return;
    }
    if (window.isMinimized()) window.restore();
    window.focus();
  };
  const send = (command: string) => {
    show();
    window?.webContents.send(channels.command, command);
  };
  setMenu(menuTemplate(process.platform, app.isPackaged, send));
  app.on('second-instance', show);
  app.on('activate', show);
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  app.on('before-quit', () => (isQuitting = true));
  app.on(
    'before-quit',
    createQuit({
      close: async () => {
        await workbench.close();
        disconnect();
      },
      exit: () => app.exit(),
      boundMs: QUIT_BOUND_MS,
    }),
  );
  show();
}

function fail(thrown: unknown): void {
  const { message, where, hint } = toAresError(thrown);
  dialog.showErrorBox('The workbench cannot start', [message, where, hint].filter((line) => line).join('\n'));
  app.exit(1);
}

/** `--project=DIR` on the command line. */
function projectArgument(): string | null {
  return app.commandLine.getSwitchValue('project') || null;
}
