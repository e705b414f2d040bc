/**
 * The labelled problems and chosen traces of a run, in the formats of other trainers.
 *
 * Owns: which problems and traces those are, reading their images, and the files of each format. The columns
 * are data/exporters'.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLabelling } from '#core/compare/run/labelling.ts';
import { readRun } from '#core/compare/run/record.ts';
import { parquetBytes } from '#core/data/exporters/parquetFile.ts';
import {
  type ExportTable,
  type ExportedLabel,
  type ExportedProblem,
  easyR1Table,
  flatTable,
  verlTable,
} from '#core/data/exporters/schemas.ts';
import { curateFromStore } from '#core/runs/coldStartStage.ts';
import type { RunProblem } from '#core/runs/prompts.ts';
import type { Run } from '#core/store/runs.ts';
import type { Store } from '#core/store/store.ts';
import { writeFlushed } from '#core/util/atomicFiles.ts';
import { AresError } from '#core/util/errors.ts';
import { readSplit } from './datasets.ts';
import { imagePath } from './projectImages.ts';
import { type RunFile, readRunFile } from './runFile.ts';
import { writeTraceFiles } from './traceSets.ts';

/** Each is a folder of its own beside what every export has. */
export const exportFormats = ['parquet', 'easyr1', 'verl', 'llamafactory'] as const;
export type ExportFormat = (typeof exportFormats)[number];

const tables: Readonly<Record<Exclude<ExportFormat, 'llamafactory'>, (problems: ExportedProblem[]) => ExportTable>> = {
  parquet: flatTable,
  easyr1: easyR1Table,
  verl: verlTable,
};

/** Problems of the run's training part, or of its held-out part, with the labels that this run measured. */
export function exportedProblems(
  store: Store,
  projectFolder: string,
  run: Run,
  part: 'train' | 'heldout',
): ExportedProblem[] {
  const file = readRunFile(run.folder);
  return readSplit(store, file[part]).map((problem) => ({
    id: problem.id,
    prompt: problem.prompt as ExportedProblem['prompt'],
    answer: problem.answer,
    source: problem.source,
    split: part === 'train' ? 'train' : 'test',
    images: imagesOf(store, projectFolder, problem),
    label: labelOf(store, run, file, problem),
  }));
}

function imagesOf(store: Store, projectFolder: string, { problemId }: RunProblem): Uint8Array[] {
  return store.problems.get(problemId)!.images.map((name) => readFileSync(imagePath(projectFolder, name)));
}

function labelOf(
  store: Store,
  { runId }: Run,
  { baseModelId }: RunFile,
  { problemId }: RunProblem,
): ExportedLabel | null {
  const label = store.labels.history(problemId).findLast((own) => own.runId === runId);
  if (label === undefined) return null;
  const { folder, weightsHash } = store.models.get(baseModelId)!;
  const { correct, samples, temperature, maxNewTokens, intervalLow, intervalHigh, meanLengthTokens, grader } = label;
  return {
    correct,
    samples,
    temperature,
    maxNewTokens,
    intervalLow,
    intervalHigh,
    meanLengthTokens,
    grader,
    model: folder,
    modelSha256: weightsHash,
  };
}

/**
 * Writes one format into a folder that exists.
 * @returns the file that another trainer is given
 * @throws AresError 'not-found' when the run has nothing of the kind
 */
export function writeFormat(
  store: Store,
  projectFolder: string,
  run: Run,
  format: ExportFormat,
  folder: string,
): string {
  const target = join(folder, format);
  mkdirSync(target);
  if (format === 'llamafactory') return writeTraces(store, projectFolder, run, target);
  const files = (['train', 'heldout'] as const).flatMap((part) => {
    const problems = exportedProblems(store, projectFolder, run, part);
    if (problems.length === 0) return [];
    const { fields, rows } = tables[format](problems);
    const path = join(target, part === 'train' ? 'train.parquet' : 'test.parquet');
    writeFlushed(path, [parquetBytes(fields, rows)]);
    return [path];
  });
  if (files[0] === undefined) throw new AresError('not-found', `Run ${run.runId} has no problems to export.`);
  return files[0];
}

/** The traces that AdaCS chooses from the run's labelled responses, by the settings of its recipe. */
function writeTraces(store: Store, projectFolder: string, run: Run, target: string): string {
  const labelling = readLabelling(readRun(store, run.runId), { folder: '' });
  if (labelling === null) {
    throw new AresError('not-found', `Run ${run.runId} has no labelled responses to choose traces from.`, {
      where: run.folder,
      hint: 'Name a run that labels.',
    });
  }
  const { curation, candidates } = curateFromStore(labelling.run, labelling.stage);
  const traces = curation.chosen.map(({ index }) => {
    const { rolloutId, prepared } = candidates[index]!;
    return { problemId: prepared.problemId, text: store.rollouts.get(rolloutId)!.response };
  });
  return writeTraceFiles(store, projectFolder, target, 'ares_cold_start', traces);
}
