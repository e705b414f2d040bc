/**
 * Working on a run: from the queue to its end, whatever that is.
 *
 * Owns: claiming the run, everything its stages work with, the engine process for its duration, and the
 * state it is left in: finished, paused, failed with the error on record, or interrupted when the
 * engine died. What the stages do is runs/pipeline.ts.
 */
import type { WrittenReport } from '#core/compare/runReport.ts';
import { triggerTable, vocabularyOf } from '#core/ares/triggers.ts';
import type { Engine } from '#core/engine/api.ts';
import { startEngine } from '#core/engine/client.ts';
import type { EngineOptions } from '#core/engine/localEngine.ts';
import { type ModelFolder, openModelFolder } from '#core/model/modelFolder.ts';
import type { RunContext, RunListener } from '#core/runs/context.ts';
import { canResume, changeRunState, claimRun, markInterruptedRuns } from '#core/runs/lifecycle.ts';
import { hashOfWeights } from '#core/runs/modelHash.ts';
import { runPipeline } from '#core/runs/pipeline.ts';
import { currentOwner } from '#core/runs/processIdentity.ts';
import { parseRecipe } from '#core/runs/recipe.ts';
import type { Keys } from '#core/remote/keys.ts';
import type { Run } from '#core/store/runs.ts';
import type { Store } from '#core/store/store.ts';
import { keepsTensorsOnDevice } from '#core/tensor/provider.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import { readSplit } from './datasets.ts';
import { labelServed } from './labelServed.ts';
import { requireMemory } from './memory.ts';
import { imageReader } from './projectImages.ts';
import { prepare } from './preparation.ts';
import { openProject } from './project.ts';
import { recordingListener } from './recording.ts';
import { type RunFile, readRunFile } from './runFile.ts';
import { workloadOfRun } from './runPlan.ts';
import { reportRun } from './runReport.ts';

export interface Execution {
  projectFolder: string;
  runId: number;
  listener: RunListener;
  /** Asked again and again; once true, the run pauses at its next safe point. */
  stopRequested(): boolean;
  /** Where the keys of endpoints are. */
  keys?: Keys;
  /** Starts the engine; another process than the default's under another host. */
  startEngine?: (options: EngineOptions) => Promise<Engine>;
}

export type RunEnd = { state: 'paused' } | { state: 'finished'; report: WrittenReport };

/**
 * Works on a queued run until it is finished or paused.
 * @throws AresError what made it fail, after that is on record; 'usage' when it cannot be worked on now
 */
export async function executeRun(execution: Execution): Promise<RunEnd> {
  const store = openProject(execution.projectFolder);
  try {
    markInterruptedRuns(store, Date.now());
    return await executeIn(store, execution);
  } finally {
    store.close();
  }
}

/** As executeRun, in a project that is open. */
export async function executeIn(store: Store, execution: Execution): Promise<RunEnd> {
  const unlock = claimRun(store, execution.runId, currentOwner(Date.now()));
  try {
    return await workOn(store, execution);
  } finally {
    unlock();
  }
}

/**
 * Puts a run that is not at its end back into the queue and works on it.
 * @throws AresError as executeRun does
 */
export async function resumeRun(execution: Execution): Promise<RunEnd> {
  const store = openProject(execution.projectFolder);
  try {
    markInterruptedRuns(store, Date.now());
    const state = store.runs.get(execution.runId)?.state;
    if (state !== undefined && canResume(state)) changeRunState(store, execution.runId, 'queued', Date.now());
  } finally {
    store.close();
  }
  return executeRun(execution);
}

/**
 * The run `ares resume` means when none is named: the newest that can go on.
 * @throws AresError 'not-found' when every run is finished or at work
 */
export function resumableRun(projectFolder: string): number {
  const store = openProject(projectFolder);
  try {
    markInterruptedRuns(store, Date.now());
    const run = store.runs.list().find(({ state }) => state === 'queued' || canResume(state));
    if (run !== undefined) return run.runId;
    throw new AresError('not-found', 'There is no run to resume here: all are finished or being worked on.', {
      where: projectFolder,
      hint: 'Start a new one with "ares run".',
    });
  } finally {
    store.close();
  }
}

