/**
 * Calls about projects and the folders they are in.
 */
import { existsSync, mkdirSync } from 'node:fs';
import type { Handlers } from '#core/contract/contract.ts';
import { listFolder, requireAbsolute } from '#core/host/folderList.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { makeSampleProject } from '#core/host/sampleProject.ts';
import { userFiles } from '#core/host/userFolder.ts';

type Subject = Pick<
  Handlers,
  'projects.current' | 'projects.recent' | 'projects.open' | 'projects.openSample' | 'files.list'
>;

export function projectHandlers(host: HostContext): Subject {
  /** Two that ask at once get the same sample. */
  let making: Promise<void> | null = null;
  return {
    'projects.current': () => host.currentProject(),
    'projects.recent': () =>
      host.recentProjects().map((project) => ({ ...project, isMissing: !existsSync(project.folder) })),
    'projects.open': ({ folder, create }) => host.openProject(requireAbsolute(folder), create),
    'projects.openSample': async () => {
      const { sample } = userFiles(host.userFolder);
      making ??= makeSampleProject(sample, host.reader).finally(() => (making = null));
      await making;
      return host.openProject(sample, false);
    },
    'files.list': ({ folder }) => {
      if (folder !== null) return listFolder(requireAbsolute(folder));
      const { dataFolder } = host.settings();
      // It may be chosen before anything was put there.
      mkdirSync(dataFolder, { recursive: true });
      return listFolder(dataFolder);
    },
  };
}
