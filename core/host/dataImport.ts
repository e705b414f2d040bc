/**
 * Bringing the problems of files into a project, while somebody watches.
 *
 * Owns: the order of an import (take batches from the reading process, leave out what is there already, store
 * images, fill a hidden dataset, show it), the record of what was left out and why, and that a failed or
 * cancelled one leaves nothing behind. No more than a batch is held. Formats and columns are data/'s, the hidden
 * dataset is the store's.
 */
import { rmSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { countOf } from '#core/compare/format.ts';
import type { ChatMessage, Mapping } from '#core/data/mapping.ts';
import { normalisePrompt } from '#core/data/problems.ts';
import type { DataReader } from '#core/data/reader.ts';
import type { ProblemColumns as ReadColumns, ProblemsRequest } from '#core/data/readerMessages.ts';
import { currentOwner, hasEnded, systemProcesses } from '#core/runs/processIdentity.ts';
import type { ProblemColumns, SkippedRow } from '#core/store/imports.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import { HoldOutChoice } from './importData.ts';
import { imagePath, storeImage } from './projectImages.ts';

export interface DataImport {
  /** One after another into the same dataset. */
  files: readonly {
    path: string;
    mapping: ProblemsRequest['mapping'];
  }[];
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

export interface ImportControl {
  /** Aborted, the import ends with nothing imported. */
  signal: AbortSignal;
  /** @param totalBytes null where it is not known */
  progress(readBytes: number, totalBytes: number | null, problems: number): void;
}

/** What it works with. */
export interface ImportPlace {
  store: Store;
  /** Where images go. */
  projectFolder: string;
  reader: Pick<DataReader, 'problems'>;
}

/** Problems taken away per transaction: each holds the host up for some milliseconds. */
const DISCARDED = 1000;

/**
 * @throws AresError as DataReader.problems does; 'bad-data' when nothing can be used, 'interrupted' when it was
 *   cancelled, 'usage' when the name is taken
 */
export async function importFiles(
  place: ImportPlace,
  request: DataImport,
  { signal, progress }: ImportControl,
): Promise<DataImported> {
  const { store, projectFolder } = place;
  const { files, name, split, appendTo } = request;
  const importingId = store.imports.begin(Date.now(), currentOwner(Date.now()));
  const all = new Importing(place, importingId, request);
  try {
    progress(0, null, 0);
    let bytesBefore = 0;
    for (const file of files) {
      const readBytes = await all.takeFile(file, signal, (done, total) =>
        progress(bytesBefore + done, total, all.imported),
      );
      bytesBefore += readBytes;
    }
    if (signal.aborted) throw new AresError('interrupted', 'The import was cancelled. Nothing was imported.');
    if (all.imported === 0) throw nothingLeft(files.map(({ path }) => path).join(', '), all.firstSkipped);
    const holdOut = split === 'auto' ? all.holdOut.choice(all.imported) : null;
    const as =
      appendTo === null
        ? { name, file: resolve(files[0]!.path), mapping: all.mapping, createdMs: Date.now() }
        : { appendTo };
    const datasetId = store.imports.publish(importingId, as, holdOut);
    return { datasetId, imported: all.imported, skipped: all.skipped };
  } catch (thrown) {
    await discardImport(store, importingId);
    for (const image of all.newImages) rmSync(imagePath(projectFolder, image), { force: true });
    throw thrown;
  }
}

/** An import at work: what it has taken so far. */
class Importing {
  imported = 0;
  skipped = 0;
  firstSkipped: SkippedRow | undefined;
  /** Of the first file, as it was used. */
  mapping: Mapping | null = null;
  readonly holdOut = new HoldOutChoice();
  readonly newImages = new Set<string>();
  readonly #place: ImportPlace;
  readonly #importingId: number;
  readonly #request: DataImport;
  #files = 0;

  constructor(place: ImportPlace, importingId: number, request: DataImport) {
    this.#place = place;
    this.#importingId = importingId;
    this.#request = request;
  }

  /** @returns the size of the file, about */
  async takeFile(
    { path, mapping }: DataImport['files'][number],
    signal: AbortSignal,
    report: (readBytes: number, total: number | null) => void,
  ): Promise<number> {
    const { store, reader } = this.#place;
    const importId = store.imports.open(this.#importingId, resolve(path), Date.now());
    const counts = { unreadable: 0, unusable: 0, repeated: 0, known: 0, imported: 0, withImages: 0 };
    let sizeBytes = 0;
    for await (const { start, columns } of reader.problems({ path, mapping, images: true }, signal)) {
      this.mapping ??= start.mapping;
      sizeBytes = start.sizeBytes;
      const known = this.#known(columns);
      const images = this.#storeImages(columns);
      const kept = columns.line.map((_, i) => i).filter((i) => !known.has(i));
      const skipped = [
        ...columns.skipped,
        ...Array.from(known, (i) => ({ line: columns.line[i]!, reason: 'the dataset has this problem already' })),
      ].sort((a, b) => a.line - b.line);
      store.imports.add(this.#importingId, importId, this.#stored(columns, kept, images, path), skipped);
      for (const i of kept) this.holdOut.see(columns.key[i]!);
      counts.unreadable += columns.unreadable;
      counts.unusable += columns.unusable;
      counts.repeated += columns.repeated.length;
      counts.known += known.size;
      counts.imported += kept.length;
      counts.withImages += kept.filter((i) => columns.imageCount[i]! > 0).length;
      this.imported += kept.length;
      this.skipped += skipped.length;
      this.firstSkipped ??= skipped[0];
      report(Math.min(columns.readBytes, sizeBytes), this.#request.files.length === 1 ? sizeBytes : null);
      // Whoever asks the host for something gets an answer between two batches.
      await setImmediate();
    }
    this.#files++;
    const { imported } = counts;
    store.imports.close(importId, {
      imported,
      skipped: skippedOf(counts),
      notes: notesOf(counts, this.#request.split),
    });
    return sizeBytes;
  }

  /** Places in a batch of problems that the dataset, or an earlier file of this import, has already. */
  #known({ key, prompt }: ReadColumns): Set<number> {
    const { store } = this.#place;
    const { appendTo } = this.#request;
    const datasets = [...(appendTo === null ? [] : [appendTo]), ...(this.#files > 0 ? [this.#importingId] : [])];
    const stored = datasets.flatMap((datasetId) => store.problems.withKeys(datasetId, key));
    if (stored.length === 0) return new Set();
    // The same text and the same key, which stands for the images too.
    const identity = (key: number, prompt: string) =>
      // Sound: the importer stored a text or a list of messages.
      `${key} ${normalisePrompt(JSON.parse(prompt) as string | ChatMessage[])}`;
    const known = new Set(stored.map(({ key, prompt }) => identity(key, prompt)));
    return new Set(key.map((_, i) => i).filter((i) => known.has(identity(key[i]!, prompt[i]!))));
  }

  /** Names of the images of each problem in a batch, as JSON. */
  #storeImages({ imageCount, images }: ReadColumns): string[] {
    let at = 0;
    return imageCount.map((count) => {
      if (count === 0) return '[]';
      const names = images.slice(at, at + count).map((bytes) => {
        const { name, isNew } = storeImage(this.#place.projectFolder, bytes);
        if (isNew) this.newImages.add(name);
        return name;
      });
      at += count;
      return JSON.stringify(names);
    });
  }

  #stored(columns: ReadColumns, kept: readonly number[], images: readonly string[], path: string): ProblemColumns {
    const of = <T>(values: readonly T[]): readonly T[] =>
      kept.length === values.length ? values : kept.map((i) => values[i]!);
    const id = of(columns.id);
    const line = of(columns.line);
    const key = of(columns.key);
    const { appendTo, split, files } = this.#request;
    const isShared = appendTo !== null || files.length > 1;
    const taken = appendTo === null ? new Set<string>() : this.#place.store.problems.takenIds(appendTo, id);
    const ids = id.map((id, i) => {
      const named = isShared ? [`${id} (${basename(path)})`] : [`${id} (line ${line[i]!})`];
      // A text may come twice in a file only with other images, so that key and line are never both taken.
      const last = `${id} ${key[i]!.toString(16)} (${basename(path)}, line ${line[i]!})`;
      return taken.has(id) ? this.#free(appendTo!, [...named, last]) : [id, ...named, last];
    });
    return {
      ids,
      key,
      prompt: of(columns.prompt),
      answer: of(columns.answer),
      source: of(columns.source),
      split: split === 'heldout' ? 'heldout' : 'train',
      images: of(images),
      meta: of(columns.meta),
    };
  }

  /** Names that the dataset appended to has not. */
  #free(datasetId: number, names: readonly string[]): string[] {
    const taken = this.#place.store.problems.takenIds(datasetId, names);
    return names.filter((name) => !taken.has(name));
  }
}

/** Takes a hidden dataset away, in batches: nobody waits for it. */
export async function discardImport(store: Pick<Store, 'imports'>, importingId: number): Promise<void> {
  while (!store.imports.discard(importingId, DISCARDED)) await setImmediate();
}

/** Takes away what imports left whose process has died. */
export async function discardDeadImports(store: Pick<Store, 'imports'>): Promise<void> {
  for (const { importingId, owner } of store.imports.unfinished()) {
    if (owner === null || hasEnded(owner, systemProcesses)) await discardImport(store, importingId);
  }
}

interface FileCounts {
  unreadable: number;
  unusable: number;
  repeated: number;
  known: number;
  imported: number;
  withImages: number;
}

function skippedOf({ unreadable, unusable, repeated, known }: FileCounts): number {
  return unreadable + unusable + repeated + known;
}

function notesOf(counts: FileCounts, split: DataImport['split']): string[] {
  const sentences: [number, (count: string) => string][] = [
    [counts.unreadable, (count) => `Could not be read: ${count}.`],
    [counts.unusable, (count) => `Not usable under this mapping: ${count}.`],
    [counts.repeated, (count) => `Left out because an earlier row has the same problem: ${count}.`],
    [counts.known, (count) => `Left out because the dataset has the problem already: ${count}.`],
  ];
  const notes = sentences.filter(([count]) => count > 0).map(([count, say]) => say(countOf(count, 'row')));
  if (split === 'auto') notes.push('A part is held out: the problems with the smallest hash of their text.');
  if (counts.withImages > 0) notes.push(`With images: ${countOf(counts.withImages, 'problem')}.`);
  return notes;
}

function nothingLeft(where: string, first: SkippedRow | undefined): AresError {
  const why = first === undefined ? '' : ` (at ${first.line}: ${first.reason})`;
  return new AresError('bad-data', `No row of this file can be imported${why}.`, {
    where,
    hint: 'Check that the prompt and the answer are taken from the right columns.',
  });
}
