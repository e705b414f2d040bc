/**
 * A large project that nobody had to wait for: runs that look like finished ones, with whole curves.
 *
 * Owns: the shape of the store that the window's budgets are measured on (100 runs of 10,000 steps with 20
 * metrics each). Seeded: the same arguments make the same project.
 *
 *     node tests/bench/makeStore.ts FOLDER [RUNS [STEPS]]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { presetNames } from '#core/ares/presets.ts';
import { createProject } from '#core/host/project.ts';
import { writeRunFile } from '#core/host/runFile.ts';
import { plannedStages, stageWork } from '#core/runs/pipeline.ts';
import { stageName } from '#core/runs/pipeline.ts';
import { parseRecipe, recipeHash, recipeText } from '#core/runs/recipe.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';

export interface StoreShape {
  runs: number;
  steps: number;
}

/** Twenty that the charts of a run show. */
export const benchMetrics = [
  'accuracy/mean',
  ...['easy', 'medium', 'hard'].flatMap((bucket) => [
    `accuracy/${bucket}/mean`,
    `length/${bucket}/mean`,
    `count/${bucket}/mean`,
    `alpha/${bucket}`,
  ]),
  'length/mean',
  'entropy/mean',
  'reward/mean',
  'kl/inside',
  'kl/outside',
  'gradientNorm',
  'machine/tokensPerSecond',
] as const;

const TRAIN = 720;
const HELDOUT = 240;
const SECOND_MS = 1000;
/** Steps written in one transaction. */
const BATCH = 500;

/** Makes the project in a folder that has none. @param base folder of a model; it is only named */
export function makeStore(folder: string, base: string, { runs, steps }: StoreShape): void {
  const store = createProject(folder);
  try {
    const random = new RandomSequence(7, Stream.shuffle, 0);
    const problems = Array.from({ length: TRAIN + HELDOUT }, (_, i) => ({
      id: `problem-${i}`,
      key: i + 1,
      prompt: `What is ${i} + ${i}?`,
      answer: String(2 * i),
      source: 'sums',
      split: i < TRAIN ? 'train' : 'heldout',
      images: [],
      meta: {},
    }));
    const datasetId = store.problems.addDataset({ name: 'sums', file: null, mapping: {}, createdMs: 1 }, problems);
    const baseModelId = store.models.add({ folder: base, weightsHash: 'bench', parentId: null, createdMs: 1 });
    for (let i = 0; i < runs; i++) {
      const createdMs = 1_700_000_000_000 + i * 86_400 * SECOND_MS;
      const preset = presetNames[i % presetNames.length]!;
      const text = JSON.stringify({ version: 1, name: `${preset} ${i + 1}`, seed: i, policy: { preset, steps } });
      const recipe = parseRecipe(text, 'the recipe of the bench');
      const runFolder = join(resolve(folder), 'runs', String(i + 1));
      mkdirSync(runFolder, { recursive: true });
      const runId = store.runs.create(
        {
          name: recipe.name,
          kind: 'pipeline',
          recipe: recipeText(recipe),
          recipeHash: recipeHash(recipe),
          seed: recipe.seed,
          folder: runFolder,
          parentId: null,
          createdMs,
        },
        stageWork(recipe, TRAIN, HELDOUT).map(({ name, units }) => ({ name, plannedUnits: Math.ceil(units) })),
      );
      writeRunFile(runFolder, {
        kind: 'pipeline',
        baseModelId,
        train: { datasetId, split: 'train', poolId: null, problems: [[1, TRAIN]] },
        heldout: { datasetId, split: 'heldout', poolId: null, problems: [[TRAIN + 1, TRAIN + HELDOUT]] },
        engine: { threads: 2, tokenBudget: 4096, checkpointBlocks: false, maxRows: 64, chunkTokens: 32 },
        triggerWords: ['wait'],
      });
      writeFileSync(join(runFolder, 'recipe.yaml'), stringify(recipe));
      const change = { runId, owner: null, error: null };
      store.runs.changeState({ ...change, from: 'queued', to: 'running', nowMs: createdMs });
      const endedMs = createdMs + steps * SECOND_MS;
      for (const [stage, planned] of plannedStages(recipe).entries()) {
        const { plannedUnits } = store.runs.stages(runId)[stage]!;
        const times = { startedMs: createdMs, endedMs };
        store.runs.updateStage({ runId, stage, state: 'finished', plannedUnits, doneUnits: plannedUnits, ...times });
        if (stageName(planned) === 'policy') writeCurves(store, runId, stage, steps, random);
      }
      store.runs.changeState({ ...change, from: 'running', to: 'finished', nowMs: endedMs });
    }
  } finally {
    store.close();
  }
}

/** Noisy curves that rise and level off, one per metric. */
function writeCurves(
  { metrics }: ReturnType<typeof createProject>,
  runId: number,
  stage: number,
  steps: number,
  random: RandomSequence,
): void {
  for (let first = 0; first < steps; first += BATCH) {
    const count = Math.min(BATCH, steps - first);
    const batch = Array.from({ length: count }, (_, i) => {
      const step = first + i;
      const values = benchMetrics.map((name, m) => {
        const trend = (1 + m) * (1 - Math.exp((-3 * step) / steps));
        return [name, trend + 0.2 * random.uniform()];
      });
      return { step, values: Object.fromEntries(values) as Record<string, number> };
    });
    metrics.write(runId, stage, batch);
  }
}

if (import.meta.main) {
  const [folder, runs = '100', steps = '10000'] = process.argv.slice(2);
  if (folder === undefined) throw new Error('Name the folder in which the project is to be made.');
  const base = resolve(import.meta.dirname, '..', '..', 'resources', 'sample', 'base');
  makeStore(folder, base, { runs: Number(runs), steps: Number(steps) });
}
