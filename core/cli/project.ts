/**
 * The program's own folder and version.
 *
 * Owns: where package.json and resources/ are, and what package.json says about this version. It knows
 * nothing of a person's projects.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const projectRoot = resolve(import.meta.dirname, '..', '..');

export interface ProjectFacts {
  version: string;
  description: string;
  /** The Node this version is tested with on this platform; null where no build of it is pinned. */
  pinnedNode: string | null;
}

export function readProjectFacts(): ProjectFacts {
  const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    version: string;
    description: string;
    optionalDependencies: Record<string, string>;
  };
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return {
    version: manifest.version,
    description: manifest.description,
    pinnedNode: manifest.optionalDependencies[`node-${platform}-${process.arch}`] ?? null,
  };
}
