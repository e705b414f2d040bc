/**
 * Data files into problems that a run can use.
 *
 * Owns: what is left out and said so (unusable rows, duplicates, problems with images, training problems
 * that are also held out), unique names, and the held-out part where a file brings none. Formats and
 * columns are data/'s.
 */
import { resolve } from 'node:path';
import { countOf } from '#core/compare/format.ts';
import { type Mapping } from '#core/data/mapping.ts';
import { type Problem, loadProblems } from '#core/data/problems.ts';
import type { NewProblem } from '#core/store/problems.ts';
import { AresError } from '#core/util/errors.ts';

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
  /** What was left out or decided, one sentence each, for the log of the run. */
  notes: string[];
}

/** One problem of so many is held out where no file says which, but never more than MAX_HELDOUT. */
const HELDOUT_OF = 5;
const MAX_HELDOUT = 500;

/**
 * Reads one file and uses all of it for one purpose.
 * @throws AresError as loadProblems does; 'unsupported' when every problem needs images
 */
export async function importWhole(path: string, split: Split): Promise<ImportedData> {
  const { file, notes } = await importFile(path, split);
  return { files: [file], notes };
}

/**
 * Reads the problems to train on and those to evaluate on, which have none in common.
 * @param heldoutPath when absent, a part of the training problems is held out
 * @throws AresError as importWhole does; 'bad-data' when nothing is left to train on
 */
export async function importSplit(path: string, heldoutPath?: string): Promise<ImportedData> {
  const { file, notes } = await importFile(path, 'train');
  if (heldoutPath === undefined) {
    const problems = holdOut(file.problems);
    const heldout = problems.filter(({ split }) => split === 'heldout').length;
    if (heldout === problems.length) throw tooFew(path);
    notes.push(
      `Held out for evaluation: ${countOf(heldout, 'problem')} of ${problems.length}, those with the smallest hash of ` +
        'their text. The rest is trained on.',
    );
    return { files: [{ ...file, problems }], notes };
  }
  const heldout = await importFile(heldoutPath, 'heldout');
  const keys = new Set(heldout.file.problems.map(({ key }) => key));
  const own = file.problems.filter(({ key }) => !keys.has(key));
  const shared = file.problems.length - own.length;
  if (own.length === 0) throw tooFew(path);
  if (shared > 0) notes.push(`Not trained on: ${countOf(shared, 'problem')} that the held-out file has too.`);
  return { files: [{ ...file, problems: own }, heldout.file], notes: [...notes, ...heldout.notes] };
}

async function importFile(path: string, split: Split): Promise<{ file: ImportedFile; notes: string[] }> {
  const { problems, bad, dataset, mapping } = await loadProblems(path);
  const notes: string[] = [];
  const name = dataset.name;
  if (bad.length > 0) {
    const { line, reason } = bad[0]!;
    notes.push(`Not usable in ${name}: ${countOf(bad.length, 'row')} (line ${line}: ${reason}).`);
  }
  const textOnly = problems.filter(({ images }) => images.length === 0);
  if (textOnly.length === 0) {
    throw new AresError('unsupported', 'Every problem of this dataset has images, which no model here can see yet.', {
      where: path,
      hint: 'Choose a dataset of text problems.',
    });
  }
  const withImages = problems.length - textOnly.length;
  if (withImages > 0) notes.push(`Left out of ${name}: ${countOf(withImages, 'problem')} with images.`);
  const seen = new Set<number>();
  const distinct = textOnly.filter(({ key }) => !seen.has(key) && seen.add(key));
  const repeated = textOnly.length - distinct.length;
  if (repeated > 0) notes.push(`Left out of ${name}: ${countOf(repeated, 'problem')} with the same text as another.`);
  return { file: { name, file: resolve(path), mapping, problems: named(distinct, split) }, notes };
}

/** Problems as the store wants them, a name that was taken before followed by the line. */
export function named(problems: readonly Problem[], split: Split): NewProblem[] {
  const taken = new Set<string>();
  return problems.map(({ key, id, prompt, answer, source, meta }) => {
    const unique = taken.has(id) ? `${id} (line ${meta.line})` : id;
    taken.add(unique);
    return { id: unique, key, prompt, answer, source, split, images: [], meta };
  });
}

/**
 * Holds out the problems with the smallest keys. A key is a hash of the problem's text, so the choice
 * is as good as random, the same in every run, and stays nearly the same when problems are added.
 */
export function holdOut(problems: readonly NewProblem[]): NewProblem[] {
  const count = Math.min(MAX_HELDOUT, Math.ceil(problems.length / HELDOUT_OF));
  const keys = problems.map(({ key }) => key).sort((a, b) => a - b);
  const limit = keys[count] ?? Infinity;
  return problems.map((problem) => ({ ...problem, split: problem.key < limit ? 'heldout' : 'train' }));
}

function tooFew(where: string): AresError {
  return new AresError('bad-data', 'There are no problems left to train on when some are held out.', {
    where,
    hint: 'Use a dataset with more problems, or name another file with --heldout.',
  });
}
