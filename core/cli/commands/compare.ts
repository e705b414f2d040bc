/**
 * `ares compare`: the models of one run side by side, or what several runs ended with.
 *
 * Owns: which runs are meant, and what is printed. The statistics are in core/compare.
 */
import { basename, resolve, sep } from 'node:path';
import { parseRunId } from '#core/cli/runSession.ts';
import { defineCommand } from '#core/cli/command.ts';
import { requireWritable } from '#core/cli/outputFile.ts';
import type { Terminal } from '#core/cli/terminal.ts';
import type { Comparison } from '#core/compare/comparison.ts';
import { comparisonRecord } from '#core/compare/comparisonRecord.ts';
import { CONCLUSION_RULE, conclusionsOf } from '#core/compare/conclusions.ts';
import type { ReportData } from '#core/compare/report/data.ts';
import { renderReport } from '#core/compare/report/report.ts';
import { resultTable } from '#core/compare/resultTable.ts';
import { machineFacts } from '#core/compare/run/facts.ts';
import { type RunAddress, compareRuns, reportOfComparison } from '#core/compare/runComparison.ts';
import { comparisonOfRun, reportOfRun } from '#core/compare/runReport.ts';
import { renderTable, wrap } from '#core/compare/terminalTable.ts';
import { openProject } from '#core/host/project.ts';
import { readRunFile } from '#core/host/runFile.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import type { Store } from '#core/store/store.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { AresError } from '#core/util/errors.ts';

/** Columns the text may take where the terminal does not say, and at most. */
const WIDTH = 110;

export const compare = defineCommand({
  summary: 'Compare models on the same problems: those of one run, or what several runs ended with.',
  options: {
    runs: {
      kind: 'text',
      value: 'A,B',
      help: 'Numbers of the runs of one project; its newest finished one unless given.',
    },
    out: { kind: 'text', value: 'FILE', help: 'Also write a report as HTML.' },
  },
  operands: { dir: { help: 'Project folders: what was given as --out. The first is compared with.', many: true } },
  async run({ options, operands: { dir: folders }, json, terminal }) {
    if (options.out !== undefined) requireWritable(options.out);
    const stores = folders.map(openProject);
    try {
      const runs = namedRuns(folders, stores, options.runs);
      const { comparison, report } = runs.length === 1 ? withinRun(runs[0]!) : acrossRuns(runs);
      if (options.out !== undefined) writeFileAtomic(options.out, renderReport(report()));
      if (json) terminal.json({ ...comparisonRecord(comparison), out: options.out });
      else printComparison(comparison, terminal);
      return 0;
    } finally {
      for (const store of stores) store.close();
    }
  },
});

type Address = RunAddress & { store: Store };

/** @throws AresError 'usage' or 'not-found' */
function namedRuns(folders: readonly string[], stores: readonly Store[], list: string | undefined): Address[] {
  const names = shortNames(folders);
  const projects = names.map((project, i) => ({ project, store: stores[i]! }));
  if (list === undefined)
    return projects.map((project) => ({ ...project, runId: newestFinished(project.store, project.project) }));
  const [only, ...others] = projects;
  if (others.length > 0) {
    throw new AresError('usage', '--runs names the runs of one project, but several are given.', {
      hint: 'Name one project folder, or leave --runs away to compare the newest runs.',
    });
  }
  const ids = list.split(',').map((id) => parseRunId(id.trim(), 'compare'));
  if (new Set(ids).size < ids.length) {
    throw new AresError('usage', '--runs names a run twice.', { where: list, hint: 'Name every run once.' });
  }
  return ids.map((runId) => ({ ...only!, runId }));
}

/** The last parts of the paths, as many as it takes to tell them apart. */
function shortNames(folders: readonly string[]): string[] {
  const parts = folders.map((folder) => resolve(folder).split(sep));
  for (let count = 1; ; count++) {
    const names = parts.map((path) => path.slice(-count).join('/'));
    if (new Set(names).size === names.length || parts.every(({ length }) => count >= length)) return names;
  }
}

function newestFinished(store: Store, project: string): number {
  const [run] = store.runs.list(['finished']);
  if (run !== undefined) return run.runId;
  throw new AresError('not-found', 'This project has no finished run.', {
    where: project,
    hint: 'Resume a run, or name runs with --runs.',
  });
}

interface Compared {
  comparison: Comparison;
  /** Made only when it is wanted. */
  report: () => ReportData;
}

/** @throws AresError 'not-found' when the run has evaluated nothing */
function withinRun({ project, store, runId }: Address): Compared {
  const comparison = comparisonOfRun(store, runId);
  if (comparison === undefined) {
    throw new AresError('not-found', 'This run has not evaluated any model yet.', {
      where: `${project}, run ${runId}`,
      hint: 'Resume it, or compare another run.',
    });
  }
  return {
    comparison,
    report: () => {
      const { baseModelId } = readRunFile(store.runs.get(runId)!.folder);
      const base = openModelFolder(store.models.get(baseModelId)!.folder);
      return reportOfRun(store, runId, { base, modelName: basename(base.folder), ...machineFacts() });
    },
  };
}

function acrossRuns(runs: readonly Address[]): Compared {
  const compared = compareRuns(runs);
  return { comparison: compared.comparison, report: () => reportOfComparison(compared, machineFacts()) };
}

/** The table, then what it shows in sentences: each arm against the first, then the others pair by pair. */
function printComparison(comparison: Comparison, terminal: Terminal): void {
  const width = Math.min(WIDTH, terminal.progressOutput.width ?? WIDTH);
  terminal.print(renderTable(resultTable(comparison), width));
  for (const { heading, sentences } of conclusionsOf(comparison)) {
    terminal.print(terminal.bold(heading));
    for (const sentence of sentences) for (const line of wrap(sentence, width - 2)) terminal.print(`  ${line}`);
    terminal.print('');
  }
  for (const line of wrap(CONCLUSION_RULE, width)) terminal.print(line);
}
