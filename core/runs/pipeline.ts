/**
 * A whole run: label → cold start → policy optimisation, with an evaluation of every model on the way.
 *
 * Owns: the order of stages, which models go in and come out, and skipping what is already done when
 * a run is resumed. Each stage looks after its own progress; reports are made in compare/ afterwards.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AdapterOptions, ModelHandle } from '#core/engine/api.ts';
import { runColdStartStage } from './coldStartStage.ts';
import { type CollectContext, RandomStep, type RunContext, type RunKind, type StageEnd } from './context.ts';
import { heldoutPassRates, runEvaluateStage } from './evaluateStage.ts';
import { runLabelStage } from './labelStage.ts';
import { hashOfWeights } from './modelHash.ts';
import { runPolicyStage } from './policyStage.ts';
import type { StageWork } from './progress.ts';
import type { RunProblem } from './prompts.ts';
import type { Recipe } from './recipe.ts';
import { type ResponseSource, engineResponses } from './responseSource.ts';
import { checkSignal } from './signal.ts';

/** The models of a run, in the order in which they come to be. */
export type Arm = 'base' | 'cold-start' | 'policy';

export type PlannedStage =
  | { kind: 'label' }
  | { kind: 'evaluate'; arm: Arm }
  | { kind: 'cold-start' }
  | { kind: 'policy' };

/** The stages of a run, in order; a stage's position is its number in the store. */
export function plannedStages(recipe: Recipe, kind: RunKind = 'pipeline'): PlannedStage[] {
  if (kind === 'label') return [{ kind: 'label' }];
  if (kind === 'evaluate') return [{ kind: 'evaluate', arm: 'base' }];
  return [
    // Labels are what a cold start is curated from; a policy alone is preflighted on its evaluation.
    ...(kind === 'aepo' ? [] : ([{ kind: 'label' }] as const)),
    { kind: 'evaluate', arm: 'base' },
    ...(recipe.coldStart.enabled ? ([{ kind: 'cold-start' }, { kind: 'evaluate', arm: 'cold-start' }] as const) : []),
    ...(recipe.policy.enabled ? ([{ kind: 'policy' }, { kind: 'evaluate', arm: 'policy' }] as const) : []),
  ];
}

/** The recipe of a run of this kind: training that is not part of it is switched off, so that the document says so. */
export function recipeOfKind(recipe: Recipe, kind: RunKind): Recipe {
  const { coldStart, policy } = recipe;
  switch (kind) {
    case 'pipeline':
      return recipe;
    case 'adacs':
      return { ...recipe, coldStart: { ...coldStart, enabled: true }, policy: { ...policy, enabled: false } };
    case 'aepo':
      return { ...recipe, coldStart: { ...coldStart, enabled: false }, policy: { ...policy, enabled: true } };
    case 'label':
    case 'evaluate':
      return { ...recipe, coldStart: { ...coldStart, enabled: false }, policy: { ...policy, enabled: false } };
  }
}

export function stageName(stage: PlannedStage): string {
  return stage.kind === 'evaluate' ? `evaluate ${stage.arm}` : stage.kind;
}

/** Work of every stage, in responses that have to be sampled or trained on; what is not known yet is guessed. */
export function stageWork(
  recipe: Recipe,
  trainProblems: number,
  heldoutProblems: number,
  kind: RunKind = 'pipeline',
): StageWork[] {
  const { samples, extraSamples } = recipe.label;
  const { brackets, perBracket } = recipe.coldStart.curation;
  const curated = perBracket === null ? trainProblems : Math.min(trainProblems, perBracket * (brackets + 1));
  return plannedStages(recipe, kind).map((stage): StageWork => {
    const name = stageName(stage);
    switch (stage.kind) {
      case 'label':
        return { name, units: trainProblems * samples, costPerUnit: 1 + (extraSamples * 0.1) / samples };
      case 'evaluate':
        return { name, units: heldoutProblems * recipe.evaluation.samples, costPerUnit: 1 };
      case 'cold-start':
        return {
          name,
          units: recipe.coldStart.epochs * Math.ceil(curated / recipe.coldStart.batchSize),
          costPerUnit: 2 * recipe.coldStart.batchSize,
        };
      case 'policy':
        return {
          name,
          units: recipe.policy.steps,
          costPerUnit: 3 * recipe.policy.promptsPerStep * recipe.policy.method.groupSize,
        };
    }
  });
}

/** The folder of a model that a run makes. */
export function trainedFolder(runFolder: string, arm: Exclude<Arm, 'base'>): string {
  return join(runFolder, 'models', arm);
}

/** The folder of the adapter that made a model of a run, where it was trained as one. */
export function adapterFolder(runFolder: string, arm: Exclude<Arm, 'base'>): string {
  return join(runFolder, 'adapters', arm);
}

function armFolder({ base, folder }: Pick<RunContext, 'folder' | 'base'>, arm: Arm): string {
  return arm === 'base' ? base.folder : trainedFolder(folder, arm);
}

