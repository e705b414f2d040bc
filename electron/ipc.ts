/**
 * What a window may ask of this process.
 *
 * Owns: the channels with their schemas, the one wrapper in which each of them is answered (nobody but
 * our own page's top frame is listened to, and nothing is read that does not fit), and the connection
 * of a window to the host, which is frames in both directions.
 */
import { BrowserWindow, type IpcMainInvokeEvent, type WebContents, dialog, ipcMain, shell } from 'electron';
import * as z from 'zod/mini';
import type { Dispatcher } from '#core/contract/dispatch.ts';
import { maxFrameBytes } from '#core/contract/frames.ts';
import { type Session, createSession } from '#core/contract/session.ts';
import { channels } from './channels.ts';
import { isOwnUrl } from './origin.ts';
import { openExternal } from './policy.ts';

const text = (most: number) => z.string().check(z.minLength(1), z.maxLength(most));
const path = text(4096);
const title = text(200);
const frame = z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length <= maxFrameBytes);

/** Answers a channel, for our own page only. @throws to the caller what it did wrong, without details of this process */
function listen<Q, R>(
  channel: string,
  schema: z.ZodMiniType<Q>,
  answer: (request: Q, event: IpcMainInvokeEvent) => R | Promise<R>,
): void {
  ipcMain.handle(channel, async (event, request: unknown) => {
    if (!isOwnFrame(event)) throw new Error('This page may not ask the workbench for anything.');
    const result = z.safeParse(schema, request);
    if (!result.success) throw new Error(`The request to "${channel}" is malformed.`);
    return answer(result.data, event);
  });
}

/** Frames within the page and pages from elsewhere are not listened to. */
function isOwnFrame({ senderFrame }: IpcMainInvokeEvent): boolean {
  return senderFrame !== null && senderFrame.parent === null && isOwnUrl(senderFrame.url);
}

/** @returns a function that ends all connections */
export function answerWindows(dispatcher: Dispatcher): () => void {
  const sessions = new Map<WebContents, Session>();
  /** Those that are listened to, which outlives their connections. */
  const known = new WeakSet<WebContents>();
  const end = (contents: WebContents) => {
    sessions.get(contents)?.close();
    sessions.delete(contents);
  };

  listen(channels.connect, z.null(), (_, { sender }) => {
    // A page that was loaded again knows nothing of the subscriptions of the one before.
    end(sender);
    if (!known.has(sender)) {
      known.add(sender);
      sender.once('destroyed', () => end(sender)).on('render-process-gone', () => end(sender));
    }
    const session = createSession({
      dispatcher,
      send(bytes) {
        if (!sender.isDestroyed()) sender.send(channels.frame, bytes);
      },
      disconnect: () => end(sender),
    });
    sessions.set(sender, session);
  });
  listen(channels.frame, frame, (bytes, { sender }) => sessions.get(sender)?.receive(bytes));
  listen(channels.chooseFolder, title, (heading, { sender }) =>
    choose(sender, { title: heading, properties: ['openDirectory', 'createDirectory'] }),
  );
  listen(
    channels.chooseFile,
    z.strictObject({ title, extensions: z.array(text(20)).check(z.maxLength(50)) }),
    ({ title: heading, extensions }, { sender }) =>
      choose(sender, {
        title: heading,
        properties: ['openFile'],
        filters: extensions.length === 0 ? [] : [{ name: heading, extensions }],
      }),
  );
  listen(channels.reveal, path, (file) => shell.showItemInFolder(file));
  listen(channels.openExternal, text(4096), async (url) => {
    if (!(await openExternal(url))) throw new Error('Only web addresses can be opened.');
  });
  return () => {
    for (const contents of sessions.keys()) end(contents);
  };
}

async function choose(contents: WebContents, options: Electron.OpenDialogOptions): Promise<string | null> {
  const owner = BrowserWindow.fromWebContents(contents);
  const { canceled, filePaths } = await (owner === null
    ? dialog.showOpenDialog(options)
    : dialog.showOpenDialog(owner, options));
  return canceled ? null : (filePaths[0] ?? null);
}
