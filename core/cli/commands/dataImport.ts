/**
 * `ares data import`: files into a dataset of a project.
 *
 * Owns: the options, the mapping as it is typed, the progress line and what Ctrl-C means (nothing is imported). The
 * import itself is host/dataImport.ts.
 */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { usageError } from '#core/cli/arguments.ts';
import { defineCommand } from '#core/cli/command.ts';
import { countOf, oneLine } from '#core/compare/format.ts';
import type { Mapping } from '#core/data/mapping.ts';
import { createDataReader } from '#core/data/reader.ts';
import { discardDeadImports, importFiles } from '#core/host/dataImport.ts';
import { createProject, isProjectFolder, openProject, requireWritableProject } from '#core/host/project.ts';
import type { Store } from '#core/store/store.ts';

const COMMAND = 'data import';
const LISTED_ROWS = 10;
const MEGABYTE = 1e6;

export const dataImport = defineCommand({
  summary: 'Bring the problems of files into a project; rows that cannot be used are kept aside with their reason.',
  options: {
    project: { kind: 'text', value: 'DIR', help: 'Project folder; made if need be.', required: true },
    name: { kind: 'text', value: 'NAME', help: 'Name of the new dataset; that of the first file unless given.' },
    append: { kind: 'text', value: 'DATASET', help: 'Add to the dataset of this name instead.' },
    map: {
      kind: 'text',
      value: 'FIELD=PATH,…',
      help: 'Columns by hand, such as prompt=question,answer=extra.gold; fields not named are guessed.',
    },
    split: { kind: 'choice', choices: ['auto', 'train', 'heldout'], help: 'auto holds a part out.', default: 'auto' },
  },
  operands: { files: { help: 'JSONL, JSON, CSV, TSV, Parquet, Arrow, zip files or folders.', many: true } },
  async run({ options, operands: { files }, json, terminal }) {
    if (options.name !== undefined && options.append !== undefined)
      throw usageError(COMMAND, 'Either --name or --append can be given.');
    const byHand = options.map === undefined ? {} : readMapping(options.map);
    if (!isProjectFolder(options.project)) requireWritableProject(options.project);
    let totalBytes = 0;
    for (const file of files) totalBytes += (await stat(file).catch(() => null))?.size ?? 0;
    const store = isProjectFolder(options.project) ? openProject(options.project) : createProject(options.project);
    const reader = createDataReader();
    const cancelled = new AbortController();
    const cancel = () => cancelled.abort();
    process.on('SIGINT', cancel);
    process.on('SIGTERM', cancel);
    const bar = terminal.progress('import, MB', Math.max(1, Math.round(totalBytes / MEGABYTE)));
    try {
      await discardDeadImports(store);
      const request = {
        files: files.map((path) => ({ path, mapping: { guessExcept: byHand } })),
        name: options.name ?? basename(files[0]!),
        // Sound: the parser accepts no other.
        split: options.split as 'auto' | 'train' | 'heldout',
        appendTo: options.append === undefined ? null : datasetNamed(store, options.append),
      };
      const control = {
        signal: cancelled.signal,
        progress: (bytes: number, _: number | null, problems: number) =>
          bar.update(Math.round(bytes / MEGABYTE), countOf(problems, 'problem')),
      };
      const { datasetId, imported, skipped } = await importFiles(
        { store, projectFolder: options.project, reader },
        request,
        control,
      );
      bar.end();
      const records = store.imports.list(datasetId).slice(0, files.length).toReversed();
      if (json) terminal.json({ datasetId, imported, skipped, files: records });
      else for (const line of summary(imported, skipped, records)) terminal.print(line);
      return 0;
    } finally {
      bar.end();
      process.off('SIGINT', cancel);
      process.off('SIGTERM', cancel);
      reader.close();
      store.close();
    }
  },
});

function summary(imported: number, skipped: number, records: ReturnType<Store['imports']['list']>): string[] {
  return [
    `Imported ${countOf(imported, 'problem')}, left out ${countOf(skipped, 'row')}.`,
    ...records.flatMap(({ file, notes, bad, skipped }) => [
      file,
      ...notes.map((note) => `  ${note}`),
      ...bad.slice(0, LISTED_ROWS).map(({ line, reason }) => `  line ${line}: ${oneLine(reason)}`),
      ...(skipped > LISTED_ROWS ? [`  and ${skipped - LISTED_ROWS} more; the window lists them under Imports`] : []),
    ]),
  ];
}

function datasetNamed(store: Store, name: string): number {
  const found = store.problems.datasets().find((dataset) => dataset.name === name);
  if (found !== undefined) return found.datasetId;
  const names = store.problems.datasets().map((dataset) => dataset.name);
  throw usageError(COMMAND, `The project has no dataset "${name}".`, `It has: ${names.join(', ') || 'none'}.`);
}

const fields: Readonly<Record<keyof Mapping, true>> = {
  prompt: true,
  answer: true,
  input: true,
  id: true,
  source: true,
  images: true,
  response: true,
  level: true,
  passRate: true,
  group: true,
  choices: true,
};

/** "prompt=question,answer=extra.gold" */
function readMapping(text: string): Partial<Mapping> {
  const pairs = text.split(',').map((pair) => {
    const at = pair.indexOf('=');
    const field = pair.slice(0, Math.max(0, at)).trim();
    if (at < 0 || !Object.hasOwn(fields, field)) {
      throw usageError(COMMAND, `"${pair}" does not map a field.`, `Fields are: ${Object.keys(fields).join(', ')}.`);
    }
    return [field, pair.slice(at + 1).trim()] as const;
  });
  return Object.fromEntries(pairs);
}
