/**
 * The report of a run, from the project's store.
 *
 * Owns: which parts a report has and in which order they are read, its sentences about the run as a
 * whole, and the files that are written into the run's folder. The parts are read in run/, the page is
 * rendered in report/.
 */
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ModelFolder } from '#core/model/modelFolder.ts';
import { GRADER } from '#core/runs/constants.ts';
import type { StoreReader } from '#core/store/store.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { type Comparison, compareEveryPair } from './comparison.ts';
import { comparisonRecord } from './comparisonRecord.ts';
import { difficultyTable } from './difficultyTable.ts';
import { countOf, formatNumber, listOf } from './format.ts';
import type { DifficultySection, ReportData, RunFacts } from './report/data.ts';
import { renderReport } from './report/report.ts';
import { resultTable } from './resultTable.ts';
import { bucketSentences } from './run/buckets.ts';
import { readCurves } from './run/curves.ts';
import { deviationsOf } from './run/deviations.ts';
import { armLabel, readEvaluations, type RunEvaluations } from './run/evaluations.ts';
import type { MachineFacts } from './run/facts.ts';
import { type Yardstick, measureYardstick } from './run/highEntropy.ts';
import { curationOf, difficultyOf, readLabelling } from './run/labelling.ts';
import { type RunRecord, finishedStage, readRun } from './run/record.ts';
import { rewardShapesOf } from './run/rewardShapes.ts';
import { TRACE_RULE, readTraces } from './run/traces.ts';
import { type Table, tableToCsv } from './table.ts';
import { renderTable } from './terminalTable.ts';
import type { Evaluation, TrainingCurve } from './types.ts';

/** The report in a run's folder. */
export const REPORT_FILE = 'report.html';

/** What a report needs beside the store. */
export interface ReportFacts extends MachineFacts {
  /** The model the run started from; null for one that answers on a server. */
  base: ModelFolder | null;
  /** What a person knows it by. */
  modelName: string;
}

/** One evaluation per evaluated arm (base, cold-start, policy) of a run, all on the same problems in the same buckets. */
export function evaluationsOfRun(store: StoreReader, runId: number): Evaluation[] {
  return readEvaluations(readRun(store, runId), null).evaluations;
}

/** The arms of a run compared, every pair of them; undefined where none is evaluated. */
export function comparisonOfRun(store: StoreReader, runId: number): Comparison | undefined {
  const record = readRun(store, runId);
  return compareArms(record, readEvaluations(record, null).evaluations);
}

function compareArms({ recipe }: RunRecord, evaluations: readonly Evaluation[]): Comparison | undefined {
  if (evaluations.length === 0) return undefined;
  return compareEveryPair(evaluations, { resamples: recipe.compare.resamples });
}

/** One curve per training stage of a run (cold-start, policy). */
export function curvesOfRun(store: StoreReader, runId: number): TrainingCurve[] {
  return readCurves(readRun(store, runId));
}

/**
 * Everything a report of a run shows; parts the run has not come to are absent.
 * @throws AresError 'not-found' for an unknown run
 */
export function reportOfRun(store: StoreReader, runId: number, facts: ReportFacts): ReportData {
  const record = readRun(store, runId);
  const { recipe } = record;
  const yardstick = facts.base === null ? null : measureYardstick(record, facts.base);
  const evaluated = readEvaluations(record, yardstick);
  const { evaluations } = evaluated;
  const comparison = compareArms(record, evaluations);
  const curves = readCurves(record);
  const policy = curves.find(({ arm }) => arm === 'policy');
  const coldStart = curves.find(({ arm }) => arm === 'cold-start');
  const labelling = readLabelling(record, { folder: facts.base?.folder ?? facts.modelName });
  const difficulty = labelling === null ? undefined : difficultyOf(labelling, facts.modelName);
  const curation =
    labelling !== null && finishedStage(record, { kind: 'cold-start' }) ? curationOf(labelling) : undefined;
  const shapes = policy === undefined ? [] : rewardShapesOf(recipe.policy.method, policy);
  const traces = facts.base === null ? [] : readTraces(record, evaluations, facts.base.tokenizer, yardstick);
  const deviations = deviationsOf(recipe);
  return {
    title: recipe.name,
    run: runFactsOf(record, facts, difficulty, evaluations),
    grader: GRADER,
    warnings: warningsOf(record, curation?.warnings ?? []),
    measurement: measurementOf(record, evaluated, yardstick, traces.length > 0),
    recipe: stringify(JSON.parse(record.run.recipe)),
    ...(comparison === undefined ? {} : { comparison }),
    ...(policy === undefined ? {} : { curves: [policy] }),
    ...(coldStart === undefined ? {} : { coldStartCurves: [coldStart] }),
    ...(difficulty === undefined ? {} : { difficulty }),
    ...(curation === undefined ? {} : { curation }),
    ...(shapes.length === 0 ? {} : { rewardShapes: shapes }),
    ...(traces.length === 0 ? {} : { traces }),
    ...(deviations === undefined ? {} : { deviations }),
  };
}

/** Paths of what was written, and the table a terminal shows. */
export interface WrittenReport {
  html: string;
  json: string;
  csv: string;
  /** Accuracy and mean length per bucket with 95 % intervals, every arm; empty where nothing was measured. */
  table: string;
}

