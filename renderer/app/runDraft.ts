/**
 * A run that is being written: what was chosen so far, and the request it becomes.
 *
 * Owns: how sets of problems are named in a list, what each kind of run needs, and the words for kinds.
 */
import type { DatasetInfo, PoolInfo, RunKindName, RunRequest } from '#core/contract/contract.ts';

export const kinds: readonly { value: RunKindName; label: string; description: string }[] = [
  { value: 'pipeline', label: 'Whole method', description: 'Label, cold start, policy; every model is evaluated.' },
  { value: 'label', label: 'Label only', description: 'Measures how hard each problem is for the model.' },
  { value: 'adacs', label: 'Cold start only', description: 'Label, then fine-tune on the model’s own curated traces.' },
  { value: 'aepo', label: 'Policy only', description: 'Reinforces the model as it is.' },
  { value: 'evaluate', label: 'Evaluate only', description: 'Answers the held-out problems, nothing is trained.' },
];

export type ProblemSet = NonNullable<RunRequest['train']>;

/** A set as one text, for a list box: "12", "12/split/train", "12/pool/3". */
export function setKey({ datasetId, split, poolId }: ProblemSet): string {
  if (poolId !== null) return `${datasetId}/pool/${poolId}`;
  return split === null ? String(datasetId) : `${datasetId}/split/${split}`;
}

export interface SetOption {
  value: string;
  label: string;
  /** Its name. */
  dataset: string;
  set: ProblemSet;
}

/** Everything that problems can be taken from: a dataset, its splits where it has several, its pools. */
export function setOptions(datasets: readonly DatasetInfo[], pools: readonly PoolInfo[]): SetOption[] {
  return datasets.flatMap(({ datasetId, name, problems, splits }): SetOption[] => {
    const option = (set: ProblemSet, part: string | null, count: number): SetOption => ({
      value: setKey(set),
      label: `${part === null ? name : `${name} · ${part}`} (${count.toLocaleString('en-US')})`,
      dataset: name,
      set,
    });
    const whole = { datasetId, split: null, poolId: null };
    return [
      option(whole, splits.length === 1 ? null : 'all', problems),
      ...(splits.length > 1
        ? splits.map((one) => option({ ...whole, split: one.split }, one.split, one.problems))
        : []),
      ...pools
        .filter((pool) => pool.datasetId === datasetId)
        .map((pool) => option({ ...whole, poolId: pool.poolId }, `pool ${pool.name}`, pool.problems)),
    ];
  });
}

/** The option that holds the problems of a set: that of its dataset where the set is all there is of it. */
export function optionOf(options: readonly SetOption[], set: ProblemSet): SetOption | undefined {
  const exact = options.find(({ value }) => value === setKey(set));
  if (exact !== undefined || set.poolId !== null) return exact;
  return options.find(({ value }) => value === setKey({ ...set, split: null }));
}

export const needsTrain = (kind: RunKindName) => kind !== 'evaluate';
export const needsHeldout = (kind: RunKindName) => kind !== 'label';

/** Problems to begin with: what is named as training or held out, as datasets usually are. */
export function suggestedSets(options: readonly SetOption[]): { train: string; heldout: string } {
  const named = (words: RegExp) =>
    options.find(({ set, dataset }) => words.test(set.split ?? '') || words.test(dataset));
  const train = options.find(({ set }) => set.split === 'train') ?? named(/train/i) ?? options[0];
  const sibling = options.find(({ set }) => set.datasetId === train?.set.datasetId && set.split === 'heldout');
  const heldout = sibling ?? named(/held-?out|test|valid/i);
  return { train: train?.value ?? '', heldout: heldout === undefined || heldout === train ? AUTO : heldout.value };
}

/** In the list of held-out problems: a part of the training problems. */
export const AUTO = 'auto';
