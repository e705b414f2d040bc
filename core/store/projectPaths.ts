/**
 * Paths as the database keeps them, and as everybody else sees them.
 *
 * Owns: this one difference. What lies in the project folder is kept relative to it, with slashes, so that a
 * folder that was moved, copied or carried to another system finds its own runs, checkpoints and models; what
 * lies elsewhere is kept as an absolute path. Outside of the store every path is absolute.
 */
import { isAbsolute, relative, resolve, sep } from 'node:path';

export interface ProjectPaths {
  toStored(path: string): string;
  toAbsolute(stored: string): string;
}

/** @param root the project folder: the one that holds the database file */
export function projectPaths(root: string): ProjectPaths {
  return {
    toStored(path) {
      const absolute = resolve(root, path);
      const inside = relative(root, absolute);
      const isInside = inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
      return isInside ? inside.split(sep).join('/') : absolute;
    },
    toAbsolute: (stored) => resolve(root, stored),
  };
}
