/**
 * Where this program is installed.
 *
 * Owns: the folder with package.json, and the one with what ships beside the code. Everything that comes
 * with the program is found from here, so that a bundle only has to keep this one file two levels below
 * that folder.
 */
import { join, resolve } from 'node:path';

export const programFolder = resolve(import.meta.dirname, '..', '..');

/**
 * A real folder also where the program is packed into an archive, as the desktop app is: some of Node's
 * own functions, such as cpSync, read files in ways that do not see into archives.
 */
export const resourcesFolder = join(programFolder.replace(/\.asar$/, '.asar.unpacked'), 'resources');
