/**
 * What package.json says about this version of the program.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { programFolder } from '#core/util/programFolder.ts';

export interface ProgramFacts {
  version: string;
  description: string;
  /** The Node this version is tested with on this platform; null where no build of it is pinned. */
  pinnedNode: string | null;
}

export function readProgramFacts(): ProgramFacts {
  const manifest = JSON.parse(readFileSync(join(programFolder, 'package.json'), 'utf8')) as {
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
