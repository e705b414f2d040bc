/**
 * What a run made, as files for other programs.
 *
 * Owns: which model, labels and responses of a run are written, and their form: a Hugging Face folder
 * `model/`, a PEFT folder `adapter/`, others by name, and `labels.jsonl` and `rollouts.jsonl`. All of it
 * appears or nothing.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { toJsonLines } from '#core/data/export.ts';
import { type ModelFormatName, modelFormatNames } from '#core/contract/contract.ts';
import { type Arm, trainedFolder } from '#core/runs/pipeline.ts';
import type { Run } from '#core/store/runs.ts';
import type { Store } from '#core/store/store.ts';
import { fillFolderAtomic, refuseExisting, writeFlushed } from '#core/util/atomicFiles.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import { readSplit } from './datasets.ts';
import { writeModel } from './exportModel.ts';
import { type ExportFormat, writeFormat } from './exportTables.ts';
import type { JobControl } from './hostContext.ts';
import { modelCardText } from './modelCard.ts';
import { cardOf, exportedModel } from './modelFacts.ts';
import { readRunFile } from './runFile.ts';
import { openProject } from './project.ts';
import { requireRun } from './runList.ts';

export interface ExportRequest {
  projectFolder: string;
  /** Null for the newest run that made something. */
  runId: number | null;
  /** Must not exist. */
  target: string;
  rollouts: boolean;
  /** Labels and traces for other trainers, beside labels.jsonl. */
  formats: readonly ExportFormat[];
  /** Forms of the model beside the Hugging Face folder, which is always written, and the adapter, if there is one. */
  modelFormats: readonly ModelFormatName[];
}

/** Paths of what was written; null where the run has no such thing. */
export interface Exported {
  runId: number;
  arm: Arm | null;
  model: string | null;
  /** PEFT folder, where the model was trained as an adapter. */
  adapter: string | null;
  onnx: string | null;
  onnxFloat16: string | null;
  labels: string | null;
  rollouts: string | null;
  /** One path per format asked for: what the other trainer is given. */
  formats: string[];
}

/** Where each form of the model lies in an export. */
const modelFolders: Readonly<Record<ModelFormatName, string>> = {
  huggingface: 'model',
  peft: 'adapter',
  onnx: 'onnx',
  'onnx-fp16': 'onnx-fp16',
};

/**
 * @param control told the bytes of the model's forms, one after the other
 * @throws AresError 'not-found' when there is nothing to export, 'usage' when the target exists, 'disk'
 */
export async function exportRun(
  { projectFolder, runId, target, rollouts, formats, modelFormats }: ExportRequest,
  control: JobControl,
): Promise<Exported> {
  refuseExisting(target);
  const store = openProject(projectFolder);
  try {
    const run = runId === null ? newestFinished(store, projectFolder) : requireRun(store, runId);
    const arm = (['policy', 'cold-start'] as const).find((made) => existsSync(trainedFolder(run.folder, made))) ?? null;
    const labels = labelRows(store, run);
    const wantsMore = rollouts || formats.length > 0 || modelFormats.length > 0;
    if (arm === null && labels.length === 0 && !wantsMore) throw nothing(run);
    if (arm === null && modelFormats.length > 0) throw noModel(run);
    let written: string[] = [];
    let forms: ModelFormatName[] = [];
    try {
      await fillFolderAtomic(resolve(target), async (temporary) => {
        if (arm !== null) forms = await writeModels(store, run, arm, modelFormats, temporary, control);
        if (labels.length > 0) writeFlushed(join(temporary, LABELS), [toJsonLines(labels)]);
        if (rollouts) writeFlushed(join(temporary, ROLLOUTS), [...rolloutLines(store, run)]);
        written = formats.map((format) =>
          join(target, relative(temporary, writeFormat(store, projectFolder, run, format, temporary))),
        );
      });
    } catch (thrown) {
      throw toAresError(thrown);
    }
    const folderOf = (form: ModelFormatName) => (forms.includes(form) ? join(target, modelFolders[form]) : null);
    return {
      runId: run.runId,
      arm,
      model: folderOf('huggingface'),
      adapter: folderOf('peft'),
      onnx: folderOf('onnx'),
      onnxFloat16: folderOf('onnx-fp16'),
      labels: labels.length === 0 ? null : join(target, LABELS),
      rollouts: rollouts ? join(target, ROLLOUTS) : null,
      formats: written,
    };
  } finally {
    store.close();
  }
}

