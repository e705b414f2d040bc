/**
 * What is built before it is shown: the front end and the desktop shell.
 *
 * Owns: deciding whether a build is up to date (by the content of its sources, since a checkout says
 * nothing by its times), running it, and putting it in place as a whole, so that two programs that build
 * at once do no harm. An installed program has no sources and uses what came with it.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AresError } from '#core/util/errors.ts';
import { programFolder } from '#core/util/programFolder.ts';

export interface Build {
  /** As in "Building the front end". */
  what: string;
  /** Relative to the program's folder; two levels below it. */
  output: string;
  /** Files and folders it is made from; where the first is missing, nothing can be built. */
  sources: readonly string[];
  /** Arguments of the Node that builds it. */
  command(into: string): string[];
}

export const rendererBuild: Build = {
  what: 'the front end',
  output: join('dist', 'renderer'),
  sources: ['renderer', 'core/contract', 'core/ares', 'core/compare', 'core/util', 'package-lock.json'],
  command: (into) => ['node_modules/vite/bin/vite.js', 'build', 'renderer', '--outDir', into, '--emptyOutDir'],
};
export const shellBuild: Build = {
  what: 'the desktop shell',
  output: join('dist', 'electron'),
  sources: ['electron', 'core', 'package-lock.json'],
  command: (into) => ['electron/build.ts', into],
};

const STAMP = '.built-from';
const LOG_LINES = 20;

/**
 * @returns the folder of the build
 * @throws AresError 'internal' with the end of the build's log when it fails
 */
export async function upToDate(build: Build, note: (text: string) => void, root = programFolder): Promise<string> {
  const { what, output, sources, command } = build;
  const target = join(root, output);
  if (!existsSync(join(root, sources[0]!))) return target;
  const wanted = hashOf(root, sources);
  const isCurrent = () => existsSync(join(target, STAMP)) && readFileSync(join(target, STAMP), 'utf8') === wanted;
  if (isCurrent()) return target;
  note(`Building ${what} (once, and again when it has changed) ...`);
  const fresh = `${target}.${process.pid}.tmp`;
  try {
    await run(what, root, command(fresh));
    writeFileSync(join(fresh, STAMP), wanted);
    // Another program may have built the very same meanwhile, or be putting it in place at this moment.
    if (!isCurrent()) {
      rmSync(target, { recursive: true, force: true });
      try {
        renameSync(fresh, target);
      } catch (thrown) {
        if (!isCurrent()) throw thrown;
      }
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return target;
}

function hashOf(root: string, sources: readonly string[]): string {
  const hash = createHash('sha256');
  const add = (path: string) => {
    const full = join(root, path);
    const stat = statSync(full, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(full).sort()) add(join(path, name));
      return;
    }
    const content = readFileSync(full);
    hash.update(`${path}\0${content.length}\0`).update(content);
  };
  for (const source of sources) add(source);
  return hash.digest('hex');
}

async function run(what: string, root: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code === 0) return;
  throw new AresError('internal', `Building ${what} failed.`, {
    where: log.trimEnd().split('\n').slice(-LOG_LINES).join('\n'),
    hint: 'Delete node_modules and run the same command again; if that does not help, report this.',
  });
}
