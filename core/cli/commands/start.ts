/**
 * `npm start`: the workbench's window, or the sample run where no window can be seen.
 *
 * Owns: going from one choice to the next until something is shown. What the choices are is
 * start/plan.ts.
 */
import { join } from 'node:path';
import { defineCommand } from '#core/cli/command.ts';
import { findChromium, openAppWindow, openDefaultBrowser } from '#core/cli/serve/browser.ts';
import { serveWorkbench } from '#core/cli/serve/session.ts';
import { findElectron, runElectron } from '#core/cli/start/electron.ts';
import { hasDisplay, planWindow } from '#core/cli/start/plan.ts';
import { runSample } from '#core/cli/start/sampleRun.ts';
import type { Terminal } from '#core/cli/terminal.ts';
import { defaultUserFolder } from '#core/host/userFolder.ts';

const SAMPLE_PROJECT = join('runs', 'sample');

export const start = defineCommand({
  summary: 'Open the workbench; without a display, run the sample project from label to report.',
  options: {
    terminal: { kind: 'flag', help: 'Run the sample in the terminal although there is a display.' },
    out: {
      kind: 'text',
      value: 'DIR',
      help: `Run the sample in the terminal, in this project folder (${SAMPLE_PROJECT}).`,
    },
  },
  operands: {},
  async run({ options: { terminal: wantsTerminal, out }, json, terminal }) {
    if (wantsTerminal || out !== undefined || json || !hasDisplay(process.platform, process.env)) {
      return runSample(out ?? SAMPLE_PROJECT, json, terminal);
    }
    return openWindow(terminal);
  },
});

async function openWindow(terminal: Terminal): Promise<number> {
  const found = await findElectron(terminal.note);
  let electronLack = 'lack' in found ? found.lack : null;
  if ('file' in found) {
    const end = await runElectron(found.file, terminal);
    if ('code' in end) return end.code;
    electronLack = end.lack;
  }
  const chromium = findChromium(process.platform, process.env);
  const { sentence } = planWindow({ electronLack, chromium });
  if (sentence !== null) terminal.note(sentence);
  let closeWindow: () => void = () => undefined;
  const code = await serveWorkbench({
    project: null,
    port: 0,
    terminal,
    ready({ url }, end) {
      const openElsewhere = () =>
        openDefaultBrowser(url, () => terminal.note('No browser could be opened here. Open the address below.'));
      if (chromium === null) openElsewhere();
      else {
        const profile = join(defaultUserFolder(), 'chromium');
        closeWindow = openAppWindow(chromium, url, profile, { closed: end, failed: openElsewhere });
      }
      terminal.note(`Address: ${url}`);
      terminal.note('Closing the window or Ctrl-C ends it; a run at work is paused with a checkpoint.');
    },
  });
  closeWindow();
  return code;
}