/** Writes the forms of a run's model, each with its card. @returns which they are */
async function writeModels(
  store: Store,
  run: Run,
  arm: Exclude<Arm, 'base'>,
  asked: readonly ModelFormatName[],
  folder: string,
  control: JobControl,
): Promise<ModelFormatName[]> {
  const model = store.models.list().find((known) => known.folder === trainedFolder(run.folder, arm))!;
  const source = exportedModel([run], model);
  const forms = modelFormatNames.filter(
    (form) => form === 'huggingface' || (form === 'peft' && source.adapter !== null) || asked.includes(form),
  );
  const card = cardOf(store, model);
  for (const form of forms) {
    const into = join(folder, modelFolders[form]);
    mkdirSync(into);
    await writeModel(source, form, into, modelCardText(card, form), control);
  }
  return forms;
}

const LABELS = 'labels.jsonl';
const ROLLOUTS = 'rollouts.jsonl';

function newestFinished(store: Pick<Store, 'runs'>, where: string): Run {
  const [run] = store.runs.list(['finished']);
  if (run !== undefined) return run;
  throw new AresError('not-found', 'No run of this project is finished.', {
    where,
    hint: 'Name a run to export what it has so far.',
  });
}

function nothing(run: Run): AresError {
  return new AresError('not-found', `Run ${run.runId} has neither a trained model nor labels.`, {
    where: run.folder,
    hint: 'Add --rollouts to export its responses.',
  });
}

function noModel(run: Run): AresError {
  return new AresError('not-found', `Run ${run.runId} has no trained model.`, {
    where: run.folder,
    hint: 'Name a run that trains, or leave the form of the model out.',
  });
}

/** One row per problem this run labelled; average_accuracy is what the field calls a pass rate. */
function labelRows(store: Store, run: Run): object[] {
  const { train, baseModelId } = readRunFile(run.folder);
  const model = store.models.get(baseModelId)!;
  return readSplit(store, train).flatMap(({ problemId, id, prompt, answer, source }) => {
    const label = store.labels.history(problemId).findLast(({ runId }) => runId === run.runId);
    if (label === undefined) return [];
    const { samples, correct, temperature, maxNewTokens, intervalLow, intervalHigh, meanLengthTokens, grader } = label;
    return [
      {
        id,
        problem: prompt,
        answer,
        source,
        average_accuracy: correct / samples,
        correct,
        n: samples,
        temperature,
        max_new_tokens: maxNewTokens,
        interval_95: [intervalLow, intervalHigh],
        mean_length_tokens: meanLengthTokens,
        ...(label.meanEntropyNats === null
          ? {}
          : label.entropyTopK === null
            ? { mean_entropy_nats: label.meanEntropyNats }
            : { mean_entropy_nats_at_least: label.meanEntropyNats, entropy_top_k: label.entropyTopK }),
        grader,
        model: model.folder,
        // Nobody knows the weights behind a server.
        ...(model.served === null ? { model_sha256: model.weightsHash } : {}),
      },
    ];
  });
}

/** Every response, stage by stage and step by step, as lines. */
function* rolloutLines(store: Store, { runId }: Run): Generator<string> {
  for (const { stage, name } of store.runs.stages(runId)) {
    for (const step of store.rollouts.steps(runId, stage)) {
      const key = { runId, stage, step };
      const { problemId: ids } = store.rollouts.columns(key);
      const rows = [...new Set(ids)].flatMap((problemId) => {
        const { id, answer } = store.problems.get(problemId)!;
        return store.rollouts.ofProblem(key, problemId).map((rollout) => ({
          stage: name,
          step,
          id,
          answer,
          sample: rollout.sample,
          verdict: rollout.verdict,
          extracted: rollout.extractedAnswer,
          length_tokens: rollout.lengthTokens,
          truncated: rollout.truncated,
          parent_sample: rollout.parentSample,
          fork_position: rollout.forkPosition,
          high_entropy_count: rollout.highEntropyCount,
          bucket: rollout.bucket,
          reward: rollout.rewardParts,
          advantage: rollout.advantage,
          response: rollout.response,
        }));
      });
      yield toJsonLines(rows);
    }
  }
}
