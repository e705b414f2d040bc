/**
 * Makes the installers: builds the shell and the front end, then runs electron-builder.
 *
 * Usage: node electron/package.ts [options of electron-builder]
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { rendererBuild, shellBuild, upToDate } from '#core/cli/builds.ts';
import { programFolder } from '#core/util/programFolder.ts';

const note = (text: string) => void process.stderr.write(`${text}\n`);
await upToDate(rendererBuild, note);
await upToDate(shellBuild, note);
const builder = join(programFolder, 'node_modules', 'electron-builder', 'cli.js');
const { status } = spawnSync(process.execPath, [builder, ...process.argv.slice(2)], {
  cwd: programFolder,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
