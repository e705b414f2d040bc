/**
 * Where this program is installed.
 *
 * Owns: the folder with package.json and resources/. Everything that ships with the program is found
 * from here, so that a bundle only has to keep this one file two levels below that folder.
 */
import { resolve } from 'node:path';

export const programFolder = resolve(import.meta.dirname, '..', '..');
