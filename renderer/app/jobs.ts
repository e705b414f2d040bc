/**
 * Sentences about work that goes on.
 */
import type { Job, RunRow } from '#core/contract/contract.ts';
import { formatDuration } from '#core/compare/format.ts';

const withOwnEnd: ReadonlySet<Job['kind']> = new Set(['import', 'alternatives', 'fork', 'compare']);
/** Whether the room that asked for a job shows how it ended; the end of another is told in a message. */
export function hasOwnEnd({ kind }: Pick<Job, 'kind'>): boolean {
  return withOwnEnd.has(kind);
}

/** `120 of 400 problems · 12 s left`; nothing where there is nothing to count. */
export function jobProgress({ done, total, unit, remainingMs }: Job): string {
  if (total === null && done === 0) return '';
  const figures = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 0 });
  const amount = total === null ? `${figures(done)} ${unit}` : `${figures(done)} of ${figures(total)} ${unit}`;
  return remainingMs === null ? amount : `${amount} · ${formatDuration(remainingMs)} left`;
}

/** `42 % · 3 min 10 s left`. */
export function runProgressText({ fraction, remainingMs }: Pick<RunRow, 'fraction' | 'remainingMs'>): string {
  const percent = `${Math.floor(100 * fraction)} %`;
  return remainingMs === null ? percent : `${percent} · ${formatDuration(remainingMs)} left`;
}
