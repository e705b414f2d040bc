/**
 * The host behind a front end: one user, one open project.
 *
 * Owns: opening and closing the project with all that belongs to it (store, queue, engines, jobs), the
 * settings, and putting the handlers of every subject and the sources of every stream together. It
 * knows no transport; dispatch.ts is what a transport talks to.
 */
import { basename, resolve } from 'node:path';
import type { Handlers, ProjectInfo } from '#core/contract/contract.ts';
import type { StreamSources } from '#core/contract/dispatch.ts';
import { createDataReader } from '#core/data/reader.ts';
import type { ReaderChannel } from '#core/data/readerMessages.ts';
import type { Engine } from '#core/engine/api.ts';
import { forkEngine } from '#core/engine/channel.ts';
import { startEngine as startEngineProcess } from '#core/engine/client.ts';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import { type Keys, createKeys } from '#core/remote/keys.ts';
import { AresError } from '#core/util/errors.ts';
import { createChanges } from './changes.ts';
import { appHandlers } from './handlers/app.ts';
import { careHandlers } from './handlers/care.ts';
import { compareHandlers } from './handlers/compare.ts';
import { curationHandlers } from './handlers/curation.ts';
import { dataHandlers } from './handlers/data.ts';
import { datasetHandlers } from './handlers/datasets.ts';
import { endpointHandlers } from './handlers/endpoints.ts';
import { entropyHandlers } from './handlers/entropy.ts';
import { labelHandlers } from './handlers/labels.ts';
import { metricHandlers } from './handlers/metrics.ts';
import { modelHandlers } from './handlers/models.ts';
import { poolHandlers } from './handlers/pools.ts';
import { problemHandlers } from './handlers/problems.ts';
import { projectHandlers } from './handlers/projects.ts';
import { recipeDiffHandlers } from './handlers/recipeDiff.ts';
import { recipeHandlers } from './handlers/recipes.ts';
import { rolloutHandlers } from './handlers/rollouts.ts';
import { runHandlers } from './handlers/runs.ts';
import { traceHandlers } from './handlers/traces.ts';
import { transferHandlers } from './handlers/transfer.ts';
import type { HostContext, InspectionEngine, OpenProject, RunQueue } from './hostContext.ts';
import { openEndpointBook } from './endpointBook.ts';
import { createInspectionEngine } from './inspectionEngine.ts';
import { createJobs } from './jobs.ts';
import { createProject, openProject, requireWritableProject } from './project.ts';
import { createRunQueue } from './runQueue.ts';
import { createUploads } from './uploads.ts';
import { userFiles } from './userFolder.ts';
import { openUserSettings } from './userSettings.ts';

export interface WorkbenchOptions {
  shell: HostContext['shell'];
  userFolder: string;
  startEngine?: HostContext['startEngine'];
  /** Where the keys of endpoints are. */
  keys?: Keys;
  forkReader?: () => ReaderChannel;
  /** Told what a person should see in the log: damaged settings, work that could not be saved. */
  report(message: string): void;
}

export interface Workbench {
  readonly host: HostContext;
  readonly handlers: Handlers;
  readonly sources: StreamSources;
  /** Pauses the run at work with a checkpoint, ends everything else and closes the project. */
  close(): Promise<void>;
}

/** An open project and what works on it. */
interface Session extends OpenProject {
  queue: RunQueue;
}

/** So that the window answers while a run trains on every core. */
function startBackgroundEngine(options: EngineOptions, ended?: AbortSignal): Promise<Engine> {
  return startEngineProcess(options, ended, forkEngine(), true);
}

export function createWorkbench(options: WorkbenchOptions): Workbench {
  const { shell, userFolder, report, startEngine = startBackgroundEngine } = options;
  const files = userFiles(userFolder);
  const settings = openUserSettings(userFolder, report);
  const changes = createChanges();
  const keys = options.keys ?? createKeys();
  const endpoints = openEndpointBook(userFolder, report);
  const jobs = createJobs(changes);
  const uploads = createUploads(files.uploads);
  const inspection: InspectionEngine = createInspectionEngine({ startEngine, limits: () => settings.get().engine });
  const reader = createDataReader(options.forkReader);
  let session: Session | null = null;
  let opening: Promise<unknown> = Promise.resolve();

  const requireSession = (): Session => {
    if (session !== null) return session;
    throw new AresError('usage', 'No project is open.', { hint: 'Open a project, or the sample.' });
  };

  function infoOf({ folder, store }: OpenProject): ProjectInfo {
    return {
      folder,
      name: basename(folder),
      isSample: folder === files.sample,
      datasets: store.problems.datasets().length,
      models: store.models.list().length,
      runs: store.runs.list().length,
    };
  }

  async function closeSession(): Promise<void> {
    const closing = session;
    if (closing === null) return;
    await Promise.all([closing.queue.close(), jobs.close(), inspection.close()]);
    session = null;
    closing.store.close();
  }

  async function open(folder: string, create: boolean): Promise<ProjectInfo> {
    const path = resolve(folder);
    if (session?.folder === path) return infoOf(session);
    if (create) requireWritableProject(path);
    // Opened before the other is closed: where this fails, nothing has changed.
    const store = create ? createProject(path) : openProject(path);
    await closeSession();
    const project: OpenProject = { folder: path, store };
    session = {
      ...project,
      queue: createRunQueue({ project, changes, keys, startEngine, makeRoom: inspection.close }),
    };
    const info = infoOf(session);
    settings.noteOpened({ folder: path, name: info.name, openedMs: Date.now() });
    changes.announce('project', 'datasets', 'labels', 'pools', 'models', 'runs', 'jobs');
    return info;
  }

  const host: HostContext = {
    shell,
    userFolder,
    changes,
    jobs,
    project: requireSession,
    queue: () => requireSession().queue,
    inspection: () => inspection,
    endpoints: () => endpoints,
    keys,
    reader,
    settings: settings.get,
    changeSettings(patch) {
      const changed = settings.change(patch);
      changes.announce('settings');
      return changed;
    },
    recentProjects: settings.opened,
    openProject(folder, create) {
      const mine = opening.then(() => open(folder, create));
      opening = mine.catch(() => undefined);
      return mine;
    },
    currentProject: () => (session === null ? null : infoOf(session)),
    startEngine,
  };

  return {
    host,
    handlers: {
      ...transferHandlers(host, uploads),
      ...appHandlers(host),
      ...projectHandlers(host),
      ...modelHandlers(host),
      ...endpointHandlers(host),
      ...dataHandlers(host),
      ...datasetHandlers(host),
      ...problemHandlers(host),
      ...labelHandlers(host),
      ...poolHandlers(host),
      ...careHandlers(host),
      ...compareHandlers(host),
      ...curationHandlers(host),
      ...recipeHandlers(),
      ...recipeDiffHandlers(host),
      ...runHandlers(host),
      ...metricHandlers(host),
      ...rolloutHandlers(host),
      ...traceHandlers(host),
      ...entropyHandlers(host),
    },
    sources: {
      changes: (_, { item }) => changes.listen((topics) => item({ topics: [...topics] })),
      run: ({ runId }, { item }) => host.queue().follow(runId, item),
      job: ({ jobId }, { item, end }) =>
        jobs.follow(jobId, (job) => {
          item(job);
          if (job.state !== 'running') end();
        }),
    },
    async close() {
      await opening;
      await closeSession();
      uploads.close();
      reader.close();
    },
  };
}
