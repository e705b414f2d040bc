/**
 * Calls about rollouts as they are stored: which steps there are, a step in columns, a group.
 */
import type { Handlers } from '#core/contract/contract.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { rolloutInfo } from '#core/host/rolloutInfo.ts';
import { requireRun } from '#core/host/runList.ts';

export function rolloutHandlers(
  host: HostContext,
): Pick<Handlers, 'rollouts.steps' | 'rollouts.columns' | 'rollouts.group'> {
  return {
    'rollouts.steps': ({ runId }) => {
      const { store } = host.project();
      requireRun(store, runId);
      return store.runs
        .stages(runId)
        .map(({ stage, name }) => ({ stage, name, steps: Int32Array.from(store.rollouts.steps(runId, stage)) }));
    },
    'rollouts.columns': (key) => host.project().store.rollouts.columns(key),
    'rollouts.group': ({ problemId, ...key }) =>
      host.project().store.rollouts.ofProblem(key, problemId).map(rolloutInfo),
  };
}
