/**
 * Numbers and times of runs as they are shown.
 */
import type { RunRow } from '#core/contract/contract.ts';
import { bytes } from '#renderer/app/figures.ts';
import { compact } from '#renderer/kit/charts/ticks.ts';
import type { ChartUnit } from './chartPlan.ts';

export function percent(share: number): string {
  return `${Math.floor(100 * share)} %`;
}

/** How long a run has been at it, or was; null before it starts. */
export function workedFor({ startedMs, endedMs }: Pick<RunRow, 'startedMs' | 'endedMs'>, nowMs: number): number | null {
  return startedMs === null ? null : (endedMs ?? nowMs) - startedMs;
}

/** How a chart writes the values of its unit. */
export function chartFormat(unit: ChartUnit): (value: number) => string {
  if (unit === 'bytes') return bytes;
  if (unit === 'seconds') return (value) => `${compact(value)} s`;
  return compact;
}

/** A signed figure with a fixed number of places, minus as minus. */
export function signed(value: number, places = 3): string {
  if (!Number.isFinite(value)) return '–';
  const text = Math.abs(value).toFixed(places);
  if (Number(text) === 0) return text;
  return `${value < 0 ? '−' : '+'}${text}`;
}
