/**
 * A model written to where a person wants it, in the form another program reads, with a model card.
 *
 * Owns: which forms there are of a model, and that a folder appears complete or not at all. What the card
 * says is modelCard.ts; the files of a form are the model's own.
 */
import { cp, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelFormatName, modelFormatNames } from '#core/contract/contract.ts';
import { writeOnnxFolder } from '#core/model/onnx/onnxFolder.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import { fillFolderAtomic, flush, refuseExisting, writeFlushed } from '#core/util/atomicFiles.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import type { JobControl } from './hostContext.ts';

export const CARD_FILE = 'README.md';
/** The figures of a run, which the card quotes. */
export const RESULTS_FILE = 'results.json';

export interface ExportedModel {
  /** The Hugging Face folder. */
  folder: string;
  /** The PEFT folder of a model that was trained as an adapter; null for others. */
  adapter: string | null;
  /** What the run that trained it measured; null where there is nothing. */
  results: string | null;
}

export function formatsOf({ adapter }: Pick<ExportedModel, 'adapter'>): ModelFormatName[] {
  return modelFormatNames.filter((format) => format !== 'peft' || adapter !== null);
}

/**
 * Writes a model as a new folder.
 * @param target must not exist; its parent is made if need be
 * @throws AresError 'disk', 'not-found', 'unsupported', 'usage' when the target exists, 'interrupted' when cancelled
 */
export async function exportModel(
  model: ExportedModel,
  format: ModelFormatName,
  target: string,
  card: string,
  control: JobControl,
): Promise<void> {
  refuseExisting(target);
  try {
    await fillFolderAtomic(target, async (temporary) => {
      await writeModel(model, format, temporary, card, control);
      refuseExisting(target);
    });
  } catch (thrown) {
    throw toAresError(thrown);
  }
}

/**
 * Writes a model into a folder that exists and is empty.
 * @param control told in bytes
 */
export async function writeModel(
  { folder, adapter, results }: ExportedModel,
  format: ModelFormatName,
  target: string,
  card: string,
  control: JobControl,
): Promise<void> {
  const { signal, progress } = control;
  if (format === 'huggingface') await copyFiles(folder, target, control);
  else if (format === 'peft') {
    if (adapter === null) {
      throw new AresError('not-found', 'This model was not trained as an adapter, so there is none to export.', {
        where: folder,
        hint: 'Export the whole model, or train with "adapter" in the recipe.',
      });
    }
    await copyFiles(adapter, target, control);
  } else {
    const dtype = format === 'onnx' ? 'float32' : 'float16';
    await writeOnnxFolder(target, openModelFolder(folder), { dtype }, (done, total) => {
      refuseCancelled(signal);
      progress(done, total);
    });
  }
  if (results !== null) writeFlushed(join(target, RESULTS_FILE), [await readFile(results)]);
  writeFlushed(join(target, CARD_FILE), [card]);
}

async function copyFiles(source: string, target: string, { signal, progress }: JobControl): Promise<void> {
  const names = (await readdir(source, { withFileTypes: true })).filter(
    (entry) => entry.isFile() && entry.name !== CARD_FILE,
  );
  const sizes = await Promise.all(names.map(async ({ name }) => (await stat(join(source, name))).size));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  let doneBytes = 0;
  for (const [i, { name }] of names.entries()) {
    progress(doneBytes, totalBytes);
    refuseCancelled(signal);
    await cp(join(source, name), join(target, name));
    flush(join(target, name));
    doneBytes += sizes[i]!;
  }
  progress(totalBytes, totalBytes);
}

function refuseCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new AresError('interrupted', 'The export was cancelled. Nothing was written.');
}