/**
 * Runs or resumes all stages.
 * @throws AresError 'no-signal' when there is nothing to learn from
 */
export function runPipeline(context: RunContext): Promise<StageEnd> {
  const stages = plannedStages(context.recipe, context.kind);
  return workThrough(context, stages, (index) => runStage(context, stages, index));
}

/** Runs or resumes a run that labels with a model that answers elsewhere. */
export function runServedLabelling<P extends RunProblem>(
  context: CollectContext<P>,
  source: ResponseSource<P>,
): Promise<StageEnd> {
  return workThrough(context, plannedStages(context.recipe, 'label'), (index) =>
    runLabelStage(context, index, source, false),
  );
}

async function workThrough(
  { store, runId, listener }: CollectContext,
  stages: readonly PlannedStage[],
  work: (index: number) => Promise<StageEnd>,
): Promise<StageEnd> {
  for (const index of stages.keys()) {
    const record = store.runs.stages(runId)[index]!;
    if (record.state === 'finished') {
      listener.progress(index, record.plannedUnits, record.plannedUnits);
      continue;
    }
    const startedMs = record.startedMs ?? Date.now();
    store.runs.updateStage({ ...record, state: 'running', startedMs });
    const end = await work(index);
    if (end === 'paused') return end;
    // Read again: how much work it was became known on the way.
    const { plannedUnits } = store.runs.stages(runId)[index]!;
    const done = { ...record, state: 'finished' as const, plannedUnits, doneUnits: plannedUnits };
    store.durably(() => store.runs.updateStage({ ...done, startedMs, endedMs: Date.now() }));
  }
  return 'finished';
}

async function runStage(context: RunContext, stages: readonly PlannedStage[], index: number): Promise<StageEnd> {
  const { engine, recipe } = context;
  const stage = stages[index]!;
  switch (stage.kind) {
    case 'label': {
      const trains = recipe.coldStart.enabled || recipe.policy.enabled;
      return withModel(context, 'base', (model) => {
        const source = engineResponses(context, model, recipe.label, RandomStep.labelling);
        return runLabelStage(context, index, source, trains);
      });
    }
    case 'evaluate': {
      const end = await withModel(context, stage.arm, (model) => runEvaluateStage(context, index, model));
      if (end === 'finished' && context.kind === 'aepo' && stage.arm === 'base')
        checkSignal(
          heldoutPassRates(context, index),
          recipe.policy.method.groupSize,
          recipe.preflight.minSignalFraction,
        );
      return end;
    }
    case 'cold-start':
      return withModel(context, 'base', async (model) => {
        await putAdapter(context, model, recipe.coldStart.adapter);
        const labels = stages.findIndex(({ kind }) => kind === 'label');
        const end = await runColdStartStage(context, index, labels, model);
        if (end === 'finished')
          await keepModel(context, model, 'cold-start', 'base', recipe.coldStart.adapter !== null);
        return end;
      });
    case 'policy': {
      const start: Arm = recipe.coldStart.enabled ? 'cold-start' : 'base';
      return withModel(context, start, async (model) => {
        await putAdapter(context, model, recipe.policy.adapter);
        const reference = await engine.cloneModel(model);
        const end = await runPolicyStage(context, index, model, reference.handle);
        if (end === 'finished') await keepModel(context, model, 'policy', start, recipe.policy.adapter !== null);
        await engine.closeModel(reference.handle);
        return end;
      });
    }
  }
}

async function withModel(
  context: RunContext,
  arm: Arm,
  work: (model: ModelHandle) => Promise<StageEnd>,
): Promise<StageEnd> {
  const { handle } = await context.engine.openModel(armFolder(context, arm));
  const end = await work(handle);
  await context.engine.closeModel(handle);
  return end;
}

/** Where the recipe wants one. The adapter's seed is the run's, so that a resumed run begins with the same. */
async function putAdapter(
  { engine, recipe }: RunContext,
  model: ModelHandle,
  adapter: Omit<AdapterOptions, 'seed'> | null,
): Promise<void> {
  if (adapter !== null) await engine.addAdapter(model, { ...adapter, seed: recipe.seed });
}

/**
 * Saves what a stage made: the model, an adapter merged into it, and the adapter beside it. Folders left by
 * a run that died right here are written again, the same.
 */
async function keepModel(
  context: RunContext,
  model: ModelHandle,
  arm: Exclude<Arm, 'base'>,
  parent: Arm,
  hasAdapter: boolean,
): Promise<void> {
  const folder = armFolder(context, arm);
  const adapter = adapterFolder(context.folder, arm);
  for (const made of [folder, adapter]) if (existsSync(made)) rmSync(made, { recursive: true });
  await context.engine.saveModel(model, folder);
  if (hasAdapter) await context.engine.saveAdapter(model, adapter);
  const parentFolder = armFolder(context, parent);
  const parentModel = context.store.models.list().find((known) => known.folder === parentFolder);
  context.store.models.add({
    folder,
    weightsHash: hashOfWeights(folder),
    parentId: parentModel?.modelId ?? null,
    createdMs: Date.now(),
  });
}
