/**
 * A project with a million problems, to scroll, filter and search: `node tests/bench/millionProblems.ts FOLDER [COUNT]`.
 *
 * Owns: a seeded generator that writes into the store (three sources, LaTeX in a third of the texts, labels of
 * one model for half of the problems, some labels by hand) and the time that each question of the table takes
 * on it. The project is made once and measured again when the folder has it already.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defaultOptions } from '#core/ares/options.ts';
import type { NewProblem } from '#core/store/problems.ts';
import type { ProblemFilter } from '#core/store/problemTable.ts';
import { type Store, openStore } from '#core/store/store.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';
import { wilsonInterval } from '#core/util/statistics.ts';

const BATCH = 10_000;
const LABELLED_OF = 2;
const SAMPLES = 8;

function problem(index: number, random: RandomSequence): NewProblem {
  const [a, b] = [random.integer(1000), 1 + random.integer(99)];
  const kind = index % 3;
  const texts = [
    `A shop sells ${a} pencils in boxes of ${b}. How many full boxes can it sell, and how many pencils are left over at the end of the day?`,
    `What is ${a} + ${b}?`,
    `Let $f(x) = \\frac{${a}x - 2}{x + ${b}}$. Find $f(0)$ and write it as a common fraction.`,
  ];
  return {
    id: `p-${index}`,
    key: random.integer(0x1_0000_0000),
    prompt: texts[kind]!,
    answer: String(kind === 0 ? Math.floor(a / b) : kind === 1 ? a + b : -2 / b),
    source: ['shop', 'sums', 'functions'][kind]!,
    split: random.uniform() < 0.1 ? 'heldout' : 'train',
    images: [],
    meta: { line: index + 1 },
  };
}

function make(store: Store, count: number): void {
  const random = new RandomSequence(1, Stream.problems);
  const importing = store.imports.begin(1, null);
  for (let start = 0; start < count; start += BATCH) {
    const size = Math.min(BATCH, count - start);
    store.problems.append(
      importing,
      Array.from({ length: size }, (_, i) => problem(start + i, random)),
    );
  }
  store.imports.close(store.imports.open(importing, 'generated', 1), { imported: count, skipped: 0, notes: [] });
  const dataset = { name: `${count} problems`, file: null, mapping: {}, createdMs: 1 };
  const datasetId = store.imports.publish(importing, dataset, null);
  const modelId = store.models.add({ folder: '/none/base', weightsHash: 'none', parentId: null, createdMs: 1 });
  const ids = store.problems.ids(datasetId);
  for (let start = 0; start < ids.length; start += BATCH) {
    const chosen = Array.from(ids.subarray(start, start + BATCH)).filter(() => random.integer(LABELLED_OF) === 0);
    store.labels.add(
      chosen.map((problemId) => {
        const correct = random.integer(SAMPLES + 1);
        const { low, high } = wilsonInterval(correct, SAMPLES);
        return {
          problemId,
          modelId,
          runId: null,
          grader: 'bench',
          samples: SAMPLES,
          correct,
          temperature: 1,
          maxNewTokens: 512,
          intervalLow: low,
          intervalHigh: high,
          createdMs: 1,
          meanLengthTokens: 40 + 20 * (SAMPLES - correct) + random.integer(40),
        };
      }),
    );
  }
  const judged = Array.from(ids.subarray(0, 2000), (problemId, i) => ({
    problemId,
    bucket: (['easy', 'medium', 'hard'] as const)[i % 3]!,
  }));
  store.humanLabels.set(judged, 1);
}

function time<T>(what: string, work: () => T, describe: (value: T) => string): void {
  const startMs = performance.now();
  const value = work();
  process.stdout.write(`${(performance.now() - startMs).toFixed(0).padStart(7)} ms  ${what}: ${describe(value)}\n`);
}

function measure(store: Store): void {
  const { datasetId } = store.problems.datasets()[0]!;
  const [{ modelId } = { modelId: null }] = store.models.list();
  const all: ProblemFilter = {
    datasetId,
    modelId,
    split: null,
    source: null,
    bucket: null,
    human: null,
    passRate: null,
    poolId: null,
    sort: 'imported',
    descending: false,
  };
  const changes: Partial<ProblemFilter>[] = [
    {},
    { descending: true },
    { sort: 'id' },
    { sort: 'length' },
    { sort: 'source' },
    { sort: 'passRate' },
    { split: 'heldout' },
    { source: 'sums', sort: 'length' },
    { bucket: 'medium' },
    { passRate: { low: 0.25, high: 0.5 } },
    { human: 'none' },
    { human: 'differs' },
  ];
  const size = (ids: { length: number }) => `${ids.length} problems`;
  for (const change of changes)
    time(
      `index ${JSON.stringify(change)}`,
      () => store.problemTable.index({ ...all, ...change }, defaultOptions.buckets),
      size,
    );
  const ids = store.problems.ids(datasetId);
  time('rows, 500 of them', () => store.problemTable.rows(Array.from(ids.subarray(-500)), modelId, 400), size);
  time(
    'search, one slice of 20 000',
    () => store.problemTable.search({ datasetId, afterProblemId: 0, problems: 20_000 }, ['frac', '12']).problemIds,
    size,
  );
  time(
    'datasets',
    () => store.problems.datasets(),
    ({ length }) => `${length}`,
  );
  time('splits', () => store.problems.splits(datasetId), JSON.stringify);
  time('sources', () => store.problemTable.sources(datasetId), JSON.stringify);
  time('label counts', () => store.labels.counts(), JSON.stringify);
  time('label columns', () => store.labels.columns(modelId!, ids[0]!, ids.at(-1)!).problemId, size);
  time('labels by hand', () => store.humanLabels.current(datasetId), size);
}

const [folder, count = '1000000'] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name a folder for the project.');
const file = join(resolve(folder), 'ares.db');
const isNew = !existsSync(file);
const store = openStore(file);
if (isNew)
  time(
    'make',
    () => make(store, Number(count)),
    () => count,
  );
measure(store);
store.close();
