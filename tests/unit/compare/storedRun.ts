/**
 * A run of every stage in a store of its own, written out by hand: small, and without weights.
 *
 * Held-out problems easy-0, easy-1, medium-0 … hard-1; a response with n hesitations is n + 2 tokens long.
 */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AdacsSelection } from '#core/ares/options.ts';
import type { PresetName } from '#core/ares/presets.ts';
import type { ReportFacts } from '#core/compare/runReport.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import type { Tokenizer } from '#core/model/tokenizer.ts';
import { plannedStages, stageName } from '#core/runs/pipeline.ts';
import { parseRecipe, recipeHash, recipeText } from '#core/runs/recipe.ts';
import { sampleModelFiles } from '#core/sample/tokenizer.ts';
import type { NewRollout } from '#core/store/rollouts.ts';
import { type Store, openStore } from '#core/store/store.ts';
import { rollout, run, temporaryFolder } from '../store/helpers.ts';

export interface Answer {
  correct: boolean;
  hesitations: number;
  truncated?: boolean;
}

/** How an arm answers: by held-out problem (`easy-0`), and by sample. */
export type Answers = (problem: string, sample: number) => Answer;

export interface StoredRunOptions {
  /** Whether problems carry a grade; default true. */
  graded?: boolean;
  /** In the order of `arms`; default: all right, ever fewer hesitations. */
  answers?: readonly Answers[];
  /** Stages that are finished; default: all. */
  finishedStages?: number;
  /** Import the held-out problems in reverse order. */
  reversed?: boolean;
  /** Named method; default: an ablation of AEPO. */
  preset?: PresetName;
  /** Curation; default: AdaCS. */
  selection?: AdacsSelection;
  /** Replaces the first held-out question. */
  question?: string;
  /** Stands before every held-out question. */
  questionPrefix?: string;
  /** Name of the dataset; one of this name that is there already is used again. */
  heldoutName?: string;
  seed?: number;
}

export const SAMPLES = 2;
/** Training problem i is solved i times out of four; hesitations fall with it. */
export const TRAIN_PROBLEMS = 5;
const grades = ['easy', 'medium', 'hard'];

const recipeLines = (preset: PresetName, selection: AdacsSelection, seed: number) => `version: 1
name: Small run
seed: ${seed}
label: { samples: 4, extraSamples: 0, temperature: 0.9 }
coldStart: { curation: { selection: ${selection}, brackets: 4, perBracket: 1, easyQuantile: 0.25 } }
policy: { preset: ${preset}, method: { entropy: { window: { size: 1 } }, count: { vocabulary: [wait] } } }
evaluation: { samples: ${SAMPLES}, maxNewTokens: 64 }
compare: { resamples: 200 }
`;

export interface StoredRun {
  /** The project, the run and the model in one. */
  folder: string;
  store: Store;
  runId: number;
  facts: ReportFacts;
}

export function storedRun(options: StoredRunOptions = {}): StoredRun {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(sampleModelFiles())) writeFileSync(join(folder, name), text);
  const base = openModelFolder(folder);
  const store = openStore(join(folder, 'ares.db'));
  onTestFinished(() => store.close());
  return addStoredRun(
    { folder, store, facts: { base, modelName: basename(folder), machine: 'two cores', versions: { workbench: '0' } } },
    options,
  );
}

