/**
 * The call that says in which settings the recipes of runs differ.
 */
import { recipeDifferences } from '#core/compare/recipeDiff.ts';
import type { Handlers } from '#core/contract/contract.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { requireRun } from '#core/host/runList.ts';

export function recipeDiffHandlers(host: HostContext): Pick<Handlers, 'recipes.diff'> {
  return {
    'recipes.diff': ({ runIds }) => {
      const { store } = host.project();
      return recipeDifferences(runIds.map((runId) => JSON.parse(requireRun(store, runId).recipe) as unknown));
    },
  };
}
