/**
 * Bootstrap: makes `npm start` and `npm test` work on a fresh clone under any Node >= 20.
 *
 * Owns: installing the locked dependencies when they are missing or stale, and running one file of
 * the project under the pinned Node that comes with them. Plain JavaScript, because it runs before
 * anything is installed. It does not own any command: everything after the file name is passed on.
 *
 * Usage: node core/cli/bootstrap.mjs FILE [ARGS...]
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const stamp = join(root, 'node_modules', '.ares-installed');

/** The pinned Node of this platform, or this very Node where npm carries no build for it. */
function pinnedNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const file = join(
    root,
    'node_modules',
    `node-${platform}-${process.arch}`,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  if (existsSync(file)) return file;
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= 24) return process.execPath;
  fail(
    `no Node 24 build for ${process.platform}-${process.arch} comes with the dependencies, and this is Node ${process.versions.node}. ` +
      'Install Node 24 or newer and run the same command again.',
  );
}

/** @returns {never} */
function fail(message) {
  process.stderr.write(`ares: ${message}\n`);
  process.exit(1);
}

function install() {
  const lock = join(root, 'package-lock.json');
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write('ares: installing the locked dependencies (once, about half a minute) ...\n');
  // Install scripts stay off (.npmrc): none of the dependencies needs one, and onnxruntime-node's
  // would download CUDA libraries from outside the package registry.
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const result = spawnSync(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  if (result.error)
    fail(`npm could not be started: ${result.error.message}. Install npm and run the same command again.`);
  if (result.status !== 0) {
    fail(
      'installing the dependencies failed (npm printed why above). Check the connection to the npm registry and run the same command again.',
    );
  }
  writeFileSync(stamp, wanted);
}

const [file, ...args] = process.argv.slice(2);
install();
const entry = file === undefined ? join(root, 'core', 'cli', 'main.ts') : resolve(root, file);
const child = spawn(pinnedNode(), [entry, ...args], { stdio: 'inherit' });
// The child decides what a signal means (it writes a checkpoint first); this process only waits. Ctrl-C
// in a terminal reaches the whole process group, the child included, and must not count twice.
const inTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !inTerminal) child.kill(signal);
  });
}
child.on('error', (error) =>
  fail(`the pinned Node could not be started: ${error.message}. Delete node_modules and run the same command again.`),
);
child.on('exit', (code, signal) => {
  process.exit(signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 1));
});
