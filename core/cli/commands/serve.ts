/**
 * `ares serve`: the workbench in a browser, on this machine or through a tunnel.
 *
 * Owns: the options, what is printed, and ending on Ctrl-C with the run at work paused. The server is
 * serve/server.ts, the host behind it host/workbench.ts.
 */
import { defineCommand } from '#core/cli/command.ts';
import { openDefaultBrowser } from '#core/cli/serve/browser.ts';
import { serveWorkbench } from '#core/cli/serve/session.ts';

const MAX_PORT = 65_535;

export const serve = defineCommand({
  summary: 'Show the workbench in a browser; with --headless, print its address for a tunnel.',
  options: {
    headless: { kind: 'flag', help: 'Open nothing, only print the address (for a machine reached over SSH).' },
    port: {
      kind: 'number',
      value: 'N',
      help: 'Port on 127.0.0.1; a free one unless given.',
      integer: true,
      minimum: 1,
      maximum: MAX_PORT,
    },
  },
  operands: {
    project: { help: 'Project folder to open; the one opened last unless given.', optional: true },
  },
  run({ options: { headless, port }, operands: { project }, json, terminal }) {
    return serveWorkbench({
      project: project ?? null,
      port: port ?? 0,
      terminal,
      ready({ url, port: own }) {
        if (json) terminal.json({ url, port: own, pid: process.pid });
        else terminal.print(url);
        if (headless) {
          terminal.note(`From another machine: ssh -L ${own}:127.0.0.1:${own} THIS-HOST, then open the address there.`);
        } else {
          openDefaultBrowser(url, () => terminal.note('No browser could be opened here. Open the address above.'));
        }
        terminal.note('Ctrl-C ends it; a run at work is paused with a checkpoint.');
      },
    });
  },
});
