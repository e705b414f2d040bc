/**
 * Which project a front end opens with.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Workbench } from './workbench.ts';

/**
 * The project asked for, else the one opened last where it still is, else the sample.
 * @throws AresError when what was asked for cannot be opened
 */
export async function openFirstProject({ host, handlers }: Workbench, asked: string | null): Promise<void> {
  if (asked !== null) {
    await host.openProject(asked, false);
    return;
  }
  const last = host.recentProjects().find(({ folder }) => existsSync(join(folder, 'ares.db')));
  if (last === undefined) await handlers['projects.openSample']?.({});
  else await host.openProject(last.folder, false);
}
