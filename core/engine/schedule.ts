/**
 * Learning-rate schedules: linear warm-up, then constant, linear or cosine decay. Pure.
 */

export interface Schedule {
  kind: 'constant' | 'linear' | 'cosine';
  peak: number;
  warmupSteps: number;
  totalSteps: number;
  /** The decay ends at this fraction of the peak. */
  finalFraction: number;
}

/**
 * @param step 0-based index of the update about to be made
 */
export function learningRateAt({ kind, peak, warmupSteps, totalSteps, finalFraction }: Schedule, step: number): number {
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  switch (kind) {
    case 'constant':
      return peak;
    case 'linear':
      return peak * (1 - (1 - finalFraction) * progress);
    case 'cosine':
      return peak * (finalFraction + (1 - finalFraction) * 0.5 * (1 + Math.cos(Math.PI * progress)));
  }
}
