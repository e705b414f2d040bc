/**
 * The study: every arm, several seeds, the same problems. Each arm and seed is a job in a process of its
 * own; what is finished is kept in the work folder, so the study goes on where it was interrupted.
 *
 *   node tests/bench/study.ts --work DIR [--seeds 1,2,3] [--arms a,b] [--workers 2] [--threads 1]
 *     [--recipe FILE] [--data FILE] [--heldout FILE] [--model DIR] [--results DIR] [--finished]
 *
 * Writes study.md, study.json, study-curves.svg and study-bars.svg.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { svgFile } from '#core/compare/charts/drawing.ts';
import { countOf, formatDuration } from '#core/compare/format.ts';
import { compareEvaluations } from '#core/compare/comparison.ts';
import { comparisonRecord } from '#core/compare/comparisonRecord.ts';
import { poolSeeds } from '#core/compare/poolSeeds.ts';
import { resultTable } from '#core/compare/resultTable.ts';
import { machineFacts } from '#core/compare/run/facts.ts';
import { studyBudgetTable, studyTrainingTable } from '#core/compare/studyBudget.ts';
import { studyBars, studyCurves, studyTable, summariseStudy } from '#core/compare/study.ts';
import { tableToMarkdown } from '#core/compare/table.ts';
import type { TrainingCurve } from '#core/compare/types.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { REFERENCE, SHARED, type StudyArm, studyArms } from './arms.ts';
import { type JobResult, type StudySetting, readResult, runJob } from './studyJob.ts';

interface Job {
  arm: StudyArm;
  seed: number;
}

/** What the figures of the paper show; the rest of a run's series stays in its project. */
const KEPT_SERIES = ['accuracy/mean', 'length/mean', 'entropy/mean', 'count/mean', 'kl/mean', 'tokens/generated'];

const root = resolve(import.meta.dirname, '..', '..');
const sample = (...parts: string[]) => join(root, 'resources', 'sample', ...parts);
const { values } = parseArgs({
  options: {
    work: { type: 'string' },
    results: { type: 'string', default: join(import.meta.dirname, 'results') },
    seeds: { type: 'string', default: '1,2,3' },
    arms: { type: 'string', default: studyArms.map(({ key }) => key).join(',') },
    workers: { type: 'string', default: '1' },
    threads: { type: 'string' },
    recipe: { type: 'string', default: sample('recipe.yaml') },
    data: { type: 'string', default: sample('problems-train.jsonl') },
    heldout: { type: 'string', default: sample('problems-heldout.jsonl') },
    model: { type: 'string', default: sample('base') },
    /** Trains nothing: writes what the work folder has. */
    finished: { type: 'boolean', default: false },
    /** One job, in this process: `arm:seed`. Given by the study to its workers. */
    job: { type: 'string' },
  },
});
if (values.work === undefined) throw new Error('Name a folder for the runs with --work.');
const workers = Number(values.workers);
const setting: StudySetting = {
  workFolder: resolve(values.work),
  recipeFile: resolve(values.recipe),
  dataFile: resolve(values.data),
  heldoutFile: resolve(values.heldout),
  modelFolder: resolve(values.model),
  threads: Number(values.threads ?? Math.max(1, Math.floor(availableParallelism() / workers))),
};

if (values.job === undefined) {
  await study();
} else {
  const [key, seed] = values.job.split(':');
  await runJob(setting, armNamed(key!), Number(seed), (line) => console.log(`${values.job}  ${line}`));
}

function armNamed(key: string): StudyArm {
  const arm = studyArms.find((each) => each.key === key);
  if (arm === undefined) throw new Error(`There is no arm "${key}".`);
  return arm;
}

async function study(): Promise<void> {
  const seeds = values.seeds.split(',').map(Number);
  const arms = values.arms.split(',').map(armNamed);
  if (!values.finished) {
    // What others build on comes first.
    const shared = armNamed(SHARED);
    await work(seeds.map((seed) => ({ arm: shared, seed })));
    await work(seeds.flatMap((seed) => arms.map((arm) => ({ arm, seed }))));
  }
  const results = arms.flatMap((arm) => seeds.flatMap((seed) => readResult(setting, arm, seed) ?? []));
  write(results, arms.some(({ key }) => key === REFERENCE) ? REFERENCE : arms[0]!.key);
}

