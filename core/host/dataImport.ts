/**
 * Bringing the problems of a file into a project, while somebody watches.
 *
 * Owns: the order of an import (read, leave out, store images, fill a hidden dataset batch by batch, show
 * it), the record of what was left out and why, and that a failed or cancelled one leaves nothing behind.
 * Formats and columns are data/'s, the hidden dataset is the store's.
 */
import { rmSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { countOf } from '#core/compare/format.ts';
import type { Dataset } from '#core/data/dataset.ts';
import { readImage } from '#core/data/images.ts';
import type { ChatMessage, Mapping } from '#core/data/mapping.ts';
import { type Problem, normalisePrompt, toProblems } from '#core/data/problems.ts';
import type { SkippedRow } from '#core/store/imports.ts';
import type { NewProblem } from '#core/store/problems.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import type { JobControl } from './hostContext.ts';
import { holdOut, named } from './importData.ts';
import { imagePath, storeImage } from './projectImages.ts';

export interface DataImport {
  path: string;
  mapping: Mapping;
  /** Of the new dataset. */
  name: string;
  /** 'auto' holds a part out. */
  split: 'train' | 'heldout' | 'auto';
  /** The dataset to add to; null makes a new one. */
  appendTo: number | null;
}

export interface DataImported {
  datasetId: number;
  imported: number;
  skipped: number;
}

/** Problems per transaction: each holds the host up for some milliseconds. */
const BATCH = 1000;
const MAX_RECORDED = 1000;

/**
 * @param read the file's rows, read before or now
 * @throws AresError as readDataset and toProblems do; 'bad-data' when nothing can be used, 'interrupted' when
 *   it was cancelled, 'usage' when the name is taken
 */
export async function importFile(
  store: Store,
  projectFolder: string,
  { path, mapping, name, split, appendTo }: DataImport,
  read: () => Promise<Dataset>,
  { signal, progress }: JobControl,
): Promise<DataImported> {
  const goOn = async () => {
    await setImmediate();
    if (signal.aborted) throw new AresError('interrupted', 'The import was cancelled. Nothing was imported.');
  };
  progress(0, null);
  const dataset = await read();
  await goOn();
  const found = toProblems(dataset, mapping);
  const kept = withoutDuplicates(found.problems, found.duplicates);
  const known = appendTo === null ? new Set<Problem>() : alreadyIn(store, appendTo, kept.problems);
  const fresh = kept.problems.filter((problem) => !known.has(problem));
  const skippedRows = [
    ...dataset.bad,
    ...found.bad,
    ...kept.skipped,
    ...Array.from(known, ({ meta }) => ({ line: meta.line, reason: 'the dataset has this problem already' })),
  ].sort((a, b) => a.line - b.line);
  if (fresh.length === 0) throw nothingLeft(path, skippedRows[0]);

  const images = new Map<string, boolean>();
  const importingId = store.imports.begin(Date.now());
  try {
    const imageNames: string[][] = [];
    for (const problem of fresh) {
      if (problem.images.length > 0) await goOn();
      const names: string[] = [];
      for (const image of problem.images) {
        const stored = storeImage(projectFolder, await readImage(image));
        names.push(stored.name);
        images.set(stored.name, (images.get(stored.name) ?? false) || stored.isNew);
      }
      imageNames.push(names);
    }
    const rows = placed(fresh, imageNames, split);
    for (let start = 0; start < rows.length; start += BATCH) {
      progress(start, rows.length);
      await goOn();
      const batch = rows.slice(start, start + BATCH);
      store.problems.append(importingId, appendTo === null ? batch : renamed(store, appendTo, batch, basename(path)));
    }
    progress(rows.length, rows.length);
    await goOn();
    const createdMs = Date.now();
    const file = resolve(path);
    const datasetId = store.imports.publish(
      importingId,
      appendTo === null ? { name, file, mapping, createdMs } : { appendTo },
      {
        file,
        imported: rows.length,
        skipped: skippedRows.length,
        notes: notesOf(dataset, found.bad.length, kept.skipped.length, known.size, rows),
        bad: skippedRows.slice(0, MAX_RECORDED),
        createdMs,
      },
    );
    return { datasetId, imported: rows.length, skipped: skippedRows.length };
  } catch (thrown) {
    await discardImport(store, importingId);
    for (const [image, isNew] of images) if (isNew) rmSync(imagePath(projectFolder, image), { force: true });
    throw thrown;
  }
}

/** Takes a hidden dataset away, in batches: nobody waits for it. */
export async function discardImport(store: Pick<Store, 'imports'>, importingId: number): Promise<void> {
  while (!store.imports.discard(importingId, BATCH)) await setImmediate();
}

/** Problems whose text and images no earlier row of the file has. */
function withoutDuplicates(
  problems: readonly Problem[],
  duplicates: readonly { line: number; firstLine: number }[],
): { problems: Problem[]; skipped: SkippedRow[] } {
  const lines = new Set(duplicates.map(({ line }) => line));
  return {
    problems: problems.filter(({ meta }) => !lines.has(meta.line)),
    skipped: duplicates.map(({ line, firstLine }) => ({ line, reason: `the same problem as in line ${firstLine}` })),
  };
}

/** Those the dataset has already: the same text and the same key, which stands for the images too. */
function alreadyIn(store: Pick<Store, 'problems'>, datasetId: number, problems: readonly Problem[]): Set<Problem> {
  const identity = (key: number, prompt: string | ChatMessage[]) => `${key} ${normalisePrompt(prompt)}`;
  const stored = store.problems.withKeys(
    datasetId,
    problems.map(({ key }) => key),
  );
  // Sound: the importer stored a text or a list of messages.
  const known = new Set(stored.map(({ key, prompt }) => identity(key, JSON.parse(prompt) as string | ChatMessage[])));
  return new Set(problems.filter(({ key, prompt }) => known.size > 0 && known.has(identity(key, prompt))));
}

function placed(
  problems: readonly Problem[],
  images: readonly (readonly string[])[],
  split: DataImport['split'],
): NewProblem[] {
  const rows = named(problems, split === 'heldout' ? 'heldout' : 'train').map((row, i) => ({
    ...row,
    images: images[i]!,
  }));
  return split === 'auto' ? holdOut(rows) : rows;
}

/** Names that the dataset has already, followed by the file they come from now. */
function renamed(
  store: Pick<Store, 'problems'>,
  datasetId: number,
  rows: readonly NewProblem[],
  file: string,
): NewProblem[] {
  const taken = store.problems.takenIds(
    datasetId,
    rows.map(({ id }) => id),
  );
  if (taken.size === 0) return [...rows];
  const again = rows.map((row) => (taken.has(row.id) ? { ...row, id: `${row.id} (${file})` } : row));
  const stillTaken = store.problems.takenIds(
    datasetId,
    again.map(({ id }) => id),
  );
  return again.map((row) => (stillTaken.has(row.id) ? { ...row, id: `${row.id} ${row.key.toString(16)}` } : row));
}

function notesOf(
  dataset: Dataset,
  unusable: number,
  duplicates: number,
  known: number,
  rows: readonly NewProblem[],
): string[] {
  const heldout = rows.filter(({ split }) => split === 'heldout').length;
  const withImages = rows.filter(({ images }) => images.length > 0).length;
  const counts: [number, (count: string) => string][] = [
    [dataset.bad.length, (count) => `Could not be read: ${count}.`],
    [unusable, (count) => `Not usable under this mapping: ${count}.`],
    [duplicates, (count) => `Left out because an earlier row has the same problem: ${count}.`],
    [known, (count) => `Left out because the dataset has the problem already: ${count}.`],
  ];
  const notes = counts.filter(([count]) => count > 0).map(([count, say]) => say(countOf(count, 'row')));
  if (heldout > 0 && heldout < rows.length)
    notes.push(
      `Held out, those with the smallest hash of their text: ${countOf(heldout, 'problem')} of ${rows.length}.`,
    );
  if (withImages > 0) notes.push(`With images: ${countOf(withImages, 'problem')}.`);
  return notes;
}

function nothingLeft(where: string, first: SkippedRow | undefined): AresError {
  const why = first === undefined ? '' : ` (at ${first.line}: ${first.reason})`;
  return new AresError('bad-data', `No row of this file can be imported${why}.`, {
    where,
    hint: 'Check that the prompt and the answer are taken from the right columns.',
  });
}
