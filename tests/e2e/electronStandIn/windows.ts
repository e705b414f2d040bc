/**
 * `BrowserWindow` and its `webContents`: a page of Chromium.
 *
 * Owns: carrying the page's requests to the protocol handler, its messages with the frame they come from
 * to ipcMain, and asking before it navigates or opens another page.
 */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import type { BrowserContext, CDPSession, Page, Route } from 'playwright-core';
import { app } from './app.ts';
import { browserContext, fromChromium, toChromium } from './chromium.ts';
import { type SenderFrame, ipcHandlers, permissions, protocolHandlers } from './modules.ts';
import { BINDING, RECEIVER, WORLD, decodeMessage, encodeMessage, pageSide, preloadSide } from './worlds.ts';

interface WebPreferences {
  preload: string;
  sandbox?: boolean;
  contextIsolation?: boolean;
  nodeIntegration?: boolean;
  webSecurity?: boolean;
}

interface WindowOptions {
  x?: number;
  y?: number;
  width: number;
  height: number;
  webPreferences: WebPreferences;
}

type OpenHandler = (details: { url: string }) => { action: 'deny' | 'allow' };

/** An event that can be prevented, as handlers of Electron get it. */
function preventable<T extends object>(details: T) {
  const event = { ...details, defaultPrevented: false, preventDefault: () => void (event.defaultPrevented = true) };
  return event;
}

class WebContents extends EventEmitter {
  readonly #preferences: WebPreferences;
  #page: Page | null = null;
  #client: CDPSession | null = null;
  #openHandler: OpenHandler = () => ({ action: 'allow' });
  #isDestroyed = false;
  /** Set while the main process itself loads: no page has to be asked then. */
  #isLoading = false;
  readonly #frames = new Map<string, { url: string; parentId: string | undefined }>();
  /** Preload worlds by execution context. */
  readonly #worlds = new Map<number, string>();

  constructor(preferences: WebPreferences) {
    super();
    const { sandbox, contextIsolation, nodeIntegration, webSecurity } = preferences;
    if (sandbox === false || contextIsolation === false || nodeIntegration === true || webSecurity === false) {
      throw new Error('The stand-in only shows pages that are sandboxed and isolated.');
    }
    this.#preferences = preferences;
    app.emit('web-contents-created', {}, this);
  }

  getLastWebPreferences(): WebPreferences {
    return this.#preferences;
  }

  setWindowOpenHandler(handler: OpenHandler): void {
    this.#openHandler = handler;
  }

  isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  async loadURL(url: string): Promise<void> {
    const page = this.#page ?? (await this.#open());
    this.#isLoading = true;
    try {
      await page.goto(toChromium(url));
    } finally {
      this.#isLoading = false;
    }
    this.emit('did-finish-load');
  }

  /** Also after a crash, which leaves a page of Chromium's debugger unusable. */
  reload(): void {
    const url = this.#page === null ? 'app://ares/' : fromChromium(this.#page.url());
    const old = this.#page;
    this.#page = null;
    void this.loadURL(url).then(() => old?.close());
  }

