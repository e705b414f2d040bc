/**
 * Which project a front end opens with.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { toAresError } from '#core/util/errors.ts';
import type { Workbench } from './workbench.ts';

/**
 * The project asked for, else the one opened last where it still is, else the sample.
 * @throws AresError when what was asked for cannot be opened
 */
export async function openFirstProject(
  { host, handlers }: Workbench,
  asked: string | null,
  report: (message: string) => void,
): Promise<void> {
  if (asked !== null) {
    await host.openProject(asked, false);
    return;
  }
  const last = host.recentProjects().find(({ folder }) => existsSync(join(folder, 'ares.db')));
  try {
    if (last !== undefined) {
      await host.openProject(last.folder, false);
      return;
    }
  } catch (thrown) {
    // A front end must start, whatever became of a project; the person did not ask for this one.
    report(toAresError(thrown).message);
  }
  await handlers['projects.openSample']({});
}
