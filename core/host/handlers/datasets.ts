/**
 * The calls `datasets.*`: the list, a new name, removal.
 */
import type { DatasetInfo, Handlers } from '#core/contract/contract.ts';
import { datasetUse } from '#core/host/dataUse.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import type { Dataset } from '#core/store/problems.ts';
import type { Store } from '#core/store/store.ts';
import { AresError } from '#core/util/errors.ts';

type Subject = Pick<Handlers, 'datasets.list' | 'datasets.rename' | 'datasets.remove'>;

export function datasetHandlers(host: HostContext): Subject {
  return {
    'datasets.list': () => {
      const { store } = host.project();
      const counts = store.labels.counts();
      return store.problems.datasets().map((dataset) => infoOf(store, dataset, counts));
    },
    'datasets.rename': ({ datasetId, name }) => {
      const { store } = host.project();
      requireDataset(store, datasetId);
      store.problems.rename(datasetId, name);
      host.changes.announce('datasets');
      return {};
    },
    'datasets.remove': ({ datasetId }) => {
      const { store } = host.project();
      const { name } = requireDataset(store, datasetId);
      const use = datasetUse(store, datasetId);
      if (use !== null) {
        throw new AresError('usage', `The dataset "${name}" cannot be removed. ${use}`, {
          where: name,
          hint: 'Keep it: the results of its runs need its problems.',
        });
      }
      store.problems.remove(datasetId);
      host.changes.announce('datasets', 'labels', 'pools', 'project');
      return {};
    },
  };
}

/** @throws AresError 'not-found' */
export function requireDataset(store: Pick<Store, 'problems'>, datasetId: number): Dataset {
  const found = store.problems.datasets().find((dataset) => dataset.datasetId === datasetId);
  if (found !== undefined) return found;
  throw new AresError('not-found', `There is no dataset ${datasetId} in this project.`, {
    hint: 'It may have been removed. Choose another.',
  });
}

function infoOf(
  store: Store,
  { datasetId, name, file, problems, createdMs }: Dataset,
  counts: ReturnType<Store['labels']['counts']>,
): DatasetInfo {
  return {
    datasetId,
    name,
    file,
    problems,
    splits: store.problems.splits(datasetId),
    labelled: counts
      .filter((count) => count.datasetId === datasetId)
      .map(({ modelId, problems }) => ({ modelId, problems })),
    humanLabels: store.humanLabels.current(datasetId).length,
    createdMs,
  };
}
