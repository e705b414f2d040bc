/**
 * Showing an address in a browser.
 *
 * Owns: which browsers can show a page as a window of its own, where they are on each platform, and
 * starting one. A window has a profile folder of its own, so that its process ends when it is closed.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

const linuxNames = [
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
  'microsoft-edge-stable',
  'brave-browser',
];
const macNames = ['Google Chrome', 'Chromium', 'Microsoft Edge', 'Brave Browser'];
const windowsNames = [
  ['Google', 'Chrome', 'Application', 'chrome.exe'],
  ['Microsoft', 'Edge', 'Application', 'msedge.exe'],
  ['Chromium', 'Application', 'chrome.exe'],
];

/** Where a Chromium might be, the most likely first. */
export function chromiumCandidates(platform: NodeJS.Platform, environment: Environment): string[] {
  switch (platform) {
    case 'darwin':
      return macNames.map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);
    case 'win32': {
      const roots = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].map((name) => environment[name]);
      return roots
        .filter((root) => root !== undefined)
        .flatMap((root) => windowsNames.map((parts) => join(root, ...parts)));
    }
    default: {
      const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
      return linuxNames.flatMap((name) => folders.map((folder) => join(folder, name)));
    }
  }
}

export function findChromium(platform: NodeJS.Platform, environment: Environment): string | null {
  return chromiumCandidates(platform, environment).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param isRoot whether this process is the superuser, under whom Chromium's sandbox does not start */
export function appWindowArguments(url: string, profileFolder: string, isRoot: boolean): string[] {
  return [
    `--app=${url}`,
    `--user-data-dir=${profileFolder}`,
    '--window-size=1440,900',
    '--no-first-run',
    '--no-default-browser-check',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    ...(isRoot ? ['--no-sandbox'] : []),
  ];
}

/** One that ends with an error this soon could not show its window. */
const EARLY_MS = 5000;

/**
 * Opens a window of its own.
 * @param on.closed told when the person has closed it
 * @param on.failed told when there never was one
 * @returns a function that closes it
 */
export function openAppWindow(
  executable: string,
  url: string,
  profileFolder: string,
  on: { closed(): void; failed(): void },
): () => void {
  const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
  mkdirSync(profileFolder, { recursive: true });
  const startedMs = performance.now();
  const child = spawn(executable, appWindowArguments(url, profileFolder, isRoot), { stdio: 'ignore' });
  child.on('error', on.failed);
  child.on('exit', (code) => {
    if (code !== 0 && performance.now() - startedMs < EARLY_MS) on.failed();
    else on.closed();
  });
  return () => void child.kill();
}

/** The program and arguments that show an address in the person's own browser. */
export function defaultBrowserCommand(platform: NodeJS.Platform, url: string): [string, string[]] {
  switch (platform) {
    case 'darwin':
      return ['open', [url]];
    case 'win32':
      return ['rundll32', ['url.dll,FileProtocolHandler', url]];
    default:
      return ['xdg-open', [url]];
  }
}

/** Best effort: `failed` is told when there is no browser, or none that can be started. */
export function openDefaultBrowser(url: string, failed: () => void): void {
  const [file, args] = defaultBrowserCommand(process.platform, url);
  const child = spawn(file, args, { stdio: 'ignore', detached: true });
  child.on('error', failed);
  child.on('exit', (code) => {
    if (code !== 0) failed();
  });
  child.unref();
}
