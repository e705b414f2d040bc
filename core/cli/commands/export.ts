/**
 * `ares export`: what a run made, as files for other programs.
 */
import { defineCommand } from '#core/cli/command.ts';
import { parseRunId } from '#core/cli/runSession.ts';
import { exportRun as writeExport } from '#core/host/exportRun.ts';

export const exportRun = defineCommand({
  summary: 'Write the trained model and the labels of a run to a new folder.',
  options: {
    to: { kind: 'text', value: 'DIR', help: 'Folder to make; must not exist.', required: true },
    rollouts: { kind: 'flag', help: 'Also write every stored response, as JSON lines.' },
  },
  operands: {
    dir: { help: 'The project folder: what was given as --out.' },
    run: { help: 'Number of the run; the newest finished one unless given.', optional: true },
  },
  async run({ options: { to, rollouts }, operands: { dir, run }, json, terminal }) {
    const written = writeExport({
      projectFolder: dir,
      runId: run === undefined ? null : parseRunId(run, 'export'),
      target: to,
      rollouts,
    });
    if (json) terminal.json(written);
    else {
      if (written.model !== null) terminal.print(`model (${written.arm}): ${written.model}`);
      if (written.labels !== null) terminal.print(`labels: ${written.labels}`);
      if (written.rollouts !== null) terminal.print(`responses: ${written.rollouts}`);
    }
    return 0;
  },
});
