/**
 * Calls about one trace: its tokens, what else was likely, and how it would have gone on.
 */
import type { Handlers } from '#core/contract/contract.ts';
import type { HostContext } from '#core/host/hostContext.ts';
import { readTrace, traceOf } from '#core/host/storedTrace.ts';
import { alternativesOf, forkTrace } from '#core/host/traceInspection.ts';

export function traceHandlers(
  host: HostContext,
): Pick<Handlers, 'rollouts.trace' | 'rollouts.alternatives' | 'rollouts.fork'> {
  const read = (rolloutId: number) => readTrace(host.project().store, rolloutId);
  return {
    'rollouts.trace': ({ rolloutId }) => traceOf(read(rolloutId)),
    'rollouts.alternatives': ({ rolloutId, k }) => {
      const trace = read(rolloutId);
      const about = { kind: 'alternatives', title: `Alternatives in ${trace.problem.id}`, unit: 'tokens' } as const;
      return host.jobs.run(about, (control) =>
        alternativesOf(trace, k, host.project().folder, host.inspection(), control),
      );
    },
    'rollouts.fork': ({ rolloutId, ...request }) => {
      const trace = read(rolloutId);
      const about = { kind: 'fork', title: `Fork of ${trace.problem.id}`, unit: 'tokens' } as const;
      return host.jobs.run(about, (control) =>
        forkTrace(trace, request, host.project().folder, host.inspection(), control),
      );
    },
  };
}
