/**
 * What the stages of a run work with.
 *
 * Owns: the types that tie a run to its store, engine, model and problems, and the coordinates that
 * keep the random numbers of its parts apart. It does nothing.
 */
import type { Engine, SamplingOptions } from '#core/engine/api.ts';
import type { ModelFolder } from '#core/model/modelFolder.ts';
import type { Store } from '#core/store/store.ts';
import type { PreparedProblem, RunProblem } from './prompts.ts';
import type { Recipe } from './recipe.ts';

/** Told what happens, in order; a front end draws it, the terminal prints it. */
export interface RunListener {
  /** A stage begins or moves on; units are the stage's own (responses, steps). */
  progress(stage: number, doneUnits: number, plannedUnits: number): void;
  metrics(stage: number, step: number, values: Readonly<Record<string, number>>): void;
  message(level: 'info' | 'warning', text: string): void;
}

/**
 * What a run is for: everything its recipe says, or a part that is useful alone. 'label' measures
 * difficulty, 'adacs' ends with the cold start, 'aepo' optimises the given model as it is, 'evaluate'
 * only answers the held-out problems.
 */
export const runKinds = ['pipeline', 'label', 'adacs', 'aepo', 'evaluate'] as const;
export type RunKind = (typeof runKinds)[number];

/** What collecting responses works with, whoever answers. */
export interface CollectContext<P extends RunProblem = RunProblem> {
  store: Store;
  runId: number;
  recipe: Recipe;
  /** The model that answers: its folder, or the address where it is served. */
  base: { folder: string };
  /** Store id of that model. */
  baseModelId: number;
  train: readonly P[];
  listener: RunListener;
  /** Becomes true when the user wants the run to pause; stages then stop at the next safe point. */
  stopRequested(): boolean;
}

/** What every stage of a run on this machine works with. */
export interface RunContext extends CollectContext<PreparedProblem> {
  kind: RunKind;
  /** Absolute path of the run's folder. */
  folder: string;
  engine: Engine;
  base: ModelFolder;
  heldout: readonly PreparedProblem[];
  /** [vocabulary] 1 where a token is a trigger word. */
  triggers: Uint8Array;
}

/** How a stage ended: all done, or paused at a checkpoint. */
export type StageEnd = 'finished' | 'paused';

/**
 * The `step` coordinate of random numbers outside policy optimisation, whose steps count from 0.
 * Evaluations of all models share theirs: the same problems are answered with the same uniforms.
 * 'inspection' is for what a person tries out on a trace.
 */
export const RandomStep = { labelling: 0x4000_0000, evaluation: 0x5000_0000, inspection: 0x6000_0000 } as const;

export function samplingOf(
  base: ModelFolder,
  { temperature, topP, maxNewTokens }: { temperature: number; topP: number; maxNewTokens: number },
  alternatives = 0,
): SamplingOptions {
  return { temperature, topK: 0, topP, greedy: false, maxNewTokens, stopIds: base.stopIds, alternatives };
}
