/**
 * Least squares with one predictor, for the law E[L] = a + b·E[N_HE] (METHOD §1.6).
 *
 * Owns: the fit and its correlation; drawing it is scatterChart.ts.
 */
export interface Regression {
  intercept: number;
  slope: number;
  /** Pearson's correlation; NaN where either variable does not vary. */
  correlation: number;
  points: number;
}

/** Fit of y on x; slope NaN where x does not vary. */
export function linearRegression(x: ArrayLike<number>, y: ArrayLike<number>): Regression {
  const points = x.length;
  let meanX = 0;
  let meanY = 0;
  for (let i = 0; i < points; i++) {
    meanX += x[i]! / points;
    meanY += y[i]! / points;
  }
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let i = 0; i < points; i++) {
    const dx = x[i]! - meanX;
    const dy = y[i]! - meanY;
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  const slope = xx === 0 ? NaN : xy / xx;
  return { intercept: meanY - slope * meanX, slope, correlation: xy / Math.sqrt(xx * yy), points };
}
