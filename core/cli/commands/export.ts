/**
 * `ares export`: what a run made, as files for other programs.
 */
import { defineCommand } from '#core/cli/command.ts';
import { interruptible } from '#core/cli/interruptible.ts';
import { parseRunId } from '#core/cli/runSession.ts';
import { usageError } from '#core/cli/arguments.ts';
import { exportRun as writeExport } from '#core/host/exportRun.ts';
import { type ModelFormatName, modelFormatNames } from '#core/contract/contract.ts';
import { type ExportFormat, exportFormats } from '#core/host/exportTables.ts';

const names = [...exportFormats, ...modelFormatNames] as const;

export const exportRun = defineCommand({
  summary: 'Write the trained model and the labels of a run to a new folder.',
  options: {
    to: { kind: 'text', value: 'DIR', help: 'Folder to make; must not exist.', required: true },
    rollouts: { kind: 'flag', help: 'Also write every stored response, as JSON lines.' },
    format: {
      kind: 'text',
      value: 'A,B',
      help: `Also write labels and traces for other trainers (${exportFormats.join(', ')}), or the model in other forms (${modelFormatNames.join(', ')}).`,
    },
  },
  operands: {
    dir: { help: 'The project folder: what was given as --out.' },
    run: { help: 'Number of the run; the newest finished one unless given.', optional: true },
  },
  async run({ options: { to, rollouts, format }, operands: { dir, run }, json, terminal }) {
    const chosen = parseFormats(format);
    const request = {
      projectFolder: dir,
      runId: run === undefined ? null : parseRunId(run, 'export'),
      target: to,
      rollouts,
      formats: exportFormats.filter((name) => chosen.includes(name)),
      modelFormats: modelFormatNames.filter((name) => chosen.includes(name)),
    };
    const bar = terminal.progress('Writing', 100);
    const written = await interruptible((signal) =>
      writeExport(request, {
        signal,
        progress: (done, total) => bar.update(Math.floor((100 * done) / (total ?? done))),
      }),
    ).finally(() => bar.end());
    if (json) terminal.json(written);
    else {
      if (written.model !== null) terminal.print(`model (${written.arm}): ${written.model}`);
      if (written.labels !== null) terminal.print(`labels: ${written.labels}`);
      if (written.adapter !== null) terminal.print(`adapter: ${written.adapter}`);
      for (const path of [written.onnx, written.onnxFloat16]) if (path !== null) terminal.print(`ONNX: ${path}`);
      if (written.rollouts !== null) terminal.print(`responses: ${written.rollouts}`);
      for (const path of written.formats) terminal.print(`for other trainers: ${path}`);
    }
    return 0;
  },
});

/** @throws AresError 'usage' for a format there is none of */
function parseFormats(text: string | undefined): (ExportFormat | ModelFormatName)[] {
  const asked = text === undefined ? [] : [...new Set(text.split(',').map((name) => name.trim()))];
  return asked.map((name) => {
    const format = names.find((known) => known === name);
    if (format !== undefined) return format;
    throw usageError('export', `There is no format "${name}".`, `Choose from ${names.join(', ')}.`);
  });
}
