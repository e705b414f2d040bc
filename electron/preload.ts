/**
 * The bridge between the sandboxed page and this shell.
 *
 * Owns: making `window.ares` (core/contract/desktop.ts) out of messages. It hands out no Electron
 * object, and decides nothing: ipc.ts checks every message.
 */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { Desktop } from '#core/contract/desktop.ts';
import { channels } from './channels.ts';

/** Sound where it is used: ipc.ts answers each channel with what the bridge's type says. */
const invoke = (channel: string, request: unknown) => ipcRenderer.invoke(channel, request) as Promise<never>;
let onFrame: (frame: Uint8Array) => void = () => undefined;
ipcRenderer.on(channels.frame, (_, bytes: Uint8Array) => onFrame(bytes));

const desktop: Desktop = {
  connect(listener) {
    onFrame = listener;
    return invoke(channels.connect, null);
  },
  send: (frame) => void invoke(channels.frame, frame),
  pathOfFile: (file) => webUtils.getPathForFile(file as Parameters<typeof webUtils.getPathForFile>[0]),
  chooseFolder: (title) => invoke(channels.chooseFolder, title),
  chooseFile: (title, extensions) => invoke(channels.chooseFile, { title, extensions }),
  reveal: (path) => invoke(channels.reveal, path),
  openExternal: (url) => invoke(channels.openExternal, url),
  onCommand: (listener) => void ipcRenderer.on(channels.command, (_, command: string) => listener(command)),
};
contextBridge.exposeInMainWorld('ares', desktop);
