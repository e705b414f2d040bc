/**
 * `ares data inspect`: what a dataset file is, before anything is done with it.
 *
 * Owns: the readable summary. The inspection itself is data/inspect.ts.
 */
import { defineCommand } from '#core/cli/command.ts';
import { alignColumns } from '#core/cli/columns.ts';
import { countOf, oneLine } from '#core/compare/format.ts';
import type { Inspection } from '#core/data/inspect.ts';
import { createDataReader } from '#core/data/reader.ts';

/** Bad rows listed for a person; JSON has them all. */
const LISTED_BAD_ROWS = 10;

export const dataInspect = defineCommand({
  summary: 'Show what a dataset file holds, how its columns are understood, and which rows are bad.',
  options: {},
  operands: { file: { help: 'JSONL, JSON, CSV, TSV, Parquet, Arrow, a zip file or a folder.' } },
  async run({ operands: { file }, json, terminal }) {
    const reader = createDataReader();
    const inspection = await reader.inspect(file).finally(reader.close);
    if (json) terminal.json(inspection);
    else for (const line of inspectionSummary(inspection)) terminal.print(line);
    return 0;
  },
});

export function inspectionSummary({ format, rows, columns, images, mapping, bad }: Inspection): string[] {
  const roles = Object.entries(mapping).map(([role, column]) => [
    `  ${role}`,
    column === null ? '(no column looks like it)' : oneLine(column),
  ]);
  const listed = bad.slice(0, LISTED_BAD_ROWS).map(({ line, reason }) => `  line ${line}: ${oneLine(reason)}`);
  return [
    `${format}: ${countOf(rows, 'row')}, ${countOf(images, 'image')}`,
    `columns: ${columns.map(oneLine).join(', ')}`,
    'understood as:',
    ...alignColumns(roles),
    ...(bad.length === 0 ? [] : [`${countOf(bad.length, 'row')} cannot be used:`, ...listed]),
    ...(bad.length > listed.length ? [`  and ${bad.length - listed.length} more; --json lists them all`] : []),
  ];
}
