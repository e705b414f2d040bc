/**
 * What the label stage found, and what the curation made of it.
 *
 * Owns: reading both back from the store. Labels and selection are computed by the very code that
 * trained on them (runs/labelStage.ts, runs/coldStartStage.ts).
 */
import { bucketOf, passRateBracket } from '#core/ares/difficulty.ts';
import { curationPoints } from '#core/compare/curation.ts';
import type { CurationSection, DifficultySection } from '#core/compare/report/data.ts';
import { curateFromStore } from '#core/runs/coldStartStage.ts';
import { GRADER } from '#core/runs/constants.ts';
import { type LabelledRun, readLabels } from '#core/runs/labelStage.ts';
import { stageName } from '#core/runs/pipeline.ts';
import { type RunProblem, fromStored } from '#core/runs/prompts.ts';
import { mean } from '#core/util/statistics.ts';
import { problemsIn } from './evaluations.ts';
import { type RunRecord, stageColumns } from './record.ts';

export interface Labelling {
  /** Position of the label stage in the run. */
  stage: number;
  run: LabelledRun<RunProblem>;
}

/**
 * The label stage of a run; null where nothing is labelled. A stage that ended early for want of signal
 * is read too: its labels are what it ended for.
 * @param base folder of the model that answered
 */
export function readLabelling(record: RunRecord, base: { folder: string }): Labelling | null {
  const stage = record.stages.find(({ name }) => name === stageName({ kind: 'label' }));
  if (stage === undefined) return null;
  const columns = stageColumns(record, stage);
  if (columns.rolloutId.length === 0) return null;
  const train = problemsIn(record, columns).map(fromStored);
  const { store, recipe, run } = record;
  return { stage: stage.stage, run: { store, runId: run.runId, recipe, base, train } };
}

/** Problems by number of right answers. @param model what a person knows the model by */
export function difficultyOf({ stage, run }: Labelling, model: string): DifficultySection {
  const { samples, temperature } = run.recipe.label;
  const labelled = readLabels(run, stage);
  const brackets = Array.from({ length: samples + 1 }, (_, correct) => ({
    problems: labelled.filter(({ label }) => passRateBracket(label.correct, label.samples, samples) === correct).length,
    bucket: bucketOf(correct, samples, run.recipe.policy.method.buckets),
  }));
  const meanPassRate = mean(labelled.map(({ label }) => label.passRate));
  const fewestSamples = labelled.reduce((fewest, { label }) => Math.min(fewest, label.samples), samples);
  return { brackets, meanPassRate, fewestSamples, model, grader: GRADER, temperature };
}

/** The selection of the cold start, made again from the stored responses. */
export function curationOf({ stage, run }: Labelling): CurationSection {
  const { curation, candidates } = curateFromStore(run, stage);
  const points = curationPoints(candidates, curation, run.recipe.coldStart.curation.brackets);
  return { points, warnings: curation.warnings.map(({ text }) => text) };
}