  send(channel: string, value: unknown): void {
    for (const [context, frameId] of this.#worlds) {
      if (this.#frames.get(frameId)?.parentId === undefined) this.#post(context, { channel, value });
    }
  }

  /** For the test: the renderer process ends as if it had crashed. */
  async crash(): Promise<void> {
    // The command is never answered.
    void this.#client?.send('Page.crash').catch(() => undefined);
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.emit('destroyed');
    void this.#page?.close().catch(() => undefined);
  }

  async #open(): Promise<Page> {
    const context = await browserContext();
    await answerRequests(context);
    const page = await context.newPage();
    this.#page = page;
    owners.set(page, this);
    page.on('crash', () => this.emit('render-process-gone', {}, { reason: 'crashed' }));
    page.on('close', () => {
      if (this.#page === page) this.emit('closed-by-person');
    });
    await this.#installPreload(page);
    return page;
  }

  async #installPreload(page: Page): Promise<void> {
    const client = await page.context().newCDPSession(page);
    this.#client = client;
    this.#worlds.clear();
    this.#frames.clear();
    client.on('Page.frameNavigated', ({ frame }) => {
      this.#frames.set(frame.id, { url: frame.url, parentId: frame.parentId });
    });
    client.on('Page.windowOpen', ({ url }) => {
      const { action } = this.#openHandler({ url: fromChromium(url) });
      if (action === 'allow') throw new Error('The stand-in cannot show a window that a page has opened.');
    });
    client.on('Page.frameAttached', ({ frameId, parentFrameId }) => {
      this.#frames.set(frameId, { url: 'about:blank', parentId: parentFrameId });
    });
    client.on('Runtime.executionContextCreated', ({ context }) => {
      if (context.name === WORLD) this.#worlds.set(context.id, String(context.auxData?.['frameId']));
    });
    client.on('Runtime.executionContextDestroyed', ({ executionContextId }) => this.#worlds.delete(executionContextId));
    client.on('Runtime.executionContextsCleared', () => this.#worlds.clear());
    client.on(
      'Runtime.bindingCalled',
      ({ executionContextId, payload }) => void this.#answer(executionContextId, payload),
    );
    await client.send('Page.enable');
    await client.send('Runtime.enable');
    await client.send('Runtime.addBinding', { name: BINDING, executionContextName: WORLD });
    await client.send('Page.addScriptToEvaluateOnNewDocument', { source: pageSide });
    // Electron would spare frames within the page; here they get it too, so that the check of the sender is tried.
    await client.send('Page.addScriptToEvaluateOnNewDocument', {
      source: preloadSide(readFileSync(this.#preferences.preload, 'utf8')),
      worldName: WORLD,
    });
  }

  async #answer(context: number, payload: string): Promise<void> {
    const { id, channel, value } = decodeMessage(payload) as { id: number; channel: string; value: unknown };
    try {
      const handler = ipcHandlers.get(channel);
      if (handler === undefined) throw new Error(`No handler registered for '${channel}'`);
      this.#post(context, { id, value: await handler({ sender: this, senderFrame: this.#frameOf(context) }, value) });
    } catch (thrown) {
      this.#post(context, { id, error: thrown instanceof Error ? thrown.message : String(thrown) });
    }
  }

  #frameOf(context: number): SenderFrame | null {
    const frame = this.#frames.get(this.#worlds.get(context) ?? '');
    if (frame === undefined) return null;
    const parent = frame.parentId === undefined ? null : { url: this.#frames.get(frame.parentId)?.url ?? '' };
    return { url: fromChromium(frame.url), parent };
  }

  #post(context: number, message: object): void {
    const expression = `${RECEIVER}(${JSON.stringify(encodeMessage(message))})`;
    // A page that has gone meanwhile hears nothing.
    void this.#client?.send('Runtime.evaluate', { contextId: context, expression }).catch(() => undefined);
  }

  /** @returns whether the page may load this in a frame of its own */
  mayNavigate(url: string, isMainFrame: boolean): boolean {
    if (this.#isLoading && isMainFrame) return true;
    const event = preventable({ url: fromChromium(url), isMainFrame });
    this.emit('will-frame-navigate', event);
    if (isMainFrame) this.emit('will-navigate', event);
    return !event.defaultPrevented;
  }
}

const owners = new Map<Page, WebContents>();
const answering = new WeakSet<BrowserContext>();

/** Requests that went to no handler, which none should. */
export const foreignRequests: string[] = [];

async function answerRequests(context: BrowserContext): Promise<void> {
  if (answering.has(context)) return;
  answering.add(context);
  if (permissions.check(null, 'clipboard-sanitized-write', 'app://ares'))
    await context.grantPermissions(['clipboard-write']);
  await context.route('**/*', (route) => answerRequest(route).catch(() => undefined));
}

async function answerRequest(route: Route): Promise<void> {
  const request = route.request();
  const url = request.url();
  const frame = request.frame();
  const page = frame.page();
  const owner = owners.get(page);
  if (owner === undefined) {
    await route.abort();
    return;
  }
  if (request.isNavigationRequest() && !owner.mayNavigate(url, frame.parentFrame() === null)) {
    // The page stays as it is.
    await route.fulfill({ status: 204 });
    return;
  }
  const handler = protocolHandlers.get('app');
  const own = fromChromium(url);
  if (!own.startsWith('app:') || handler === undefined) {
    foreignRequests.push(url);
    await route.fulfill({ status: 200, contentType: 'text/html', body: '<!doctype html><title>elsewhere</title>' });
    return;
  }
  const response = await handler({ url: own, method: request.method() } as Request);
  await route.fulfill({
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.arrayBuffer()),
  });
}

const windows = new Set<BrowserWindow>();

export class BrowserWindow extends EventEmitter {
  readonly webContents: WebContents;
  readonly options: WindowOptions;
  isShown = false;
  isFocused = false;
  #isMaximised = false;

  static getAllWindows(): BrowserWindow[] {
    return [...windows];
  }

  static fromWebContents(contents: WebContents): BrowserWindow | null {
    return BrowserWindow.getAllWindows().find(({ webContents }) => webContents === contents) ?? null;
  }

  constructor(options: WindowOptions) {
    super();
    this.options = options;
    this.webContents = new WebContents(options.webPreferences);
    this.webContents.once('did-finish-load', () => this.emit('ready-to-show'));
    this.webContents.once('closed-by-person', () => this.close());
    windows.add(this);
  }

  loadURL(url: string): Promise<void> {
    return this.webContents.loadURL(url);
  }
  show(): void {
    this.isShown = true;
  }
  focus(): void {
    this.isFocused = true;
  }
  maximize(): void {
    this.#isMaximised = true;
  }
  isMaximized(): boolean {
    return this.#isMaximised;
  }
  isMinimized(): boolean {
    return false;
  }
  restore(): void {
    this.show();
  }
  getNormalBounds(): { x: number; y: number; width: number; height: number } {
    const { x = 0, y = 0, width, height } = this.options;
    return { x, y, width, height };
  }

  close(): void {
    if (!windows.has(this)) return;
    const event = preventable({});
    this.emit('close', event);
    if (event.defaultPrevented) return;
    windows.delete(this);
    this.webContents.destroy();
    this.emit('closed');
    if (windows.size === 0) app.emit('window-all-closed');
  }
}
