/**
 * Data files into problems that a run can use.
 *
 * Owns: what is left out and said so (unusable rows, duplicates, images that cannot be read, training problems
 * that are also held out), unique names, and the held-out part where a file brings none. Formats and
 * columns are data/'s.
 */
import { resolve } from 'node:path';
import { countOf } from '#core/compare/format.ts';
import type { Mapping } from '#core/data/mapping.ts';
import type { BadRow } from '#core/data/cells.ts';
import type { ProblemMeta } from '#core/data/problems.ts';
import { createDataReader } from '#core/data/reader.ts';
import type { ProblemColumns, ReadStart } from '#core/data/readerMessages.ts';
import type { NewProblem } from '#core/store/problems.ts';
import { AresError } from '#core/util/errors.ts';
import { storedImageName } from './projectImages.ts';

export type Split = 'train' | 'heldout';

/** One file, as it goes into the store. */
export interface ImportedFile {
  name: string;
  /** Absolute path. */
  file: string;
  mapping: Mapping;
  problems: NewProblem[];
}

export interface ImportedData {
  files: ImportedFile[];
  /** The images of the problems, by the names that the problems have them under. */
  images: ReadonlyMap<string, Uint8Array>;
  /** What was left out or decided, one sentence each, for the log of the run. */
  notes: string[];
}

/** One problem of so many is held out where no file says which, but never more than MAX_HELDOUT. */
const HELDOUT_OF = 5;
const MAX_HELDOUT = 500;

/**
 * Reads one file and uses all of it for one purpose.
 * @throws AresError as DataReader.problems does; 'bad-data' when no row can be used
 */
export async function importWhole(path: string, split: Split): Promise<ImportedData> {
  const { file, images, notes } = await importFile(path, split);
  return { files: [file], images, notes };
}

/**
 * Reads the problems to train on and those to evaluate on, which have none in common.
 * @param heldoutPath when absent, a part of the training problems is held out
 * @throws AresError as importWhole does; 'bad-data' when nothing is left to train on
 */
export async function importSplit(path: string, heldoutPath?: string): Promise<ImportedData> {
  const { file, images, notes } = await importFile(path, 'train');
  if (heldoutPath === undefined) {
    const problems = holdOut(file.problems);
    const heldout = problems.filter(({ split }) => split === 'heldout').length;
    if (heldout === problems.length) throw tooFew(path);
    notes.push(heldOutNote(heldout, problems.length));
    return { files: [{ ...file, problems }], images, notes };
  }
  const heldout = await importFile(heldoutPath, 'heldout');
  const own = withoutHeldout(file.problems, heldout.file.problems, path, notes);
  return {
    files: [{ ...file, problems: own }, heldout.file],
    images: new Map([...images, ...heldout.images]),
    notes: [...notes, ...heldout.notes],
  };
}

async function importFile(
  path: string,
  split: Split,
): Promise<{ file: ImportedFile; images: Map<string, Uint8Array>; notes: string[] }> {
  const reader = createDataReader();
  const problems: (NewProblem & { meta: ProblemMeta })[] = [];
  const images = new Map<string, Uint8Array>();
  let start: ReadStart | undefined;
  let [unusable, repeated] = [0, 0];
  let first: BadRow | undefined;
  try {
    for await (const batch of reader.problems({ path, mapping: { guessExcept: {} }, images: true })) {
      const { columns } = batch;
      start = batch.start;
      unusable += columns.unreadable + columns.unusable;
      repeated += columns.repeated.length;
      first ??= columns.skipped.find(({ line }) => !columns.repeated.includes(line));
      let next = 0;
      columns.id.forEach((id, i) => {
        const own = columns.images.slice(next, (next += columns.imageCount[i]!)).map((bytes) => {
          const name = storedImageName(bytes);
          images.set(name, bytes);
          return name;
        });
        problems.push({ ...problemOf(columns, i, id), images: own });
      });
    }
  } finally {
    reader.close();
  }
  if (start === undefined || problems.length === 0) throw nothingUsable(path, first);
  const { name, mapping } = start;
  const notes: string[] = [];
  if (first !== undefined)
    notes.push(`Not usable in ${name}: ${countOf(unusable, 'row')} (line ${first.line}: ${first.reason}).`);
  if (repeated > 0) notes.push(sameText(name, repeated));
  const distinct = usableProblems(problems, name, notes);
  return { file: { name, file: resolve(path), mapping, problems: named(distinct, split) }, images, notes };
}

