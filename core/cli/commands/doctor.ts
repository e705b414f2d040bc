/**
 * `ares doctor`: whether everything the workbench stands on works here, and what it can compute on.
 *
 * Owns: printing the findings of host/checks.ts and host/providers.ts, and the exit code 1 when something is
 * a problem. A provider that does not work here is none, but for the CPU.
 */
import { alignColumns } from '#core/cli/columns.ts';
import { defineCommand } from '#core/cli/command.ts';
import { oneLine } from '#core/compare/format.ts';
import { forkEngine } from '#core/engine/channel.ts';
import { startEngine } from '#core/engine/client.ts';
import { type Finding, runChecks } from '#core/host/checks.ts';
import { type ProviderFinding, checkProviders } from '#core/host/providers.ts';

export const doctor = defineCommand({
  summary: 'Check Node, the runtime, the database, memory, disk, the sample model and every provider.',
  options: {},
  operands: { folder: { help: 'Where projects are to be kept; the current folder unless given.', optional: true } },
  async run({ operands: { folder = '.' }, json, terminal }) {
    const findings = await runChecks(folder, startEngine);
    // What drivers print of their own accord is in the findings, in other words.
    const providers = await checkProviders((options) => startEngine(options, undefined, forkEngine({ isQuiet: true })));
    const ok =
      findings.every((finding) => finding.ok) && providers.every(({ provider, works }) => works || provider !== 'cpu');
    if (json) terminal.json({ ok, checks: findings, providers });
    else for (const line of [...findingLines(findings), '', ...providerLines(providers)]) terminal.print(line);
    return ok ? 0 : 1;
  },
});

export function findingLines(findings: readonly Finding[]): string[] {
  const rows = alignColumns(findings.map(({ name, ok, detail }) => [ok ? 'ok' : 'problem', name, oneLine(detail)]));
  return findings.flatMap(({ next }, i) =>
    next === null ? [rows[i]!] : [rows[i]!, `         next: ${oneLine(next)}`],
  );
}

export function providerLines(findings: readonly ProviderFinding[]): string[] {
  const rows = alignColumns(
    findings.map(({ provider, works, detail }) => [works ? 'works' : 'no', provider, oneLine(detail)]),
  );
  return findings.flatMap(({ works, about, next }, i) => [
    rows[i]!,
    // Of one that cannot work here nothing more needs to be known.
    ...(works || next !== null ? [`       ${oneLine(about)}`] : []),
    ...(next === null ? [] : [`       next: ${oneLine(next)}`]),
  ]);
}
