/**
 * One arm of the study from one seed: trained through the real run machinery, resumable at any point.
 *
 * Owns: the recipe of an arm, and the result file that a finished job leaves.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { curvesOfRun, evaluationsOfRun } from '#core/compare/runReport.ts';
import type { Evaluation, TrainingCurve } from '#core/compare/types.ts';
import { createRun } from '#core/host/createRun.ts';
import { executeRun, resumeRun } from '#core/host/executeRun.ts';
import { createProject, openProject } from '#core/host/project.ts';
import { type Recipe, parseRecipe, recipeHash } from '#core/runs/recipe.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { adoptStages } from './adoptStages.ts';
import { SHARED, type StudyArm, studyArms } from './arms.ts';

export interface StudySetting {
  /** Where projects and results of single jobs are kept between calls. */
  workFolder: string;
  recipeFile: string;
  dataFile: string;
  heldoutFile: string;
  modelFolder: string;
  threads: number;
}

/** What a finished job leaves. */
export interface JobResult {
  arm: string;
  label: string;
  seed: number;
  recipeHash: string;
  /** Working time of every stage of the run, those it shares included. */
  durationMs: number;
  evaluation: Evaluation;
  /** Null for an arm without policy optimisation. */
  curve: TrainingCurve | null;
}

/** The recipe file with an arm's changes. */
export function armRecipe(text: string, { curation, policy }: StudyArm, seed: number, threads: number): Recipe {
  const document = parse(text) as {
    coldStart?: { curation?: object };
    policy?: { method?: Record<string, unknown> };
    engine?: object;
  };
  const method = Object.entries(document.policy?.method ?? {}).filter(
    ([part]) => policy?.keeps?.includes(part) ?? true,
  );
  const patched = {
    ...document,
    seed,
    engine: { ...document.engine, threads },
    coldStart: {
      ...document.coldStart,
      curation: { ...document.coldStart?.curation, ...(curation === undefined ? {} : { selection: curation }) },
    },
    policy: {
      ...document.policy,
      method: Object.fromEntries(method),
      ...(policy === undefined ? {} : { preset: policy.preset }),
    },
  };
  return parseRecipe(stringify(patched), 'the recipe of the study');
}

export function resultFile(workFolder: string, arm: string, seed: number): string {
  return join(workFolder, 'results', `${arm}-seed${seed}.json`);
}

/** The result of a finished job; undefined where there is none yet. */
export function readResult(setting: StudySetting, arm: StudyArm, seed: number): JobResult | undefined {
  const file = resultFile(setting.workFolder, arm.key, seed);
  if (!existsSync(file)) return undefined;
  const result = JSON.parse(readFileSync(file, 'utf8')) as JobResult;
  const recipe = armRecipe(readFileSync(setting.recipeFile, 'utf8'), arm, seed, setting.threads);
  if (result.recipeHash !== recipeHash(recipe)) {
    throw new Error(`${file} was made with another recipe or number of threads: choose another --work folder.`);
  }
  const { outcomes } = result.evaluation;
  return {
    ...result,
    evaluation: {
      ...result.evaluation,
      outcomes: {
        problemIndex: Int32Array.from(outcomes.problemIndex),
        correct: Uint8Array.from(outcomes.correct),
        lengthTokens: Int32Array.from(outcomes.lengthTokens),
        verdict: Uint8Array.from(outcomes.verdict),
        truncated: Uint8Array.from(outcomes.truncated),
      },
    },
  };
}

/** Trains (or goes on training) what the arm needs, and writes its result. */
export async function runJob(setting: StudySetting, arm: StudyArm, seed: number, log: (line: string) => void) {
  const shared = studyArms.find(({ key }) => key === SHARED)!;
  const recipe = armRecipe(readFileSync(setting.recipeFile, 'utf8'), arm, seed, setting.threads);
  // The base model is evaluated on the way to the shared cold start.
  const trained = arm.model === 'base' ? shared : arm;
  const folder = projectFolder(setting, trained, seed);
  await train(setting, trained, seed, log);
  const store = openProject(folder);
  try {
    const evaluation = evaluationsOfRun(store, RUN).find((each) => each.arm === arm.model)!;
    const curve = curvesOfRun(store, RUN).find((each) => each.arm === 'policy');
    const stages = store.runs.stages(RUN);
    const named = { arm: arm.key, label: arm.label };
    const result: JobResult = {
      ...named,
      seed,
      recipeHash: recipeHash(recipe),
      durationMs: stages.reduce((total, { startedMs, endedMs }) => total + (endedMs! - startedMs!), 0),
      evaluation: { ...evaluation, ...named },
      curve: curve === undefined ? null : { ...curve, ...named },
    };
    mkdirSync(join(setting.workFolder, 'results'), { recursive: true });
    const plain = (_key: string, value: unknown) =>
      ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value;
    writeFileAtomic(resultFile(setting.workFolder, arm.key, seed), JSON.stringify(result, plain));
  } finally {
    store.close();
  }
}

/** Every project of the study holds one run. */
const RUN = 1;

function projectFolder({ workFolder }: StudySetting, { key }: StudyArm, seed: number): string {
  return join(workFolder, `seed${seed}`, key);
}

async function train(setting: StudySetting, arm: StudyArm, seed: number, log: (line: string) => void): Promise<void> {
  const folder = projectFolder(setting, arm, seed);
  if (!existsSync(join(folder, 'ares.db'))) await create(setting, arm, seed, folder);
  const store = openProject(folder);
  const { state } = store.runs.get(RUN)!;
  store.close();
  if (state === 'finished') return;
  let saidMs = 0;
  const execution = {
    projectFolder: folder,
    runId: RUN,
    stopRequested: () => false,
    listener: {
      progress: (stage: number, doneUnits: number, plannedUnits: number) => {
        if (Date.now() - saidMs < 20_000) return;
        saidMs = Date.now();
        log(`stage ${stage}: ${doneUnits} of ${plannedUnits}`);
      },
      metrics: () => undefined,
      message: (level: 'info' | 'warning', text: string) => log(`${level}: ${text}`),
    },
  };
  await (state === 'queued' ? executeRun(execution) : resumeRun(execution));
}

/** A project with one run, the stages it shares taken over; made under another name, so that it is whole. */
async function create(setting: StudySetting, arm: StudyArm, seed: number, folder: string): Promise<void> {
  const recipe = armRecipe(readFileSync(setting.recipeFile, 'utf8'), arm, seed, setting.threads);
  const { dataFile, heldoutFile, modelFolder } = setting;
  mkdirSync(folder, { recursive: true });
  const kind = arm.model === 'policy' ? 'pipeline' : 'adacs';
  const { runId } = await createRun({ projectFolder: folder, kind, recipe, dataFile, heldoutFile, modelFolder });
  if (arm.key === SHARED) return;
  const shared = openProject(
    projectFolder(
      setting,
      studyArms.find(({ key }) => key === SHARED)!,
      seed,
    ),
  );
  const own = createProject(folder);
  try {
    // Labels and the base evaluation always; the cold start and its evaluation where it is the same.
    adoptStages({ store: shared, runId: RUN }, { store: own, runId }, arm.model === 'policy' ? 4 : 2);
  } finally {
    shared.close();
    own.close();
  }
}
