/**
 * Which of the chosen arms can be compared, and why the others cannot.
 *
 * Owns: joining the evaluations of one model on several benchmarks into one arm, and the sentences that
 * say what keeps an arm apart. The host checks again, problem by problem.
 */
import type { ArmInfo } from '#core/contract/contract.ts';
import { listOf } from '#core/compare/format.ts';

/** One arm of the comparison to be asked for. */
export interface Unit {
  /** Ids of its parts, joined by `+`. */
  armId: string;
  parts: readonly ArmInfo[];
}

export interface ApartUnit extends Unit {
  reason: string;
}

export interface Selection {
  compared: Unit[];
  apart: ApartUnit[];
  /** The armId of the unit the others are measured against; null when nothing is chosen. */
  reference: string | null;
}

/**
 * @param chosen in the order in which they are to be shown
 * @param reference an arm that is part of the unit to compare against; null or absent from `chosen` for the first
 */
export function selectArms(chosen: readonly ArmInfo[], reference: string | null): Selection {
  const joined = divide(joinByModel(chosen), reference);
  if (joined.compared.length > 1) return joined;
  // One benchmark compared is worth more than two that leave a single model.
  const single = divide(
    chosen.map((arm) => unitOf(arm)),
    reference,
  );
  return single.compared.length > joined.compared.length ? single : joined;
}

function divide(units: readonly Unit[], reference: string | null): Selection {
  const base = units.find(({ parts }) => parts.some(({ armId }) => armId === reference)) ?? units[0];
  if (base === undefined) return { compared: [], apart: [], reference: null };
  const compared = units.filter((unit) => problemsOf(unit) === problemsOf(base));
  const apart = units
    .filter((unit) => !compared.includes(unit))
    .map((unit) => ({ ...unit, reason: reasonApart(unit, base) }));
  return { compared, apart, reference: base.armId };
}

/** The sets of problems a unit answered, as one value. */
function problemsOf({ parts }: Unit): string {
  return parts
    .map(({ problemsHash }) => problemsHash)
    .sort()
    .join(' ');
}

function unitOf(...parts: readonly ArmInfo[]): Unit {
  return { armId: parts.map(({ armId }) => armId).join('+'), parts };
}

/** Evaluations of the same weights on different datasets, sampled alike, taken together. */
function joinByModel(chosen: readonly ArmInfo[]): Unit[] {
  const units: ArmInfo[][] = [];
  for (const arm of chosen) {
    const unit = units.find((parts) => parts.every((part) => areOneModel(part, arm) && part.dataset !== arm.dataset));
    if (unit === undefined) units.push([arm]);
    else unit.push(arm);
  }
  return units.map((parts) => unitOf(...parts.toSorted((a, b) => (a.dataset < b.dataset ? -1 : 1))));
}

function areOneModel(a: ArmInfo, b: ArmInfo): boolean {
  return (
    a.modelKey !== null &&
    a.modelKey === b.modelKey &&
    a.temperature === b.temperature &&
    a.maxNewTokens === b.maxNewTokens
  );
}

function reasonApart(unit: Unit, base: Unit): string {
  const datasets = (parts: readonly ArmInfo[]): string[] => [...new Set(parts.map(({ dataset }) => dataset))];
  const [own, wanted] = [datasets(unit.parts), datasets(base.parts)];
  const missing = wanted.filter((dataset) => !own.includes(dataset));
  if (base.parts.length > 1 && missing.length < wanted.length && missing.length > 0) {
    return `Was evaluated on ${listOf(own)}, but not on ${listOf(missing)}.`;
  }
  const problems = unit.parts.reduce((sum, part) => sum + part.problems, 0);
  const shared = unit.parts.reduce((sum, part) => sum + (part.shared ?? 0), 0);
  const theirs = base.parts.reduce((sum, part) => sum + part.problems, 0);
  if (shared === 0) return `Answered other problems: ${problems} of ${listOf(own)}.`;
  return `Answered ${problems} problems of which ${shared} are among the ${theirs} compared here; all must be.`;
}
