/**
 * Calls about what runs logged, as series over steps.
 */
import type { Handlers } from '#core/contract/contract.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { requireRun } from '#core/host/runList.ts';

export function metricHandlers(host: HostContext): Pick<Handlers, 'runs.series' | 'runs.metrics'> {
  return {
    'runs.series': ({ runId }) => {
      const { store } = host.project();
      requireRun(store, runId);
      return store.metrics.summaries(runId);
    },
    'runs.metrics': ({ runId, stage, names, buckets }) => {
      const { store } = host.project();
      requireRun(store, runId);
      return names.map((name) => ({ name, ...store.metrics.readDecimated({ runId, stage, name }, buckets) }));
    },
  };
}
