/**
 * A branch as a whole response: the part of the trace before the fork, then what was drawn.
 *
 * Owns: joining the columns, so that windows and counts are those of the whole, and comparing a branch with
 * how the trace went on.
 */
import type { GeneratedResponse, Trace } from '#core/contract/contract.ts';

type Columns = Pick<Trace, 'pieces' | 'ids' | 'logprobs' | 'entropiesNats' | 'triggers' | 'window' | 'count'>;

export function branchColumns(trace: Columns, position: number, branch: GeneratedResponse): Columns {
  const ids = new Int32Array(position + branch.ids.length);
  const columns = {
    ids,
    logprobs: new Float32Array(ids.length),
    entropiesNats: new Float32Array(ids.length),
    triggers: new Uint8Array(ids.length),
  };
  for (const name of ['ids', 'logprobs', 'entropiesNats', 'triggers'] as const) {
    columns[name].set(trace[name].subarray(0, position));
    columns[name].set(branch[name], position);
  }
  const pieces = [...trace.pieces.slice(0, position), ...branch.pieces];
  return { pieces, ...columns, window: trace.window, count: trace.count };
}

/** First token of a branch that differs from the trace, counted from the fork; null when none does. */
export function divergence(traceIds: Int32Array, position: number, branchIds: Int32Array): number | null {
  const at = branchIds.findIndex((id, i) => traceIds[position + i] !== id);
  return at === -1 ? null : at;
}
