/**
 * `ares resume`: going on with a run that was paused, interrupted or has failed.
 */
import { defineCommand } from '#core/cli/command.ts';
import { parseRunId, watchRun } from '#core/cli/runSession.ts';
import { resumableRun, resumeRun } from '#core/host/executeRun.ts';

export const resume = defineCommand({
  summary: 'Go on with a run that was paused or interrupted, from its newest checkpoint.',
  options: {},
  operands: {
    dir: { help: 'The project folder: what was given as --out.' },
    run: { help: 'Number of the run; the newest that can go on unless given.', optional: true },
  },
  async run({ operands: { dir, run }, json, terminal }) {
    const runId = run === undefined ? resumableRun(dir) : parseRunId(run, 'resume');
    terminal.note(`Resuming run ${runId}`);
    return watchRun(resumeRun, dir, runId, json, terminal);
  },
});
