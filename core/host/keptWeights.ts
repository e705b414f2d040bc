/**
 * Which weights of a run are still there, for looking again at what they wrote.
 *
 * Owns: the choice among base model, trained models and checkpoints. A policy changes with every step, and
 * of its weights only the start, the end and the newest checkpoints are kept; so what is found may be a
 * neighbour of what was asked for, and its label says which.
 */
import { existsSync } from 'node:fs';
import { armLabel } from '#core/compare/run/evaluations.ts';
import { type RunRecord, finishedStage } from '#core/compare/run/record.ts';
import { type Arm, type PlannedStage, trainedFolder } from '#core/runs/pipeline.ts';
import type { StepKey } from '#core/store/rollouts.ts';

export interface KeptWeights {
  /** What a person reads. */
  label: string;
  folder: string;
  /** A checkpoint whose weights take the place of the folder's. */
  checkpoint: string | null;
}

/** The model that policy optimisation starts from. */
export function startArm({ recipe }: RunRecord): Arm {
  return recipe.coldStart.enabled ? 'cold-start' : 'base';
}

/** The weights nearest to those that wrote a step; responses of policy step n were written after n updates. */
export function nearestWeights(
  record: RunRecord,
  baseFolder: string,
  at: PlannedStage,
  { stage, step }: StepKey,
): KeptWeights {
  const { store, run, recipe } = record;
  const whole = (arm: Arm): KeptWeights => ({
    label: armLabel(arm, recipe),
    folder: arm === 'base' ? baseFolder : trainedFolder(run.folder, arm),
    checkpoint: null,
  });
  if (at.kind !== 'policy') return whole(at.kind === 'evaluate' ? at.arm : 'base');
  const start = whole(startArm(record));
  const candidates = [
    { updates: 0, weights: start },
    // Before the checkpoint of the same step: a model folder opens faster.
    ...(finishedStage(record, at) === undefined ? [] : [{ updates: recipe.policy.steps, weights: whole('policy') }]),
    ...store.checkpoints
      .list(run.runId)
      .filter((each) => each.stage === stage && each.state === 'ready' && existsSync(each.folder))
      .map(({ step: updates, folder: checkpoint }) => ({
        updates,
        weights: { ...start, label: `${armLabel('policy', recipe)} after step ${updates}`, checkpoint },
      })),
  ];
  return candidates.reduce((best, each) =>
    Math.abs(each.updates - step) < Math.abs(best.updates - step) ? each : best,
  ).weights;
}
