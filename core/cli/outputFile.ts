/**
 * Whether a result can be written where it is wanted, asked before the work and not after it.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { AresError } from '#core/util/errors.ts';

/**
 * Refuses a path that cannot be written to: a folder, or a file in a folder that is missing or
 * read-only. The disk can still fill up later; writeFileAtomic leaves nothing behind then.
 * @throws AresError 'usage', 'not-found' or 'disk'
 */
export function requireWritable(path: string): void {
  const folder = dirname(path);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new AresError('usage', 'This is a folder, but the result is a file.', { where: path, hint: 'Name a file.' });
  }
  const parent = statSync(folder, { throwIfNoEntry: false });
  if (parent === undefined) {
    throw new AresError('not-found', 'The folder for the result does not exist.', {
      where: folder,
      hint: 'Create it, or choose another.',
    });
  }
  accessSync(folder, constants.W_OK | constants.X_OK);
}
