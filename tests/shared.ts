/**
 * Where tests find the shared fixtures (`../shared` beside the project), which are not part of the
 * repository. Suites that need them skip loudly where they are absent.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe } from 'vitest';

const root = resolve(import.meta.dirname, '..', '..', 'shared');

export const hasShared = existsSync(join(root, 'fixtures'));

export function sharedPath(...parts: string[]): string {
  return join(root, ...parts);
}

/** `describe`, or a suite that is skipped with a line on stderr where the fixtures are absent. */
export function describeWithShared(name: string, body: () => void): void {
  if (!hasShared) process.stderr.write(`SKIPPED: "${name}" needs the shared fixtures at ${root}\n`);
  describe.skipIf(!hasShared)(name, body);
}
