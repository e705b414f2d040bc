/**
 * What pages may not do.
 *
 * Owns: denying navigation, new windows, embedded pages and permissions, for every page there will ever
 * be, and handing web addresses to the person's browser instead.
 */
import { type App, type Session, type WebContents, shell } from 'electron';
import { isOwnUrl, isWebUrl } from './origin.ts';

/** All that is granted; copying text is what a person asks for by a click. */
const GRANTED = 'clipboard-sanitized-write';

/** Before the first page. */
export function restrictPages(app: App): void {
  app.on('web-contents-created', (_, contents) => restrict(contents));
}

export function restrictSession(session: Session): void {
  session.setPermissionRequestHandler((_, permission, decide, { requestingUrl }) =>
    decide(permission === GRANTED && isOwnUrl(requestingUrl)),
  );
  session.setPermissionCheckHandler(
    (_, permission, requestingOrigin) => permission === GRANTED && isOwnUrl(requestingOrigin),
  );
  session.setDevicePermissionHandler(() => false);
}

/** @returns whether it was opened */
export async function openExternal(url: string): Promise<boolean> {
  if (!isWebUrl(url)) return false;
  await shell.openExternal(url);
  return true;
}

function restrict(contents: WebContents): void {
  contents.on('will-navigate', (event) => {
    // The front end has one page; it may load that again.
    if (isOwnUrl(event.url)) return;
    event.preventDefault();
    void openExternal(event.url);
  });
  contents.on('will-frame-navigate', (event) => {
    if (!event.isMainFrame && !event.url.startsWith('blob:') && !event.url.startsWith('about:')) event.preventDefault();
  });
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    void openExternal(url);
    return { action: 'deny' };
  });
}
