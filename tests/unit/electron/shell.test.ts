/** The plain parts of the desktop shell: origins, files of the protocol, the window's place, quitting, the menu. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RendererFiles } from '#core/host/rendererFiles.ts';
import { isOwnUrl, isWebUrl } from '../../../electron/origin.ts';
import { createProtocolHandler, fileOf } from '../../../electron/protocol.ts';
import { createQuit } from '../../../electron/quit.ts';
import { placementOf, readWindowState, writeWindowState } from '../../../electron/windowState.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ares-shell-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

describe('our own origin', () => {
  it('is app://ares/ and nothing that looks like it', () => {
    expect(['app://ares/', 'app://ares/x?y#z'].every(isOwnUrl)).toBe(true);
    const others = [
      'app://ares.evil/',
      'app://evil/',
      'app://ares@evil/',
      'app://user@ares/',
      'app://ares:1/',
      'https://ares/',
      'https://evil/app://ares/',
      'blob:app://ares/1',
      'file:///app://ares/',
      'about:blank',
      'ares',
      '',
    ];
    expect(others.filter(isOwnUrl)).toEqual([]);
  });

  it('is not the web, and only the web is handed to the system', () => {
    expect(['https://arxiv.org/abs/2510.08457', 'http://localhost/'].every(isWebUrl)).toBe(true);
    const others = [
      'file:///etc/passwd',
      'javascript:alert(1)',
      'smb://host/x',
      'data:text/html,x',
      'ms-word:x',
      'app://ares/',
      '',
      '//evil',
    ];
    expect(others.filter(isWebUrl)).toEqual([]);
  });
});

describe('the protocol', () => {
  const files = (): RendererFiles => {
    const page = { path: join(folder, 'index.html'), mediaType: 'text/html; charset=utf-8', isImmutable: false };
    writeFileSync(page.path, '<!doctype html>');
    return new Map([
      ['/', page],
      ['/index.html', page],
    ]);
  };

  it('answers the page with the policy', async () => {
    const response = await createProtocolHandler(files())(new Request('app://ares/index.html?a#b'));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.text()).toBe('<!doctype html>');
  });

  it.each([
    'app://ares/../package.json',
    'app://ares/..%2fpackage.json',
    'app://ares/%2e%2e/package.json',
    'app://ares/..\\package.json',
    'app://ares/..%5cpackage.json',
    'app://ares/index.html%00.png',
    'app://ares/index.html\u0000',
    'app://ares//index.html',
    'app://ares/./index.html/..',
    'app://ares/%69ndex.html',
    'app://evil/index.html',
    'app://ares.evil/index.html',
    'app://evil@ares/index.html',
    'file:///etc/passwd',
  ])('has no file for %j', (url) => {
    expect(fileOf(url, files())).toBeUndefined();
  });

  it('has a file for nothing but what is in the list', () => {
    const list = files();
    fc.assert(
      fc.property(fc.webPath(), (path) => {
        expect(fileOf(`app://ares${path}`, list)).toBe(list.get(path));
      }),
    );
  });

  it('only answers GET', async () => {
    const response = await createProtocolHandler(files())(new Request('app://ares/', { method: 'POST' }));
    expect(response.status).toBe(405);
  });
});

describe('the place of the window', () => {
  const screen = { x: 0, y: 25, width: 1920, height: 1055 };
  const second = { x: 1920, y: 0, width: 1280, height: 1024 };
  const state = { x: 100, y: 50, width: 1200, height: 800, isMaximised: false };

  it('is where it was, while that can be seen', () => {
    expect(placementOf(state, [screen])).toEqual(state);
    expect(placementOf({ ...state, x: 2000 }, [screen, second])).toMatchObject({ x: 2000 });
  });

  it.each([
    ['its display is gone', { ...state, x: 2000 }],
    ['its title bar is above the screen', { ...state, y: -30 }],
    ['it is below the screen', { ...state, y: 1070 }],
    ['hardly any of it is left on the screen', { ...state, x: -1150 }],
  ])('is the default where %s', (_, lost) => {
    expect(placementOf(lost, [screen])).toEqual({ width: 1440, height: 900, isMaximised: false });
  });

  it('is never larger than the display', () => {
    expect(placementOf({ ...state, x: 2000, width: 4000, height: 3000 }, [screen, second])).toMatchObject({
      width: 1280,
      height: 1024,
    });
    expect(placementOf(null, [{ x: 0, y: 0, width: 1024, height: 700 }])).toMatchObject({ width: 1024, height: 700 });
  });

  it('is kept in a file, and a file that says anything else is as none', () => {
    const file = join(folder, 'window.json');
    expect(readWindowState(file)).toBeNull();
    writeWindowState(file, state);
    expect(readWindowState(file)).toEqual(state);
    for (const text of [
      '{',
      'null',
      '{"x":1e99}',
      JSON.stringify({ ...state, width: 5 }),
      JSON.stringify({ ...state, a: 1 }),
    ]) {
      writeFileSync(file, text);
      expect(readWindowState(file)).toBeNull();
    }
  });
});

describe('quitting', () => {
  const event = () => ({ preventDefault: vi.fn() });

  it('waits until everything is closed', async () => {
    let finish!: () => void;
    const exit = vi.fn();
    const quit = createQuit({ close: () => new Promise((resolve) => (finish = resolve)), exit, boundMs: 1000 });
    const first = event();
    quit(first);
    expect(first.preventDefault).toHaveBeenCalled();
    expect(exit).not.toHaveBeenCalled();
    finish();
    await expect.poll(() => exit.mock.calls.length).toBe(1);
  });

  it('does not wait longer than its bound, nor for a person who asks twice', () => {
    vi.useFakeTimers();
    const exit = vi.fn();
    const never = () => new Promise<void>(() => undefined);
    const quit = createQuit({ close: never, exit, boundMs: 1000 });
    quit(event());
    vi.advanceTimersByTime(999);
    expect(exit).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(exit).toHaveBeenCalledTimes(1);
    const impatient = createQuit({ close: never, exit, boundMs: 1000 });
    impatient(event());
    impatient(event());
    expect(exit).toHaveBeenCalledTimes(2);
  });

  it('ends also when closing fails', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    const exit = vi.fn();
    createQuit({ close: () => Promise.reject(new Error('disk')), exit, boundMs: 1000 })(event());
    await expect.poll(() => exit.mock.calls.length).toBe(1);
    expect(log).toHaveBeenCalled();
    log.mockRestore();
  });
});
