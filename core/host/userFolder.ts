/**
 * The folder of this user: settings, the sample project, uploads.
 *
 * Owns: where it is and the names in it.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Overrides the platform's place: for tests, and for a program that must not touch the home folder. */
const OVERRIDE = 'ARES_HOME';
const NAME = 'ares-workbench';

/** Absolute; it need not exist. */
export function defaultUserFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const override = environment[OVERRIDE];
  if (override) return resolve(override);
  const home = homedir();
  switch (platform) {
    case 'darwin':
      return join(home, 'Library', 'Application Support', NAME);
    case 'win32':
      return join(environment['APPDATA'] ?? join(home, 'AppData', 'Roaming'), NAME);
    default:
      return join(environment['XDG_DATA_HOME'] || join(home, '.local', 'share'), NAME);
  }
}

export const userFiles = (userFolder: string) => ({
  settings: join(userFolder, 'settings.json'),
  recent: join(userFolder, 'recent.json'),
  uploads: join(userFolder, 'uploads'),
  sample: join(userFolder, 'sample'),
  projects: join(userFolder, 'projects'),
});
