/**
 * Complex floating-point arithmetic that carries a bound on its own rounding error.
 *
 * Owns: numbers that have no exact form here (π, √2, sin 1) and how wrong they can be, so that two of
 * them are called equal only within what rounding explains: 10¹²·√2 and (10¹²+1)·√2 differ, sin π and
 * 0 do not. The bounds are first order with a safety factor, not a proof.
 */

export interface Approximate {
  readonly re: number;
  readonly im: number;
  /** Bound on the absolute error. */
  readonly error: number;
}

/** Twice the unit roundoff of double precision: room for functions that are off by one place. */
const ROUNDING = 2 ** -52;
/**
 * A result known no better than this says nothing about equality: relative to its size, and absolute, so that
 * no huge number ever equals its successor.
 */
const MAX_RELATIVE_ERROR = 1e-9;
const MAX_ERROR = 0.05;

function size(a: Approximate): number {
  return Math.hypot(a.re, a.im);
}

/** A value with the error of its operands' errors carried over, plus its own rounding. */
function rounded(re: number, im: number, carried: number): Approximate {
  return { re, im, error: carried + ROUNDING * Math.hypot(re, im) };
}

export function approximate(re: number, im = 0): Approximate {
  return rounded(re, im, 0);
}

const NOTHING: Approximate = { re: NaN, im: NaN, error: NaN };

export function add(a: Approximate, b: Approximate): Approximate {
  return rounded(a.re + b.re, a.im + b.im, a.error + b.error);
}

export function negate(a: Approximate): Approximate {
  return { re: -a.re, im: -a.im, error: a.error };
}

export function multiply(a: Approximate, b: Approximate): Approximate {
  return rounded(
    a.re * b.re - a.im * b.im,
    a.re * b.im + a.im * b.re,
    size(a) * b.error + size(b) * a.error + (a.im === 0 && b.im === 0 ? 0 : ROUNDING * size(a) * size(b)),
  );
}

export function divide(a: Approximate, b: Approximate): Approximate {
  const norm = b.re * b.re + b.im * b.im;
  const bSize = Math.sqrt(norm);
  return rounded(
    (a.re * b.re + a.im * b.im) / norm,
    (a.im * b.re - a.re * b.im) / norm,
    (a.error + (size(a) / bSize) * b.error) / bSize + (ROUNDING * size(a)) / bSize,
  );
}

/** Principal logarithm. */
export function logarithm(a: Approximate): Approximate {
  return rounded(Math.log(size(a)), Math.atan2(a.im, a.re), a.error / size(a) + ROUNDING);
}

export function exponential(a: Approximate): Approximate {
  const radius = Math.exp(a.re);
  return rounded(radius * Math.cos(a.im), radius * Math.sin(a.im), radius * (a.error + ROUNDING * (1 + size(a))));
}

/** Integer exponents up to this are multiplied out, which is more precise than logarithms. */
const MAX_MULTIPLIED = 64;

/** Principal value of a^b. */
export function power(a: Approximate, b: Approximate): Approximate {
  const n = b.re;
  if (b.im === 0 && b.error === 0 && Number.isInteger(n) && n > 0 && n <= MAX_MULTIPLIED) {
    let product = a;
    for (let i = 1; i < n; i++) product = multiply(product, a);
    return product;
  }
  if (a.re === 0 && a.im === 0) return b.re > 0 ? { re: 0, im: 0, error: a.error } : NOTHING;
  return exponential(multiply(b, logarithm(a)));
}

export function squareRoot(a: Approximate): Approximate {
  const radius = Math.sqrt(size(a));
  if (radius === 0) return { re: 0, im: 0, error: Math.sqrt(a.error) };
  const carried = a.error / (2 * radius);
  if (a.im === 0) return a.re > 0 ? rounded(radius, 0, carried) : rounded(0, radius, carried);
  const half = Math.atan2(a.im, a.re) / 2;
  return rounded(radius * Math.cos(half), radius * Math.sin(half), carried + ROUNDING * radius);
}

/** The real n-th root for a real radicand where one exists, else the principal one. */
export function root(a: Approximate, n: Approximate): Approximate {
  const odd = Number.isInteger(n.re) && n.im === 0 && Math.abs(n.re % 2) === 1;
  if (odd && a.im === 0 && a.re < 0) return negate(root(negate(a), n));
  return power(a, divide(approximate(1), n));
}

/** Applies a real function with its derivative; not a number off the real line. */
export function applyReal(a: Approximate, f: (x: number) => number, derivative: (x: number) => number): Approximate {
  if (a.im !== 0) return NOTHING;
  return rounded(f(a.re), 0, Math.abs(derivative(a.re)) * a.error);
}

/** The larger of two reals; not a number off the real line. */
export function larger(a: Approximate, b: Approximate): Approximate {
  if (a.im !== 0 || b.im !== 0) return NOTHING;
  return a.re >= b.re ? a : b;
}

export function absolute(a: Approximate): Approximate {
  return rounded(size(a), 0, a.error);
}

/** Whether the value is known well enough to decide anything. */
export function isUsable(a: Approximate): boolean {
  const bound = Math.min(MAX_ERROR, MAX_RELATIVE_ERROR * Math.max(1, size(a)));
  return Number.isFinite(a.re) && Number.isFinite(a.im) && a.error <= bound;
}

/** Equal within what rounding explains. Both must be usable. */
export function agree(a: Approximate, b: Approximate): boolean {
  return Math.hypot(a.re - b.re, a.im - b.im) <= 2 * (a.error + b.error);
}
