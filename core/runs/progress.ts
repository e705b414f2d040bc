/**
 * How far a run of several stages is, and how long it still takes.
 *
 * Owns: progress as plain immutable data, fed with "so many units are done at this time", and the
 * estimate from it. A stage that has not begun is estimated from the speed of those that have, by
 * the relative cost of their units. Pure: the clock is the caller's.
 */

export interface StageWork {
  name: string;
  /** Units of work: samples to draw, steps to take. */
  units: number;
  /** Cost of a unit relative to those of the other stages, for instance tokens it processes. */
  costPerUnit: number;
}

interface Observation {
  units: number;
  durationMs: number;
}

interface StageProgress extends StageWork {
  doneUnits: number;
  /** The latest ones, oldest first. */
  observations: readonly Observation[];
}

export interface Progress {
  stages: readonly StageProgress[];
  /** When something was last heard of; null while the clock stands. */
  heardMs: number | null;
}

export interface ProgressEstimate {
  /** Share of the whole work that is done, by cost, in [0, 1]. Never falls as units are done. */
  fraction: number;
  /** Index of the stage at work; the number of stages when all are done. */
  stage: number;
  /** Null before the first unit has been timed. */
  remainingMs: number | null;
}

/** Old observations are forgotten, so that the estimate follows a machine that becomes slower. */
const WINDOW = 32;
/**
 * A unit counts as at most this many typical ones. Evaluations and checkpoints between steps are part
 * of the pace; a laptop that slept for an hour is not.
 */
const OUTLIER_FACTOR = 20;

export function startProgress(work: readonly StageWork[]): Progress {
  return { stages: work.map((stage) => ({ ...stage, doneUnits: 0, observations: [] })), heardMs: null };
}

/** The run begins or goes on: time counts from here. */
export function startClock(progress: Progress, nowMs: number): Progress {
  return { ...progress, heardMs: nowMs };
}

/** The run is paused: the time until `startClock` is nobody's. */
export function stopClock(progress: Progress): Progress {
  return { ...progress, heardMs: null };
}

/**
 * Takes note that `doneUnits` units of a stage are done. Fewer than before is a run that went back to
 * its checkpoint, and says nothing about speed.
 */
export function advance(progress: Progress, stage: number, doneUnits: number, nowMs: number): Progress {
  const { heardMs } = progress;
  const stages = progress.stages.map((each, i) => {
    if (i !== stage) return each;
    const units = doneUnits - each.doneUnits;
    const timed = heardMs !== null && units > 0;
    const observations = timed ? [...each.observations, { units, durationMs: nowMs - heardMs }] : each.observations;
    return { ...each, doneUnits, observations: observations.slice(-WINDOW) };
  });
  return { stages, heardMs: heardMs === null ? null : nowMs };
}

export function estimate({ stages, heardMs }: Progress, nowMs: number): ProgressEstimate {
  const current = stages.findIndex(({ doneUnits, units }) => doneUnits < units);
  const totalCost = costOf(stages, ({ units }) => units);
  const doneCost = costOf(stages, ({ doneUnits, units }) => Math.min(doneUnits, units));
  const fraction = totalCost === 0 ? 1 : doneCost / totalCost;
  if (current === -1) return { fraction, stage: stages.length, remainingMs: 0 };

  const timed = stages.filter(({ observations }) => observations.length > 0);
  if (timed.length === 0) return { fraction, stage: current, remainingMs: null };
  const msPerCost =
    sumOf(timed, (stage) => msPerUnit(stage.observations) * timedUnits(stage)) / costOf(timed, timedUnits);

  let remainingMs = 0;
  for (const [i, stage] of stages.entries()) {
    const unitMs = stage.observations.length > 0 ? msPerUnit(stage.observations) : msPerCost * stage.costPerUnit;
    remainingMs += unitMs * Math.max(0, stage.units - stage.doneUnits);
    // Between two reports the clock runs down, but not past the unit that is being waited for.
    if (i === current && heardMs !== null) remainingMs -= Math.min(unitMs, Math.max(0, nowMs - heardMs));
  }
  return { fraction, stage: current, remainingMs };
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function costOf(stages: readonly StageProgress[], units: (stage: StageProgress) => number): number {
  return sumOf(stages, (stage) => units(stage) * stage.costPerUnit);
}

function timedUnits({ observations }: StageProgress): number {
  return sumOf(observations, ({ units }) => units);
}

/** Mean duration of a unit, outliers cut at a multiple of the median. */
function msPerUnit(observations: readonly Observation[]): number {
  const pace = ({ units, durationMs }: Observation) => durationMs / units;
  const paces = observations.map(pace).sort((a, b) => a - b);
  const limit = OUTLIER_FACTOR * paces[Math.floor((paces.length - 1) / 2)]!;
  const cut = sumOf(observations, (each) => each.units * Math.min(pace(each), limit));
  return cut / sumOf(observations, ({ units }) => units);
}

function padded(value: number): string {
  return String(value).padStart(2, '0');
}

/** `45 s`, `3 min 20 s`, `2 h 05 min`, `1 d 04 h`; the smaller unit is cut off, not rounded up. */
export function formatRemaining(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return `${seconds} s`;
  if (hours === 0) return `${minutes} min ${padded(seconds % 60)} s`;
  if (hours < 24) return `${hours} h ${padded(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${padded(hours % 24)} h`;
}