/**
 * Writes report.html, results.json and results.csv into a run's folder, each whole or not at all.
 * @param width of the terminal the table is for
 * @throws AresError as reportOfRun does; a system error when the folder cannot be written
 */
export function writeRunReport(
  store: StoreReader,
  runId: number,
  folder: string,
  facts: ReportFacts,
  width?: number,
): WrittenReport {
  const data = reportOfRun(store, runId, facts);
  const table = mainTable(data);
  const html = join(folder, REPORT_FILE);
  const json = join(folder, 'results.json');
  const csv = join(folder, 'results.csv');
  writeFileAtomic(html, renderReport(data));
  writeFileAtomic(json, `${JSON.stringify(resultsRecord(data), null, 2)}\n`);
  writeFileAtomic(csv, table === null ? '' : tableToCsv(table));
  return { html, json, csv, table: table === null ? '' : renderTable(table, width) };
}

/** The result; of a run without evaluations, the labels. */
function mainTable({ comparison, difficulty }: ReportData): Table | null {
  if (comparison !== undefined) return resultTable(comparison);
  return difficulty === undefined ? null : difficultyTable(difficulty);
}

/** The numbers of a report for programs; null where a number was not measured. */
function resultsRecord({ title, run, grader, warnings, comparison, difficulty, deviations }: ReportData): unknown {
  return {
    title,
    run,
    grader,
    warnings,
    ...(comparison === undefined ? {} : { result: comparisonRecord(comparison) }),
    difficulty,
    deviations,
  };
}

function runFactsOf(
  { run, recipe, stages }: RunRecord,
  { modelName, machine, versions }: ReportFacts,
  difficulty: DifficultySection | undefined,
  evaluations: readonly Evaluation[],
): RunFacts {
  const ended = run.endedMs ?? Math.max(...stages.map(({ endedMs }) => endedMs ?? 0));
  const started = run.startedMs ?? run.createdMs;
  return {
    what: whatWasRun(recipe, modelName, difficulty, evaluations),
    seed: run.seed,
    recipeName: recipe.name,
    recipeHash: run.recipeHash,
    startedAt: new Date(started).toISOString(),
    ...(ended > 0 ? { finishedAt: new Date(ended).toISOString() } : {}),
    machine,
    versions,
    times: stages.flatMap(({ name, startedMs, endedMs }) =>
      startedMs === null || endedMs === null ? [] : [{ stage: name, durationMs: endedMs - startedMs }],
    ),
  };
}

/** `AdaCS and AEPO from base, on 720 problems; 240 held-out problems evaluated.` */
function whatWasRun(
  recipe: RunRecord['recipe'],
  model: string,
  difficulty: DifficultySection | undefined,
  evaluations: readonly Evaluation[],
): string {
  const trained = [
    ...(recipe.coldStart.enabled ? [armLabel('cold-start', recipe)] : []),
    ...(recipe.policy.enabled ? [armLabel('policy', recipe)] : []),
  ];
  const labelled = (difficulty?.brackets ?? []).reduce((total, { problems }) => total + problems, 0);
  const heldout = evaluations[0]?.problems.length ?? 0;
  const parts = [
    trained.length === 0 ? `Measurements of the model “${model}”` : `${listOf(trained)}, starting from “${model}”`,
    ...(labelled === 0 ? [] : [`${countOf(labelled, 'problem')} labelled by it`]),
    ...(heldout === 0
      ? []
      : [`evaluated on ${countOf(heldout, trained.length === 0 ? 'problem' : 'held-out problem')}`]),
  ];
  return `${parts.join('; ')}.`;
}

function measurementOf(
  { recipe }: RunRecord,
  { buckets }: RunEvaluations,
  yardstick: Yardstick | null,
  hasTraces: boolean,
): [string, string][] {
  const { count } = recipe.policy.method;
  return [
    ...(buckets === null ? [] : ([['Buckets', bucketSentences[buckets]]] satisfies [string, string][])),
    ...(yardstick === null
      ? []
      : ([
          [
            'N_HE',
            `definition ${count.definition} with one threshold for all arms, ${formatNumber(yardstick.thresholdNats, 'number')} ` +
              'nats, measured on the base model’s answers',
          ],
        ] satisfies [string, string][])),
    ...(hasTraces ? ([['Sample traces', TRACE_RULE]] satisfies [string, string][]) : []),
  ];
}

/** Log lines read at once; more warnings than this tell nothing new. */
const EVENTS_READ = 10_000;

/** What the run warned of, and what would make its numbers mean less; not what a section says itself. */
function warningsOf({ store, run, stages }: RunRecord, shownElsewhere: readonly string[]): string[] {
  const unfinished = stages.filter(({ state }) => state !== 'finished').map(({ name }) => name);
  const logged = store.events
    .page(run.runId, 0, EVENTS_READ)
    .filter(({ level, message }) => level === 'warning' && !shownElsewhere.includes(message))
    .map(({ message }) => message);
  return [
    ...(unfinished.length === 0 ? [] : [`This run is not finished; still to do: ${listOf(unfinished)}.`]),
    ...(run.error === null ? [] : [run.error.message]),
    ...new Set(logged),
  ];
}
