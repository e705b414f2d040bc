/**
 * Electron's program file: fetched at the first start, not at install.
 *
 * Owns: finding it, fetching it with the package's own script (which checks it against checksums in the
 * package), and running the desktop shell with it.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shellBuild, rendererBuild, upToDate } from '#core/cli/builds.ts';
import type { Terminal } from '#core/cli/terminal.ts';
import { programFolder } from '#core/util/programFolder.ts';

const packageFolder = join(programFolder, 'node_modules', 'electron');
/** Where the package's script looks, unless a mirror is named as it is for npm. */
const SOURCE = 'https://github.com';
const REACHABLE_MS = 5000;
/** One that ends with an error this soon could not show its window at all. */
const EARLY_MS = 15_000;

/** Why it cannot be used, as a clause, or the file. */
export type FoundElectron = { file: string } | { lack: string };

/** Fetches it where it is missing and can be had. */
export async function findElectron(note: (text: string) => void): Promise<FoundElectron> {
  if (process.platform === 'linux' && process.getuid?.() === 0) {
    return { lack: 'Electron does not start for the superuser' };
  }
  const file = installedFile();
  if (file !== null) return { file };
  if (!existsSync(packageFolder)) return { lack: 'it is not installed' };
  const source = process.env['ELECTRON_MIRROR'] ?? process.env['npm_config_electron_mirror'] ?? SOURCE;
  if (!(await isReachable(source)))
    return { lack: `its program file is missing and ${hostOf(source)} cannot be reached` };
  note('Fetching Electron (once, about 110 MB) ...');
  const code = await run(process.execPath, [join(packageFolder, 'install.js')], 'ignore');
  const fetched = code === 0 ? installedFile() : null;
  return fetched === null ? { lack: 'its program file could not be fetched' } : { file: fetched };
}

/**
 * Shows the window until it is closed.
 * @returns the exit code, or why there was no window
 */
export async function runElectron(file: string, terminal: Terminal): Promise<{ code: number } | { lack: string }> {
  await upToDate(rendererBuild, terminal.note);
  const main = join(await upToDate(shellBuild, terminal.note), 'main.js');
  const startedMs = performance.now();
  // Ctrl-C in a terminal reaches it too; it pauses the run, and this process waits for it.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  const code = await run(file, [main], 'inherit');
  process.off('SIGINT', ignore);
  const isEarly = performance.now() - startedMs < EARLY_MS;
  if (code !== 0 && isEarly) return { lack: `Electron ended with ${code === null ? 'a signal' : `code ${code}`}` };
  return { code: code ?? 1 };
}

function installedFile(): string | null {
  const pathFile = join(packageFolder, 'path.txt');
  if (!existsSync(pathFile)) return null;
  const file = join(packageFolder, 'dist', readFileSync(pathFile, 'utf8').trim());
  return existsSync(file) ? file : null;
}

async function isReachable(url: string): Promise<boolean> {
  try {
    await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(REACHABLE_MS) });
    return true;
  } catch {
    return false;
  }
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url;
}

/** @returns the exit code; null when it was ended by a signal or could not be started */
function run(file: string, args: readonly string[], stdio: 'inherit' | 'ignore'): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio });
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
}
