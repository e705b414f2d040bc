/**
 * Numbers and times of runs as they are shown.
 */
import type { RunRow } from '#core/contract/contract.ts';
import { bytes } from '#renderer/app/figures.ts';
import { compact } from '#renderer/kit/charts/ticks.ts';
import type { ChartUnit } from './chartPlan.ts';

/** `45 s`, `3 min 20 s`, `2 h 05 min`, `1 d 04 h`; the smaller unit is cut off. */
export function duration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const padded = (value: number) => String(value).padStart(2, '0');
  if (minutes === 0) return `${seconds} s`;
  if (hours === 0) return `${minutes} min ${padded(seconds % 60)} s`;
  if (hours < 24) return `${hours} h ${padded(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${padded(hours % 24)} h`;
}

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