/** A further run in the same project. */
export function addStoredRun(project: Omit<StoredRun, 'runId'>, options: StoredRunOptions = {}): StoredRun {
  const { folder, store, facts } = project;
  const base = facts.base!;
  const { preset = 'aepo-no-kl', selection = 'adacs', seed = 11 } = options;
  const recipe = parseRecipe(recipeLines(preset, selection, seed), 'recipe');
  const stages = plannedStages(recipe);
  const runId = store.runs.create(
    {
      ...run,
      folder,
      name: recipe.name,
      recipe: recipeText(recipe),
      recipeHash: recipeHash(recipe),
      seed: recipe.seed,
    },
    stages.map((stage) => ({ name: stageName(stage), plannedUnits: 1 })),
  );
  const [train, heldout] = addProblems(store, options);
  const { finishedStages = stages.length, answers = [] } = options;
  let arm = 0;
  for (const [stage, planned] of stages.slice(0, finishedStages).entries()) {
    const state = { runId, stage, plannedUnits: 1, doneUnits: 1, startedMs: 1000 * stage, endedMs: 1000 * (stage + 1) };
    store.runs.updateStage({ ...state, state: 'finished' });
    if (planned.kind === 'label') {
      const rollouts = train.flatMap(({ problemId }, solved) =>
        [0, 1, 2, 3].map((sample) =>
          response(base.tokenizer, problemId, sample, { correct: sample < solved, hesitations: 9 - 2 * solved }),
        ),
      );
      store.rollouts.write({ runId, stage, step: 0 }, rollouts);
    } else if (planned.kind === 'evaluate') {
      const hesitations = 3 - arm;
      const answer = answers[arm] ?? (() => ({ correct: true, hesitations }));
      // In two chunks, as the stage stores them.
      [heldout.slice(0, 4), heldout.slice(4)].forEach((chunk, step) => {
        const rollouts = chunk.flatMap(({ problemId, id }) =>
          Array.from({ length: SAMPLES }, (_, sample) =>
            response(base.tokenizer, problemId, sample, answer(id, sample)),
          ),
        );
        store.rollouts.write({ runId, stage, step }, rollouts);
      });
      arm++;
    } else {
      const steps = [0, 1, 2].map((step) => ({
        step,
        values: { loss: 1 - step / 10, 'accuracy/mean': step / 2, 'target/easy': 2 + step, 'alpha/easy': 0.5 },
      }));
      store.metrics.write(runId, stage, steps);
    }
  }
  return { ...project, runId };
}

function addProblems(store: Store, options: StoredRunOptions) {
  const { graded = true, reversed = false, question, questionPrefix = '', heldoutName: name = 'sums' } = options;
  const one = (split: string, id: string, key: number, meta: unknown, prompt = `${questionPrefix}Question ${id}?`) => ({
    id,
    key,
    prompt,
    answer: '53',
    source: 'sums',
    split,
    images: [],
    meta,
  });
  const train = Array.from({ length: TRAIN_PROBLEMS }, (_, i) => one('train', `train-${i}`, i, {}));
  const heldout = grades.flatMap((grade, g) =>
    [0, 1].map((i) => {
      const isFirst = g === 0 && i === 0;
      return one(
        'heldout',
        `${grade}-${i}`,
        100 + 2 * g + i,
        graded ? { level: grade } : {},
        isFirst ? question : undefined,
      );
    }),
  );
  if (reversed) heldout.reverse();
  const known = store.problems.datasets().find((dataset) => dataset.name === name)?.datasetId;
  const datasetId =
    known ?? store.problems.addDataset({ name, file: null, mapping: {}, createdMs: 1 }, [...train, ...heldout]);
  const page = (split: string) => store.problems.page({ datasetId, split, afterProblemId: 0, limit: 100 });
  return [page('train'), page('heldout')] as const;
}

function response(
  tokenizer: Tokenizer,
  problemId: number,
  sample: number,
  { correct, hesitations, truncated = false }: Answer,
): NewRollout {
  const ids = tokenizer.encode(`${' wait'.repeat(hesitations)} gives.`);
  const [wait] = tokenizer.encode(' wait');
  return rollout(problemId, sample, {
    verdict: correct ? 'correct' : 'wrong',
    response: tokenizer.decode(ids),
    lengthTokens: ids.length,
    truncated,
    highEntropyCount: null,
    bucket: null,
    rewardParts: {},
    advantage: null,
    tokens: {
      ids,
      logprobs: new Float32Array(ids.length),
      entropiesNats: Float32Array.from(ids, (id) => (id === wait ? 1.5 : 0.1)),
    },
  });
}
