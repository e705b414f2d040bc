/**
 * What goes wrong in the responses of a study: every evaluated run's mistakes by kind, and how often a line
 * of each style slips.
 *
 *   node tests/bench/diagnose.ts --work DIR [--results DIR]
 *
 * Owns: reading the projects that study.ts left in its work folder, and the two tables of diagnosis.md. What
 * a mistake is called is sample/analysis.ts; the first one of a wrong response is taken for its cause.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatNumber } from '#core/compare/format.ts';
import { type RowGroup, type Table, tableToMarkdown } from '#core/compare/table.ts';
import { openProject } from '#core/host/project.ts';
import { TRACE_ERRORS, type TraceErrorKind, analyseTrace } from '#core/sample/analysis.ts';
import { parseQuestion } from '#core/sample/problems.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { type StudyArm, studyArms } from './arms.ts';

/** Sums over the responses of an arm. */
interface Tally {
  responses: number;
  seeds: number;
  /** First mistakes of wrong responses. */
  causes: Partial<Record<TraceErrorKind | 'none', number>>;
  /** Lines by style and kind of step: all, and those with a wrong result. */
  lines: Record<string, { all: number; wrong: number }>;
}

const STYLES = ['fast-additive', 'slow-additive', 'fast-multiplicative', 'slow-multiplicative'] as const;
/** Every project of the study holds one run. */
const RUN = 1;

const { values } = parseArgs({
  options: {
    work: { type: 'string' },
    results: { type: 'string', default: join(import.meta.dirname, 'results') },
  },
});
if (values.work === undefined) throw new Error('Name the work folder of the study with --work.');
const work = resolve(values.work);
const seeds = readdirSync(work).filter((name) => /^seed\d+$/.test(name));
const tallies = studyArms.flatMap((arm) => {
  const tally: Tally = { responses: 0, seeds: 0, causes: {}, lines: {} };
  for (const seed of seeds) add(tally, join(work, seed, arm.model === 'base' ? 'adacs' : arm.key), arm);
  return tally.seeds === 0 ? [] : [{ arm, tally }];
});
const page = ['# What goes wrong', ...[causesTable(), slipsTable()].map(tableToMarkdown)];
writeFileAtomic(join(values.results, 'diagnosis.md'), `${page.map((part) => part.trimEnd()).join('\n\n')}\n`);

/** Reads one project; one that is not there or not finished counts for nothing. */
function add(tally: Tally, folder: string, { model }: StudyArm): void {
  if (!existsSync(join(folder, 'ares.db'))) return;
  const store = openProject(folder);
  try {
    const stage = store.runs.stages(RUN).find(({ name }) => name === `evaluate ${model}`);
    if (stage?.state !== 'finished') return;
    tally.seeds++;
    for (const step of store.rollouts.steps(RUN, stage.stage)) {
      const key = { runId: RUN, stage: stage.stage, step };
      for (const problemId of new Set(store.rollouts.columns(key).problemId)) {
        const chain = parseQuestion(store.problems.get(problemId)!.prompt as string)!;
        for (const { response, verdict } of store.rollouts.ofProblem(key, problemId)) {
          tally.responses++;
          const { errors, lines } = analyseTrace(response, chain);
          if (verdict !== 'correct') count(tally.causes, errors[0]?.kind ?? 'none');
          for (const { style, operation, result, expected } of lines) {
            const sums = (tally.lines[`${style}-${operation.operator === 'times' ? 'multiplicative' : 'additive'}`] ??=
              {
                all: 0,
                wrong: 0,
              });
            sums.all++;
            if (result !== expected) sums.wrong++;
          }
        }
      }
    }
  } finally {
    store.close();
  }
}

function count(sums: Tally['causes'], kind: TraceErrorKind | 'none'): void {
  sums[kind] = (sums[kind] ?? 0) + 1;
}

function causesTable(): Table {
  const kinds = [...(Object.keys(TRACE_ERRORS) as TraceErrorKind[]), 'none' as const].filter((kind) =>
    tallies.some(({ tally }) => tally.causes[kind] !== undefined),
  );
  return {
    title: 'Wrong responses per thousand, by their first mistake',
    columns: [
      { key: 'seeds', header: 'seeds', quantity: 'count', priority: 0 },
      { key: 'responses', header: 'responses', quantity: 'count', priority: 0 },
      ...kinds.map((key) => ({ key, header: key, quantity: 'tokens' as const, priority: 1 })),
    ],
    groups: rowsOf(({ seeds: own, responses, causes }) => ({
      seeds: { value: own },
      responses: { value: responses },
      ...Object.fromEntries(kinds.map((kind) => [kind, { value: (1000 * (causes[kind] ?? 0)) / responses }])),
    })),
    notes: [kinds.flatMap((kind) => (kind === 'none' ? [] : [`${kind}: ${TRACE_ERRORS[kind]}`])).join(' ')],
  };
}

function slipsTable(): Table {
  return {
    title: 'Lines with a wrong result, of all lines of their kind',
    columns: STYLES.map((key) => ({ key, header: key, quantity: 'number', priority: 1 })),
    groups: rowsOf(({ lines }) =>
      Object.fromEntries(
        STYLES.map((style) => {
          const { all, wrong } = lines[style] ?? { all: 0, wrong: 0 };
          return [style, `${formatNumber(wrong, 'count')} of ${formatNumber(all, 'count')}`];
        }),
      ),
    ),
    notes: ['All seeds together. A line is judged from the value that the response itself had written before it.'],
  };
}

function rowsOf(cells: (tally: Tally) => RowGroup['rows'][number]['cells']): RowGroup[] {
  return [
    { key: 'all', label: 'all', rows: tallies.map(({ arm, tally }) => ({ label: arm.label, cells: cells(tally) })) },
  ];
}
