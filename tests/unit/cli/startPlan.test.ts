/** What `npm start` opens, as a decision. */
import { describe, expect, it } from 'vitest';
import { appWindowArguments, chromiumCandidates, defaultBrowserCommand } from '#core/cli/serve/browser.ts';
import { hasDisplay, planWindow } from '#core/cli/start/plan.ts';

describe('a display', () => {
  it.each([
    ['linux', {}, false],
    ['linux', { DISPLAY: '' }, false],
    ['linux', { DISPLAY: ':0' }, true],
    ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, true],
    ['linux', { DISPLAY: 'localhost:10.0', SSH_CONNECTION: 'a b' }, true],
    ['darwin', {}, true],
    ['darwin', { SSH_CONNECTION: 'a b' }, false],
    ['win32', {}, true],
    ['win32', { SSH_CONNECTION: 'a b' }, false],
  ] as const)('of %s with %j: %s', (platform, environment, expected) => {
    expect(hasDisplay(platform, environment)).toBe(expected);
  });
});

describe('the window', () => {
  it('is Electron, without a word', () => {
    expect(planWindow({ electronLack: null, chromium: null })).toEqual({ shell: 'electron', sentence: null });
  });

  it('else Chromium, else the browser, with one sentence that says why', () => {
    expect(planWindow({ electronLack: 'github.com cannot be reached', chromium: '/usr/bin/chromium' })).toEqual({
      shell: 'chromium',
      sentence:
        'The desktop shell cannot be used here (github.com cannot be reached); the same app opens in a Chromium window.',
    });
    expect(planWindow({ electronLack: 'it is not installed', chromium: null })).toEqual({
      shell: 'browser',
      sentence: 'The desktop shell cannot be used here (it is not installed); the same app opens in your browser.',
    });
  });

  it('has a profile of its own, and gives up the sandbox only where there can be none', () => {
    const args = appWindowArguments('http://127.0.0.1:1/?token=x', '/profile', false);
    expect(args).toContain('--app=http://127.0.0.1:1/?token=x');
    expect(args).toContain('--user-data-dir=/profile');
    expect(args).not.toContain('--no-sandbox');
    expect(appWindowArguments('http://x/', '/profile', true)).toContain('--no-sandbox');
  });
});

describe('browsers', () => {
  it('are looked for where each platform keeps them', () => {
    expect(chromiumCandidates('linux', { PATH: '/a:/b' }).slice(0, 2)).toEqual(['/a/chromium', '/b/chromium']);
    expect(chromiumCandidates('linux', {})).toEqual([]);
    expect(chromiumCandidates('darwin', {})[0]).toBe('/Applications/Google Chrome.app/Contents/MacOS/Google Chrome');
    expect(chromiumCandidates('win32', { PROGRAMFILES: '/pf' })[0]).toContain('chrome.exe');
    expect(chromiumCandidates('win32', {})).toEqual([]);
  });

  it('are given the address as an argument of its own, never through a shell', () => {
    const url = 'http://127.0.0.1:1/?token=a&b';
    for (const platform of ['linux', 'darwin', 'win32'] as const) {
      const [file, args] = defaultBrowserCommand(platform, url);
      expect(args.at(-1)).toBe(url);
      expect(file).not.toMatch(/cmd|sh$/);
    }
  });
});
