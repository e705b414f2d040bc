/**
 * `ares doctor`: whether everything the workbench stands on works here.
 *
 * Owns: printing the findings of host/checks.ts, and the exit code 1 when one of them is a problem.
 */
import { alignColumns } from '#core/cli/columns.ts';
import { defineCommand } from '#core/cli/command.ts';
import { oneLine } from '#core/compare/format.ts';
import { startEngine } from '#core/engine/client.ts';
import { type Finding, runChecks } from '#core/host/checks.ts';

export const doctor = defineCommand({
  summary: 'Check Node, the runtime, the database, memory, disk and the sample model.',
  options: {},
  operands: { folder: { help: 'Where projects are to be kept; the current folder unless given.', optional: true } },
  async run({ operands: { folder = '.' }, json, terminal }) {
    const findings = await runChecks(folder, startEngine);
    const ok = findings.every((finding) => finding.ok);
    if (json) terminal.json({ ok, checks: findings });
    else for (const line of findingLines(findings)) terminal.print(line);
    return ok ? 0 : 1;
  },
});

export function findingLines(findings: readonly Finding[]): string[] {
  const rows = alignColumns(findings.map(({ name, ok, detail }) => [ok ? 'ok' : 'problem', name, oneLine(detail)]));
  return findings.flatMap(({ next }, i) =>
    next === null ? [rows[i]!] : [rows[i]!, `         next: ${oneLine(next)}`],
  );
}