/** A problem out of a batch, without its images. */
function problemOf(columns: ProblemColumns, i: number, id: string): NewProblem & { meta: ProblemMeta } {
  return {
    id,
    key: columns.key[i]!,
    prompt: JSON.parse(columns.prompt[i]!) as unknown,
    answer: columns.answer[i]!,
    source: columns.source[i]!,
    split: '',
    images: [],
    // Sound: the reader wrote it.
    meta: JSON.parse(columns.meta[i]!) as ProblemMeta,
  };
}

function nothingUsable(where: string, first: BadRow | undefined): AresError {
  const why = first === undefined ? '' : ` (at ${first.line}: ${first.reason})`;
  return new AresError('bad-data', `No row of this dataset can be used${why}.`, {
    where,
    hint: 'Check that the prompt and the answer are taken from the right columns.',
  });
}

function sameText(name: string, count: number): string {
  return `Left out of ${name}: ${countOf(count, 'problem')} with the same text as another.`;
}

/**
 * What a run can use of some problems: each text with its images once.
 * @param notes gets a sentence for what is left out
 */
export function usableProblems<P extends { key: number }>(problems: readonly P[], name: string, notes: string[]): P[] {
  const seen = new Set<number>();
  const distinct = problems.filter(({ key }) => !seen.has(key) && seen.add(key));
  const repeated = problems.length - distinct.length;
  if (repeated > 0) notes.push(sameText(name, repeated));
  return distinct;
}

/** Problems as the store wants them, a name that was taken before followed by the line. */
export function named(
  problems: readonly (Omit<NewProblem, 'split' | 'meta'> & { meta: ProblemMeta })[],
  split: Split,
): NewProblem[] {
  const taken = new Set<string>();
  return problems.map(({ key, id, prompt, answer, source, images, meta }) => {
    const unique = taken.has(id) ? `${id} (line ${meta.line})` : id;
    taken.add(unique);
    return { id: unique, key, prompt, answer, source, split, images, meta };
  });
}

/**
 * Holds out the problems with the smallest keys. A key is a hash of the problem's text, so the choice
 * is as good as random, the same in every run, and stays nearly the same when problems are added.
 */
export function holdOut<P extends { key: number }>(problems: readonly P[]): (P & { split: Split })[] {
  const count = Math.min(MAX_HELDOUT, Math.ceil(problems.length / HELDOUT_OF));
  const keys = problems.map(({ key }) => key).sort((a, b) => a - b);
  const limit = keys[count] ?? Infinity;
  return problems.map((problem) => ({ ...problem, split: problem.key < limit ? 'heldout' : 'train' }));
}

/** The choice of `holdOut` where keys come one after another and are not kept. */
export class HoldOutChoice {
  /** The smallest keys, one more than are ever held out, in no order until they are needed. */
  #smallest: number[] = [];
  #limit = Infinity;

  see(key: number): void {
    if (key >= this.#limit) return;
    this.#smallest.push(key);
    if (this.#smallest.length > 4 * MAX_HELDOUT) this.#trim();
  }

  /** @param problems how many there are; those with keys below the result are held out */
  choice(problems: number): { below: number } {
    this.#trim();
    const count = Math.min(MAX_HELDOUT, Math.ceil(problems / HELDOUT_OF));
    return { below: this.#smallest[count] ?? 2 ** 32 };
  }

  #trim(): void {
    this.#smallest = this.#smallest.sort((a, b) => a - b).slice(0, MAX_HELDOUT + 1);
    if (this.#smallest.length > MAX_HELDOUT) this.#limit = this.#smallest.at(-1)!;
  }
}

export function heldOutNote(heldout: number, all: number): string {
  return (
    `Held out for evaluation: ${countOf(heldout, 'problem')} of ${all}, those with the smallest hash of their text. ` +
    'The rest is trained on.'
  );
}

/**
 * Problems to train on that are not among those to evaluate on.
 * @param notes gets a sentence when some are
 * @throws AresError 'bad-data' when nothing is left
 */
export function withoutHeldout<P extends { key: number }>(
  train: readonly P[],
  heldout: readonly { key: number }[],
  where: string,
  notes: string[],
): P[] {
  const keys = new Set(heldout.map(({ key }) => key));
  const own = train.filter(({ key }) => !keys.has(key));
  const shared = train.length - own.length;
  if (own.length === 0) throw tooFew(where);
  if (shared > 0) notes.push(`Not trained on: ${countOf(shared, 'problem')} that the held-out problems have too.`);
  return own;
}

export function tooFew(where: string): AresError {
  return new AresError('bad-data', 'There are no problems left to train on when some are held out.', {
    where,
    hint: 'Use more problems, or name others to hold out.',
  });
}
