/**
 * `ares runs`: the runs of a project.
 */
import { alignColumns } from '#core/cli/columns.ts';
import { defineCommand } from '#core/cli/command.ts';
import { oneLine } from '#core/compare/format.ts';
import { type ListedRun, listRuns } from '#core/host/runList.ts';
import { formatRemaining } from '#core/runs/progress.ts';

export const runs = defineCommand({
  summary: 'List the runs of a project: state, stage, and the time they still take.',
  options: {},
  operands: { dir: { help: 'The project folder: what was given as --out.' } },
  async run({ operands: { dir }, json, terminal }) {
    const listed = listRuns(dir);
    if (json) terminal.json({ runs: listed });
    else for (const line of runTable(listed)) terminal.print(line);
    return 0;
  },
});

export function runTable(listed: readonly ListedRun[]): string[] {
  const rows = listed.map(({ runId, name, kind, state, stage, fraction, remainingMs, error }) => [
    String(runId),
    oneLine(name),
    kind,
    state,
    stage ?? '–',
    `${Math.floor(100 * fraction)} %`,
    remainingMs === null ? '–' : formatRemaining(remainingMs),
    error === null ? '' : oneLine(error.message),
  ]);
  return alignColumns([['run', 'name', 'kind', 'state', 'stage', 'done', 'left', ''], ...rows], ['right']);
}
