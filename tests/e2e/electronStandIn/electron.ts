/**
 * The module `electron` as a main process sees it: the parts that electron/ uses, on a real Chromium.
 *
 * Sender frames, the protocol handler, the content security policy, navigation and window opening go
 * through Chromium; menus, dialogs, displays and permissions are recorded and answered by the test.
 * What Electron refuses is refused here (handlers registered twice or too early, weak preferences).
 */
export { app } from './app.ts';
export { BrowserWindow } from './windows.ts';
export { Menu, dialog, ipcMain, protocol, screen, session, shell, utilityProcess } from './modules.ts';
