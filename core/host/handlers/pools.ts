/**
 * The calls `pools.*`: named sets of problems.
 */
import type { Handlers } from '#core/contract/contract.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { AresError } from '#core/util/errors.ts';
import { requireDataset } from './datasets.ts';

type Subject = Pick<Handlers, 'pools.list' | 'pools.save' | 'pools.remove'>;

export function poolHandlers(host: HostContext): Subject {
  return {
    'pools.list': ({ datasetId }) => host.project().store.pools.list(datasetId).slice(0, 1000),
    'pools.save': ({ datasetId, name, problemIds }) => {
      const { store } = host.project();
      requireDataset(store, datasetId);
      if (problemIds.length === 0) {
        throw new AresError('usage', 'A pool needs at least one problem.', { hint: 'Widen the filter.' });
      }
      const poolId = store.pools.add({ datasetId, name, createdMs: Date.now() }, problemIds);
      host.changes.announce('pools');
      return { poolId };
    },
    'pools.remove': ({ poolId }) => {
      host.project().store.pools.remove(poolId);
      host.changes.announce('pools');
      return {};
    },
  };
}
