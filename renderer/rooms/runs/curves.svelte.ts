/**
 * Curves of one or several runs, kept while they are on screen.
 *
 * Owns: asking for them again when a run has moved on, and joining the answers. The old curves stay until
 * the new ones are there. What they mean is chartPlan.ts.
 */
import { onDestroy } from 'svelte';
import type { ContractError } from '#core/contract/client.ts';
import type { MetricSeries } from '#core/contract/contract.ts';
import { useSession } from '#renderer/app/session.svelte.ts';

export interface CurveRequest {
  runId: number;
  stage: number;
  names: readonly string[];
}

export interface RunCurves {
  runId: number;
  series: readonly MetricSeries[];
}

export interface Curves {
  /** Per run that was asked for, in that order; undefined before the first answer. */
  readonly data: readonly RunCurves[] | undefined;
  readonly error: ContractError | null;
}

/** Points per curve: about one per px of a chart. */
const BUCKETS = 320;

/** @param wanted called reactively; null asks nothing */
export function curves(wanted: () => readonly CurveRequest[] | null): Curves {
  const session = useSession();
  let data = $state.raw<readonly RunCurves[]>();
  let error = $state.raw<ContractError | null>(null);
  let latest = 0;

  $effect(() => {
    const requests = wanted();
    if (requests === null) return;
    const mine = ++latest;
    Promise.all(
      requests.map(async ({ runId, stage, names }): Promise<RunCurves> => {
        const series = await session.call('runs.metrics', { runId, stage, names: [...names], buckets: BUCKETS });
        return { runId, series };
      }),
    ).then(
      (answers) => {
        if (mine !== latest) return;
        data = answers;
        error = null;
      },
      (thrown: ContractError) => {
        if (mine === latest) error = thrown;
      },
    );
  });
  onDestroy(() => void latest++);
  return {
    get data() {
      return data;
    },
    get error() {
      return error;
    },
  };
}
