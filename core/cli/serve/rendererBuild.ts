/**
 * The built front end, made anew when what it is made of has changed.
 *
 * Owns: deciding whether dist/renderer is up to date (by the content of its sources, since a checkout
 * says nothing by its times) and running the build. An installed program has no sources and uses what
 * came with it.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AresError } from '#core/util/errors.ts';
import { programFolder } from '#core/util/programFolder.ts';

/** What the front end is built from, relative to the project. */
const SOURCES = ['renderer', 'core/contract', 'core/ares', 'core/compare', 'core/util', 'package-lock.json'];
const OUTPUT = join('dist', 'renderer');
const STAMP = '.built-from';
const BUILD_LOG_LINES = 20;

/**
 * @returns the folder of the built front end
 * @throws AresError 'internal' with the end of the build's log when it fails
 */
export async function upToDateRenderer(note: (text: string) => void, root = programFolder): Promise<string> {
  const output = join(root, OUTPUT);
  if (!existsSync(join(root, 'renderer'))) return output;
  const wanted = hashOf(root);
  const stamp = join(output, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return output;
  note('Building the front end (once, and again when it has changed) ...');
  await build(root);
  writeFileSync(stamp, wanted);
  return output;
}

function hashOf(root: string): string {
  const hash = createHash('sha256');
  for (const source of SOURCES) addTo(hash, join(root, source));
  return hash.digest('hex');
}

function addTo(hash: ReturnType<typeof createHash>, path: string): void {
  if (!existsSync(path)) return;
  const entries = readdirOrNull(path);
  if (entries === null) {
    const content = readFileSync(path);
    hash.update(`${path}\0${content.length}\0`).update(content);
    return;
  }
  for (const name of entries.sort()) addTo(hash, join(path, name));
}

function readdirOrNull(path: string): string[] | null {
  try {
    return readdirSync(path);
  } catch {
    return null;
  }
}

async function build(root: string): Promise<void> {
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', join(root, 'renderer')],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code === 0) return;
  throw new AresError('internal', 'The front end could not be built.', {
    where: log.trimEnd().split('\n').slice(-BUILD_LOG_LINES).join('\n'),
    hint: 'Delete node_modules and run the same command again; if that does not help, report this.',
  });
}
