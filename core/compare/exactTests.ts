/**
 * Exact small-sample tests and the correction for making several of them.
 *
 * Owns: McNemar's exact test, Holm's step-down correction, Student's t quantile. Pure numbers in,
 * pure numbers out.
 */

/**
 * Exact two-sided McNemar test: whether, among problems that exactly one arm solved, either arm is
 * the more frequent solver than a fair coin would be.
 * @param onlyFirst problems that only the first arm solved
 * @param onlySecond problems that only the second arm solved
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const discordant = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  // Summed in logarithms: 2^-n underflows beyond a thousand discordant problems.
  let logTerm = -discordant * Math.LN2;
  let tail = Math.exp(logTerm);
  for (let k = 1; k <= fewer; k++) {
    logTerm += Math.log((discordant - k + 1) / k);
    tail += Math.exp(logTerm);
  }
  return Math.min(1, 2 * tail);
}

/**
 * Holm's step-down adjusted p-values (Holm 1979), in the order given. NaN marks a test that could not
 * be made: it stays NaN and does not count towards the family.
 */
export function holm(pValues: readonly number[]): number[] {
  const tests = pValues.map((p, index) => ({ p, index })).filter(({ p }) => !Number.isNaN(p));
  tests.sort((a, b) => a.p - b.p);
  const adjusted = pValues.map(() => NaN);
  let running = 0;
  tests.forEach(({ p, index }, rank) => {
    running = Math.max(running, Math.min(1, (tests.length - rank) * p));
    adjusted[index] = running;
  });
  return adjusted;
}

/** P(|T| ≤ t) of Student's t with an integer number of degrees of freedom (Abramowitz & Stegun 26.7.3–4). */
function centralProbability(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const cosine2 = Math.cos(angle) ** 2;
  const odd = degrees % 2 === 1;
  let term = odd ? Math.cos(angle) : 1;
  let series = degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= ((k - 1) / k) * cosine2;
    series += term;
  }
  const bracket = Math.sin(angle) * series;
  return odd ? (2 / Math.PI) * (angle + bracket) : bracket;
}

/**
 * The t with P(|T| ≤ t) = coverage.
 * @param degrees degrees of freedom, a positive integer
 */
export function studentQuantile(degrees: number, coverage = 0.95): number {
  let low = 0;
  let high = 1;
  while (centralProbability(high, degrees) < coverage) high *= 2;
  // 100 halvings reach the resolution of a double from any bracket.
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (centralProbability(middle, degrees) < coverage) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