async function workOn(store: Store, execution: Execution): Promise<RunEnd> {
  const { runId } = execution;
  try {
    const end = await runStages(store, execution);
    changeRunState(store, runId, end.state, Date.now());
    return end;
  } catch (thrown) {
    const error = toAresError(thrown);
    recordFailure(store, runId, error);
    throw error;
  }
}

async function runStages(store: Store, execution: Execution): Promise<RunEnd> {
  const { projectFolder, runId, stopRequested } = execution;
  const run = store.runs.get(runId)!;
  const listener = recordingListener(store, runId, execution.listener);
  const file = readRunFile(run.folder);
  if (file.engine === null) {
    const { folder } = store.models.get(file.baseModelId)!;
    const end = await labelServed(store, run, file, execution, listener);
    if (end === 'paused') return { state: end };
    return { state: end, report: await reportRun({ projectFolder, runId, model: { address: folder } }) };
  }
  const { context, options } = await contextOf(projectFolder, store, run, { ...file, engine: file.engine }, listener);
  const engine = await (execution.startEngine ?? startEngine)(options);
  try {
    const end = await runPipeline({ ...context, engine, stopRequested });
    // Before the state says so: a run that dies here is resumed, and reports again.
    if (end === 'paused') return { state: end };
    return { state: end, report: await reportRun({ projectFolder, runId, model: { folder: context.base.folder } }) };
  } finally {
    // An engine that died has nothing to close, and must not hide why.
    await engine.close().catch(() => undefined);
  }
}

/** All that the stages work with, from the project folder alone. */
async function contextOf(
  projectFolder: string,
  store: Store,
  run: Run,
  file: RunFile & { engine: EngineOptions },
  listener: RunListener,
): Promise<{ context: Omit<RunContext, 'engine' | 'stopRequested'>; options: EngineOptions }> {
  const { runId, folder } = run;
  const { kind, baseModelId, engine: options, triggerWords, ...splits } = file;
  const asked = parseRecipe(run.recipe, `the recipe of run ${runId}`);
  const base = openBase(store, baseModelId);
  const train = readSplit(store, splits.train);
  const heldout = readSplit(store, splits.heldout);
  const prepared = await prepare(
    base,
    asked,
    { train, heldout },
    { read: imageReader(projectFolder), ifUnreadable: 'refuse' },
  );
  for (const note of prepared.notes) listener.message('info', note);
  const { recipe } = prepared;
  // What a device with memory of its own has left cannot be asked; the limit held when the run was made.
  if (!keepsTensorsOnDevice(options.provider ?? 'cpu'))
    requireMemory(
      workloadOfRun(base.config, recipe, prepared.longestSequence),
      options,
      recipe.engine.memoryLimitBytes ?? process.availableMemory(),
    );
  const triggers = triggerTable(vocabularyOf(triggerWords), base.config.vocabSize, (id) =>
    base.tokenizer.decodeToken(id),
  );
  return {
    context: {
      store,
      runId,
      kind,
      folder,
      recipe,
      base,
      baseModelId,
      train: prepared.train,
      heldout: prepared.heldout,
      triggers,
      listener,
    },
    options,
  };
}

/** @throws AresError 'bad-file' when the model is not the one the run was created with */
function openBase(store: Store, baseModelId: number): ModelFolder {
  const { folder, weightsHash } = store.models.get(baseModelId)!;
  const base = openModelFolder(folder);
  if (hashOfWeights(folder) === weightsHash) return base;
  throw new AresError('bad-file', 'The base model has changed since the run was created.', {
    where: folder,
    hint: 'Put the original weights back, or start a new run with the changed model.',
  });
}

/** Best effort: where the disk is full the state stays 'running', and is found to be interrupted later. */
function recordFailure(store: Store, runId: number, error: AresError): void {
  try {
    if (error.code === 'engine') {
      store.events.add({ runId, timeMs: Date.now(), level: 'error', message: error.message, details: {} });
      changeRunState(store, runId, 'interrupted', Date.now());
    } else {
      changeRunState(store, runId, 'failed', Date.now(), error);
    }
  } catch {
    // The failure itself is what the caller has to hear about.
  }
}
