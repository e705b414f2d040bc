// KL loss: k3, token coefficients, and both controllers.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  codeKlStep,
  controlKl,
  initialKlState,
  k3,
  k3Derivative,
  klCoefficients,
  meanKl,
  nextKappa,
  nextKlState,
  responseKl,
} from '#core/ares/kl.ts';
import { type KlOptions, defaultOptions } from '#core/ares/options.ts';

function options(patch: Partial<KlOptions>): KlOptions {
  return { ...defaultOptions.kl, ...patch };
}

const mask = Uint8Array.of(0, 1, 0);

/** On three easy tokens, the middle one inside a window, before any controller step. */
function coefficients(patch: Partial<KlOptions>): number[] {
  const chosen = options(patch);
  return [...klCoefficients(mask, 'easy', chosen, initialKlState(chosen))];
}

const logprob = fc.double({ min: -12, max: 0, noNaN: true });

describe('k3', () => {
  it.each([
    [-1, -1.2, 0.018731],
    [-1, -0.5, 0.148721],
    [-3, -1, 4.389056],
  ])('of (%d, %d) is %d', (own, ref, expected) => expect(k3(own, ref)).toBeCloseTo(expected, 6));

  it('is zero where policies agree, never negative, capped at 10', () => {
    fc.assert(
      fc.property(logprob, logprob, (own, ref) => {
        expect(k3(own, own)).toBe(0);
        expect(k3(own, ref)).toBeGreaterThanOrEqual(0);
        expect(k3(own, ref)).toBeLessThanOrEqual(10);
      }),
    );
    expect(k3(-1000, 0)).toBe(10);
  });

  it('has the derivative that finite differences show', () => {
    for (const [own, ref] of [
      [-1, -1.2],
      [-1, -0.5],
      [-3, -1],
      [-0.1, -9],
      [-9, -0.1],
    ] as const) {
      const numeric = (k3(own + 1e-6, ref) - k3(own - 1e-6, ref)) / 2e-6;
      expect(k3Derivative(own, ref)).toBeCloseTo(numeric, 6);
    }
  });
});

describe('coefficients', () => {
  it('are none, fixed, or weaker inside windows', () => {
    expect(coefficients({ mode: 'none' })).toEqual([0, 0, 0]);
    expect(coefficients({ mode: 'fixed', coefficient: 0.25 })).toEqual([0.25, 0.25, 0.25]);
    expect(coefficients({ mode: 'tokenwise', kappa: 0.5, rho: 0.25 })).toEqual([1, 0.25, 1]);
    expect(coefficients({ mode: 'tokenwise', kappa: 0.5, rho: 0 })).toEqual([1, 0, 1]);
  });

  it('with ρ = 1 are the per-bucket KL', () => {
    const tokenwise = options({ mode: 'tokenwise', rho: 1, kappa: 0.01, beta: { easy: 2, medium: 1, hard: 0.5 } });
    const bucket = options({ mode: 'bucket', coefficient: 0.01 });
    const start = initialKlState(bucket);
    const logBeta = { easy: Math.log(2), medium: 0, hard: Math.log(0.5) };
    const state = { ...start, code: { ...start.code, logBeta } };
    for (const name of ['easy', 'medium', 'hard'] as const) {
      expect(klCoefficients(mask, name, tokenwise, initialKlState(tokenwise))).toEqual(
        klCoefficients(mask, name, bucket, state),
      );
    }
  });
});

describe('the paper’s controller', () => {
  it('gives the golden κ and stays in its bounds', () => {
    expect(nextKappa(0.01, 0.02, 0.01, options({}))).toBeCloseTo(0.011, 12);
    expect(nextKappa(0.01, 0.01, 0.01, options({}))).toBeCloseTo(0.01, 12);
    expect(nextKappa(0.9, 10, 0.01, options({}))).toBe(1);
    expect(nextKappa(1e-4, 0, 0.01, options({}))).toBe(1e-4);
  });

  it('is driven by the tokens outside windows, over the whole length', () => {
    const kl = responseKl('easy', Float32Array.of(-1, -1), Float32Array.of(-0.5, -3), Uint8Array.of(0, 1));
    expect(controlKl(kl)).toBeCloseTo(0.148721 / 2, 6);
    expect(meanKl(kl)).toBeCloseTo((0.148721 + k3(-1, -3)) / 2, 6);
    expect(responseKl('easy', new Float32Array(0), new Float32Array(0), new Uint8Array(0))).toMatchObject({
      insideTokens: 0,
      outsideTokens: 0,
    });
  });

  it('moves only the buckets that were seen, and only in its mode', () => {
    const chosen = options({ mode: 'tokenwise' });
    const seen = responseKl('hard', Float32Array.of(-3), Float32Array.of(-1), Uint8Array.of(0));
    const next = nextKlState(initialKlState(chosen), [seen], chosen);
    expect(next.kappa.easy).toBe(0.01);
    expect(next.kappa.hard).toBeCloseTo(0.01 * (1 + 0.1 * (k3(-3, -1) / 0.2 - 1)), 12);
    expect(nextKlState(initialKlState(chosen), [seen], options({ mode: 'fixed' }))).toEqual(initialKlState(chosen));
  });
});

describe('the code’s controller', () => {
  const controller = { ...defaultOptions.kl.codeController, everyCalls: 3 };
  const start = initialKlState(options({})).code;

  it('acts at every n-th call, on the bucket of that call', () => {
    let state = codeKlStep(start, 'easy', 1, controller);
    state = codeKlStep(state, 'easy', 1, controller);
    expect(state.logBeta).toEqual(start.logBeta);
    state = codeKlStep(state, 'hard', 0.03, controller);
    expect(state.logBeta).toEqual({ easy: 0, medium: 0, hard: expect.closeTo(0.05 * 0.03 * 2, 12) });
    expect(state.errorEma.hard).toBeCloseTo(0.03 * 2, 12);
  });

  it('ignores small errors, limits large ones, and keeps β in its bounds', () => {
    const always = { ...controller, everyCalls: 1 };
    expect(codeKlStep(start, 'easy', 0.01 * 1.019, always).logBeta.easy).toBe(0);
    expect(codeKlStep(start, 'easy', 1e6, always).logBeta.easy).toBeCloseTo(0.01, 12);
    let state = start;
    for (let i = 0; i < 1000; i++) state = codeKlStep(state, 'easy', 1e6, always);
    expect(Math.exp(state.logBeta.easy)).toBeCloseTo(100, 9);
    for (let i = 0; i < 5000; i++) state = codeKlStep(state, 'easy', 0, always);
    expect(Math.exp(state.logBeta.easy)).toBeCloseTo(1e-4, 12);
  });

  it('is fed one response at a time in mode bucket', () => {
    const chosen = options({ mode: 'bucket', codeController: controller });
    const kl = responseKl('easy', Float32Array.of(-3), Float32Array.of(-1), Uint8Array.of(0));
    const next = nextKlState(initialKlState(chosen), [kl, kl, kl, kl], chosen);
    expect(next.code.calls).toBe(4);
    expect(next.code.logBeta.easy).toBeGreaterThan(0);
    expect(next.kappa).toEqual(initialKlState(chosen).kappa);
  });
});