/** Runs what is not finished, `workers` jobs at a time. */
async function work(jobs: readonly Job[]): Promise<void> {
  const open = jobs.filter(({ arm, seed }) => readResult(setting, arm, seed) === undefined);
  const next = async (): Promise<void> => {
    for (let job = open.shift(); job !== undefined; job = open.shift()) await inOwnProcess(job);
  };
  await Promise.all(Array.from({ length: workers }, next));
}

function inOwnProcess({ arm, seed }: Job): Promise<void> {
  const job = `${arm.key}:${seed}`;
  const started = performance.now();
  const args = [...process.argv.slice(1), '--job', job, '--threads', String(setting.threads)];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('exit', (code) => {
      if (code !== 0) return failed(new Error(`Job ${job} ended with ${code}. Run the study again to go on.`));
      console.log(`${job}  done in ${formatDuration(performance.now() - started)}`);
      done();
    });
  });
}

function write(results: readonly JobResult[], reference: string): void {
  const summary = summariseStudy(results, reference);
  const budget = studyBudgetTable(results, summary);
  const pooled = compareEvaluations(poolSeeds(results), { reference });
  const pooledTable = {
    ...resultTable(pooled),
    title: `The same runs with seeds pooled, differences from ${armNamed(reference).label}`,
    notes: [
      'Mean over problems of the share right over all samples of all seeds; [low, high] is a 95 % bootstrap interval ' +
        `over the choice of problems, p two-sided on the same problems, Holm-corrected over ${pooled.tests} tests. ` +
        'This is about these very seeds: what another seed would give is in the table above.',
    ],
  };
  const { machine, versions } = machineFacts();
  const { decoding } = results[0]!.evaluation;
  const recipes = [...new Set(results.map(({ recipeHash }) => recipeHash))];
  const curves = results.flatMap(({ curve }) => (curve === null ? [] : [curve]));
  const training = studyTrainingTable(curves);
  mkdirSync(values.results, { recursive: true });
  const output = (name: string, text: string) => writeFileAtomic(join(values.results, name), text);
  output('study-curves.svg', svgFile(studyCurves(summary, curves)));
  // There are more arms than colours; ablations are in the tables.
  const shown = summary.arms.filter(({ arm }) => !arm.startsWith('aepo-no-'));
  output('study-bars.svg', svgFile(studyBars({ ...summary, arms: shown })));
  const page = [
    '# Study on the sample project',
    tableToMarkdown(studyTable(summary)),
    tableToMarkdown(pooledTable),
    tableToMarkdown(budget),
    tableToMarkdown(training),
    '![Accuracy and response length over training steps](study-curves.svg)',
    '![Accuracy and response length by difficulty](study-bars.svg)',
    `Measured on ${machine}, ${workers} runs at a time with ${countOf(setting.threads, 'thread')} each; ` +
      `${Object.entries(versions)
        .map((each) => each.join(' '))
        .join(', ')}. Evaluated at temperature ` +
      `${decoding.temperature}, at most ${decoding.maxNewTokens} new tokens. Seeds ${values.seeds}. Labels, cold start and ` +
      'the evaluations of both are shared by all arms of a seed.',
  ];
  output('study.md', `${page.map((part) => part.trimEnd()).join('\n\n')}\n`);
  const runs = results.map(({ arm, seed, recipeHash, durationMs, curve }) => ({
    arm,
    seed,
    recipeHash,
    durationMs,
    curve: curve === null ? null : { ...curve, series: keptSeries(curve.series) },
  }));
  const plain = (_key: string, value: unknown) => (ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value);
  output(
    'study.json',
    `${JSON.stringify({ machine, versions, decoding, recipes, study: summary, pooled: comparisonRecord(pooled), budget, training, runs }, plain, 1)}\n`,
  );
  console.log(`Written to ${values.results}.`);
}

function keptSeries(series: TrainingCurve['series']): TrainingCurve['series'] {
  return Object.fromEntries(Object.entries(series).filter(([name]) => KEPT_SERIES.includes(name)));
}
