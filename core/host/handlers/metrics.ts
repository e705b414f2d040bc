/**
 * Calls about what runs logged, as series over steps.
 */
import type { Handlers, MetricSeries } from '#core/contract/contract.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { requireRun } from '#core/host/runList.ts';
import { createBreather } from '#core/util/breather.ts';

export function metricHandlers(host: HostContext): Pick<Handlers, 'runs.series' | 'runs.metrics'> {
  return {
    'runs.series': ({ runId }) => {
      const { store } = host.project();
      requireRun(store, runId);
      return store.metrics.summaries(runId);
    },
    'runs.metrics': async ({ runId, stage, names, buckets }) => {
      const { store } = host.project();
      requireRun(store, runId);
      const breathe = createBreather();
      const series: MetricSeries[] = [];
      for (const name of names) {
        series.push({ name, ...store.metrics.readDecimated({ runId, stage, name }, buckets) });
        await breathe();
      }
      return series;
    },
  };
}
