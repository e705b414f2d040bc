/**
 * `ares data traces`: data for a cold start, from the dataset's solutions, the model's own right answers or a teacher's.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { usageError } from '#core/cli/arguments.ts';
import { watched } from '#core/cli/careOptions.ts';
import { defineCommand } from '#core/cli/command.ts';
import { parseRunId } from '#core/cli/runSession.ts';
import { traceOrigins } from '#core/ares/traces.ts';
import { countOf } from '#core/compare/format.ts';
import { openProject } from '#core/host/project.ts';
import { writeTraceSets } from '#core/host/traceSets.ts';

export const dataTraces = defineCommand({
  summary: 'Write traces chosen by AdaCS in one shape, and a control of the same size, for supervised training.',
  options: {
    from: {
      kind: 'choice',
      choices: traceOrigins,
      help: "Whose traces: the dataset's solutions, the labelled model's right answers, or a teacher's.",
      default: 'rollouts',
    },
    teacherRun: {
      kind: 'number',
      value: 'N',
      help: 'Run in which the teacher answered the same problems.',
      integer: true,
      minimum: 1,
    },
    to: { kind: 'text', value: 'DIR', help: 'Folder to make; must not exist.', required: true },
  },
  operands: {
    dir: { help: 'The project folder.' },
    run: { help: 'Number of the run whose labels say how hard each problem is.' },
  },
  async run({ options: { from, teacherRun, to }, operands: { dir, run }, json, terminal }) {
    if (existsSync(to)) throw usageError('data traces', `${to} already exists.`, 'Name another folder.');
    const store = openProject(dir);
    try {
      const request = {
        runId: parseRunId(run, 'data traces'),
        origin: traceOrigins.find((origin) => origin === from)!,
        teacherRunId: teacherRun ?? null,
        target: resolve(to),
      };
      const summary = await watched('traces', terminal, (control) => writeTraceSets(store, dir, request, control));
      if (json) terminal.json(summary);
      else {
        terminal.print(`${countOf(summary.traces, 'trace')}: ${summary.wrong} wrong`);
        for (const { reason, traces } of summary.setAside)
          terminal.print(`set aside: ${countOf(traces, 'trace')}, ${reason}`);
        for (const { name, traces, meanLengthTokens, chosenPerBracket, warnings } of summary.sets) {
          const length = meanLengthTokens === null ? '' : `, mean length ${meanLengthTokens.toFixed(1)} tokens`;
          terminal.print(`${name}: ${countOf(traces, 'trace')}${length}, per pass rate ${chosenPerBracket.join(' ')}`);
          for (const { text } of warnings) terminal.note(`  ${text}`);
        }
        terminal.print(`files: ${to}`);
      }
    } finally {
      store.close();
    }
    return 0;
  },
});
