/**
 * Where the problems of a new run come from: files that are imported for it, or what is stored already.
 *
 * Owns: which problems a kind of run needs, reading them with what is left out, and how run.json will name
 * them. Nothing is written before `record`.
 */
import type { RunKind } from '#core/runs/context.ts';
import type { ReadImage } from '#core/runs/promptImages.ts';
import { type RunProblem, fromStored } from '#core/runs/prompts.ts';
import type { NewProblem } from '#core/store/problems.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';
import { type ProblemSet, rangesOf, readSet, storeDataset } from './datasets.ts';
import {
  type ImportedData,
  type Split,
  heldOutNote,
  holdOut,
  importSplit,
  importWhole,
  tooFew,
  usableProblems,
  withoutHeldout,
} from './importData.ts';
import type { OpenProject } from './hostContext.ts';
import { imageReader, storeImage } from './projectImages.ts';
import type { RunFile, StoredSplit } from './runFile.ts';

export interface ProblemSource {
  train: RunProblem[];
  heldout: RunProblem[];
  /** What was left out or decided, one sentence each, for the log of the run. */
  notes: readonly string[];
  readImage: ReadImage;
  /** Puts the images of the problems into the project, where they are not there yet. */
  keepImages(projectFolder: string): Promise<void>;
  /**
   * Stores what is not stored yet; called in the transaction that creates the run.
   * @param except keys of problems that the run leaves out
   */
  record(store: Store, nowMs: number, except: ReadonlySet<number>): Pick<RunFile, 'train' | 'heldout'>;
}

/**
 * Problems from data files.
 * @param heldoutFile when absent, a part of the data is held out
 * @throws AresError as importWhole and importSplit do
 */
export async function sourceFromFiles(
  kind: RunKind,
  dataFile: string,
  heldoutFile: string | undefined,
): Promise<ProblemSource> {
  const { files, notes, images } = await importFor(kind, dataFile, heldoutFile);
  const problemsOf = (split: Split) =>
    files.flatMap(({ problems }) => problems.filter((problem) => problem.split === split)).map(toRunProblem);
  return {
    train: problemsOf('train'),
    heldout: problemsOf('heldout'),
    notes,
    readImage: async (name) => images.get(name)!,
    async keepImages(projectFolder) {
      for (const bytes of images.values()) storeImage(projectFolder, bytes);
    },
    record(store, nowMs, except) {
      const datasetIds = files.map((file) => storeDataset(store, file, nowMs));
      const storedSplit = (split: Split): StoredSplit | null => {
        const index = files.findIndex(({ problems }) => problems.some((problem) => problem.split === split));
        if (index === -1) return null;
        const set = { datasetId: datasetIds[index]!, split, poolId: null };
        const kept = readSet(store, set).filter(({ key }) => !except.has(key));
        return { ...set, problems: rangesOf(kept.map(({ problemId }) => problemId)) };
      };
      return { train: storedSplit('train'), heldout: storedSplit('heldout') };
    },
  };
}

function importFor(kind: RunKind, dataFile: string, heldoutFile: string | undefined): Promise<ImportedData> {
  if (kind === 'label') return importWhole(dataFile, 'train');
  if (kind === 'evaluate') return importWhole(dataFile, 'heldout');
  return importSplit(dataFile, heldoutFile);
}

/** Problems before they have an identity in the store. */
function toRunProblem(problem: NewProblem): RunProblem {
  return fromStored({ ...problem, problemId: 0, datasetId: 0 });
}

export interface StoredSets {
  /** Not read for evaluation alone, unless nothing else is named. */
  train: ProblemSet | null;
  /** Null: a part of `train` is held out, where the kind of run needs it. */
  heldout: ProblemSet | null;
}

/**
 * Problems that are in the project.
 * @throws AresError 'usage' when the kind of run needs problems that are not named, 'bad-data' when too few
 *   are left, 'unsupported', 'not-found'
 */
export function sourceFromStore(
  { store, folder }: OpenProject,
  kind: RunKind,
  { train, heldout }: StoredSets,
): ProblemSource {
  const notes: string[] = [];
  const read = (set: ProblemSet) => usableProblems(readSet(store, set), nameOf(store, set), notes);
  const stored = (one: Chosen | null, other: Chosen | null) => storedSource(folder, one, other, notes);
  if (kind === 'label') {
    const set = train ?? missing('label');
    return stored([set, read(set)], null);
  }
  if (kind === 'evaluate') {
    const set = heldout ?? train ?? missing('evaluate on');
    return stored(null, [set, read(set)]);
  }
  const set = train ?? missing('train on');
  const where = nameOf(store, set);
  const all = read(set);
  if (heldout !== null) {
    const held = read(heldout);
    return stored([set, withoutHeldout(all, held, where, notes)], [heldout, held]);
  }
  const divided = holdOut(all);
  const held = divided.filter(({ split }) => split === 'heldout');
  if (held.length === divided.length) throw tooFew(where);
  notes.push(heldOutNote(held.length, divided.length));
  return stored([set, divided.filter(({ split }) => split === 'train')], [set, held]);
}

type Chosen = readonly [ProblemSet, readonly Parameters<typeof fromStored>[0][]];

function storedSource(
  projectFolder: string,
  train: Chosen | null,
  heldout: Chosen | null,
  notes: readonly string[],
): ProblemSource {
  const runProblems = (chosen: Chosen | null) => (chosen === null ? [] : chosen[1].map(fromStored));
  const split = (chosen: Chosen | null, except: ReadonlySet<number>): StoredSplit | null => {
    if (chosen === null) return null;
    const kept = chosen[1].filter(({ key }) => !except.has(key));
    return { ...chosen[0], problems: rangesOf(kept.map(({ problemId }) => problemId)) };
  };
  return {
    train: runProblems(train),
    heldout: runProblems(heldout),
    notes,
    readImage: imageReader(projectFolder),
    keepImages: async () => undefined,
    record: (_store, _nowMs, except) => ({ train: split(train, except), heldout: split(heldout, except) }),
  };
}

/** "gsm8k · train", for people. */
export function nameOf(store: Pick<Store, 'problems' | 'pools'>, { datasetId, split, poolId }: ProblemSet): string {
  const dataset = store.problems.datasets().find((known) => known.datasetId === datasetId)?.name ?? 'a removed dataset';
  const part = poolId === null ? split : (store.pools.get(poolId)?.name ?? 'a removed pool');
  return part === null ? dataset : `${dataset} · ${part}`;
}

function missing(purpose: string): never {
  throw new AresError('usage', `No problems to ${purpose} are named.`, { hint: 'Choose a dataset.' });
}
