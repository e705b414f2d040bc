/**
 * The workbench behind a server, from start to Ctrl-C.
 *
 * Owns: putting renderer, host and server together, opening the project, and the order of the end: the
 * run at work is paused with a checkpoint before anything is closed.
 */
import { rendererBuild, upToDate } from '#core/cli/builds.ts';
import type { Terminal } from '#core/cli/terminal.ts';
import { createDispatcher } from '#core/contract/dispatch.ts';
import { openFirstProject } from '#core/host/firstProject.ts';
import { listRendererFiles } from '#core/host/rendererFiles.ts';
import { defaultUserFolder } from '#core/host/userFolder.ts';
import { createWorkbench } from '#core/host/workbench.ts';
import { type Server, startServer } from './server.ts';

export interface ServeOptions {
  /** Folder of the project to open; null for the one opened last. */
  project: string | null;
  /** 0 for any. */
  port: number;
  terminal: Terminal;
  /** Told the address once it is answered; `end` ends it as Ctrl-C does. */
  ready(server: Pick<Server, 'url' | 'port'>, end: () => void): Promise<void> | void;
}

const INTERRUPTED = 130;

/**
 * Serves until Ctrl-C, a second of which ends at once.
 * @returns the exit code
 * @throws AresError when the project, the front end or the port cannot be had
 */
export async function serveWorkbench({ project, port, terminal, ready }: ServeOptions): Promise<number> {
  const renderer = await upToDate(rendererBuild, terminal.note);
  const files = listRendererFiles(renderer);
  const workbench = createWorkbench({ shell: 'serve', userFolder: defaultUserFolder(), report: terminal.note });
  try {
    await openFirstProject(workbench, project, terminal.note);
    const dispatcher = createDispatcher(workbench.handlers, workbench.sources, (what, thrown) => {
      terminal.note(`${what}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`);
    });
    const server = await startServer({ dispatcher, files, port });
    try {
      await untilInterrupted(terminal, (end) => ready(server, end));
    } finally {
      await server.close();
    }
  } finally {
    await workbench.close();
  }
  return 0;
}

async function untilInterrupted(terminal: Terminal, begin: (end: () => void) => Promise<void> | void): Promise<void> {
  let interrupts = 0;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  process.on('SIGINT', () => {
    interrupts++;
    if (interrupts > 1) process.exit(INTERRUPTED);
    terminal.note('Ending; a run at work pauses after this step. Press Ctrl-C again to end at once.');
    end();
  });
  // A service that is stopped, a terminal that is gone: both may come, and neither is impatience.
  process.on('SIGTERM', () => end());
  process.on('SIGHUP', () => end());
  await begin(end);
  await ended;
}
