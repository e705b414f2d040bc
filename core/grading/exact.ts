/**
 * Exact arithmetic on Gaussian rationals (a + b·i) / d.
 *
 * Owns: numbers that are compared without rounding, however many digits they have. Every operation
 * returns null where the result is not such a number, or where it would need more than `MAX_BITS`.
 */

export interface Exact {
  readonly re: bigint;
  readonly im: bigint;
  /** Common denominator, > 0, with no factor common to all three. */
  readonly den: bigint;
}

/** Results longer than this are given up: 2^(2^100) must not cost memory or time. */
const MAX_BITS = 4_096n;
const MAX_FACTORIAL = 500n;

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [magnitude(a), magnitude(b)];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

function tooLong(value: bigint): boolean {
  return value >> MAX_BITS !== 0n && value >> MAX_BITS !== -1n;
}

/** (re + im·i) / den in lowest terms; null for a zero denominator or too long a number. */
export function exact(re: bigint, im = 0n, den = 1n): Exact | null {
  if (den === 0n || tooLong(re) || tooLong(im) || tooLong(den)) return null;
  if (den === 1n) return { re, im, den };
  const divisor = greatestCommonDivisor(greatestCommonDivisor(re, im), den) * (den < 0n ? -1n : 1n);
  return { re: re / divisor, im: im / divisor, den: den / divisor };
}

const ONE: Exact = { re: 1n, im: 0n, den: 1n };
export const I: Exact = { re: 0n, im: 1n, den: 1n };

export function isReal(a: Exact): boolean {
  return a.im === 0n;
}

function isInteger(a: Exact): boolean {
  return a.im === 0n && a.den === 1n;
}

export function equalExact(a: Exact, b: Exact): boolean {
  return a.re === b.re && a.im === b.im && a.den === b.den;
}

export function add(a: Exact, b: Exact): Exact | null {
  return exact(a.re * b.den + b.re * a.den, a.im * b.den + b.im * a.den, a.den * b.den);
}

export function negate(a: Exact): Exact {
  return { re: -a.re, im: -a.im, den: a.den };
}

export function multiply(a: Exact, b: Exact): Exact | null {
  return exact(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, a.den * b.den);
}

export function divide(a: Exact, b: Exact): Exact | null {
  const norm = b.re * b.re + b.im * b.im;
  return exact((a.re * b.re + a.im * b.im) * b.den, (a.im * b.re - a.re * b.im) * b.den, a.den * norm);
}

/** a^b for an integer b, or for b = n/2 where the root is exact. */
export function power(a: Exact, b: Exact): Exact | null {
  if (!isReal(b)) return null;
  if (b.den === 2n) {
    const root = squareRoot(a);
    return root === null ? null : power(root, { ...b, den: 1n });
  }
  if (b.den !== 1n || magnitude(b.re) > MAX_BITS) return null;
  if (b.re < 0n) {
    const inverse = divide(ONE, a);
    return inverse === null ? null : power(inverse, negate(b));
  }
  let result: Exact | null = ONE;
  let square: Exact | null = a;
  for (let exponent = b.re; exponent > 0n && result !== null; exponent >>= 1n) {
    // The square of the last round is never needed, and may be too long although the result is not.
    if (square === null) return null;
    if (exponent & 1n) result = multiply(result, square);
    if (exponent > 1n) square = multiply(square, square);
  }
  return result;
}

/** Largest r with r·r ≤ value, by Newton's iteration; value ≥ 0. */
function integerRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Principal square root of a real that is a perfect square, or the negative of one. */
export function squareRoot(a: Exact): Exact | null {
  if (!isReal(a)) return null;
  const numerator = integerRoot(magnitude(a.re));
  const denominator = integerRoot(a.den);
  if (numerator * numerator !== magnitude(a.re) || denominator * denominator !== a.den) return null;
  return a.re < 0n ? exact(0n, numerator, denominator) : exact(numerator, 0n, denominator);
}

export function absolute(a: Exact): Exact | null {
  return isReal(a) ? { ...a, re: magnitude(a.re) } : null;
}

/** The larger of two reals. */
export function larger(a: Exact, b: Exact): Exact | null {
  if (!isReal(a) || !isReal(b)) return null;
  return a.re * b.den >= b.re * a.den ? a : b;
}

/** Greatest common divisor of two integers. */
export function greatestCommonFactor(a: Exact, b: Exact): Exact | null {
  return isInteger(a) && isInteger(b) ? exact(greatestCommonDivisor(a.re, b.re)) : null;
}

/** Least common multiple of two integers. */
export function leastCommonMultiple(a: Exact, b: Exact): Exact | null {
  const divisor = greatestCommonFactor(a, b);
  return divisor === null || divisor.re === 0n ? null : exact(magnitude((a.re * b.re) / divisor.re));
}

/** Whether the decimal expansion ends. */
export function isTerminating(a: Exact): boolean {
  let den = a.den;
  for (const prime of [2n, 5n]) while (den % prime === 0n) den /= prime;
  return den === 1n;
}

export function floor(a: Exact): Exact | null {
  if (!isReal(a)) return null;
  const quotient = a.re / a.den;
  return exact(a.re < 0n && quotient * a.den !== a.re ? quotient - 1n : quotient);
}

/** n! for integers 0 ≤ n ≤ 500. */
export function factorial(a: Exact): Exact | null {
  if (!isInteger(a) || a.re < 0n || a.re > MAX_FACTORIAL) return null;
  let result = 1n;
  for (let i = 2n; i <= a.re; i++) result *= i;
  return exact(result);
}

/** n choose k for integers 0 ≤ k ≤ n ≤ 500. */
export function binomial(n: Exact, k: Exact): Exact | null {
  if (!isInteger(n) || !isInteger(k) || k.re < 0n || k.re > n.re || n.re > MAX_FACTORIAL) return null;
  let result = 1n;
  for (let i = 1n; i <= k.re; i++) result = (result * (n.re - k.re + i)) / i;
  return exact(result);
}

/**
 * A decimal literal such as "12", ".5", "3.20", "6.7e-5", with optional repeating digits.
 * @param repeating digits of the period, e.g. "36" for 0.4(36); "" for none
 */
export function parseDecimal(text: string, repeating = ''): Exact | null {
  const match = /^(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?$/.exec(text);
  if (match === null) return null;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const scale = 10n ** BigInt(fraction.length);
  let value = exact(BigInt(whole + fraction || '0'), 0n, scale);
  if (repeating !== '') {
    const tail = exact(BigInt(repeating), 0n, scale * (10n ** BigInt(repeating.length) - 1n));
    value = value === null || tail === null ? null : add(value, tail);
  }
  const shift = power({ re: 10n, im: 0n, den: 1n }, { re: BigInt(exponent), im: 0n, den: 1n });
  return value === null || shift === null ? null : multiply(value, shift);
}
