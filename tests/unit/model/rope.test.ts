/** Inverse frequencies and tables against the definitions of default, linear and llama3 RoPE. */
import { describe, expect, it } from 'vitest';
import { inverseFrequencies, ropeTables } from '#core/model/rope.ts';
import type { RopeScaling } from '#core/model/ropeSpec.ts';

const withScaling = (scaling: RopeScaling | null, headDim = 128, theta = 500_000) => ({
  headDim,
  rope: { theta, scaling },
});
const llama31: RopeScaling = {
  kind: 'llama3',
  factor: 8,
  lowFreqFactor: 1,
  highFreqFactor: 4,
  originalMaxPositions: 8192,
};

describe('inverseFrequencies', () => {
  it('is theta^(−2i/d)', () => {
    expect([...inverseFrequencies(withScaling(null, 8, 10_000))]).toEqual(
      [1, 0.1, 0.01, 0.001].map((value) => Math.fround(value)),
    );
  });

  it('linear scaling divides all of them', () => {
    const plain = inverseFrequencies(withScaling(null));
    const scaled = inverseFrequencies(withScaling({ kind: 'linear', factor: 4 }));
    expect([...scaled]).toEqual([...plain].map((frequency) => frequency / 4));
  });

  it('llama3 keeps short wavelengths, divides long ones, and ramps in between', () => {
    const plain = inverseFrequencies(withScaling(null));
    const scaled = inverseFrequencies(withScaling(llama31));
    const regimes = { kept: 0, ramped: 0, divided: 0 };
    plain.forEach((frequency, i) => {
      const wavelength = (2 * Math.PI) / frequency;
      if (wavelength < 8192 / 4) {
        regimes.kept++;
        expect(scaled[i]).toBe(frequency);
      } else if (wavelength > 8192) {
        regimes.divided++;
        expect(scaled[i]).toBe(frequency / 8);
      } else {
        regimes.ramped++;
        const smooth = (8192 / wavelength - 1) / (4 - 1);
        const expected = ((1 - smooth) / 8 + smooth) * frequency;
        expect(scaled[i]! / expected).toBeCloseTo(1, 6);
      }
    });
    expect(regimes).toEqual({ kept: 29, ramped: 6, divided: 29 });
  });

  it('holds float32 values, as the reference computes with', () => {
    const values = inverseFrequencies(withScaling(llama31));
    expect([...values]).toEqual([...Float32Array.from(values)]);
  });
});

describe('ropeTables', () => {
  const config = withScaling(null, 8, 10_000);
  const { cos, sin } = ropeTables(config, 50);

  it('has one row for each position and one column for each pair', () => {
    expect(cos.length).toBe(50 * 4);
    expect(sin.length).toBe(50 * 4);
    expect([...cos.subarray(0, 4), ...sin.subarray(0, 4)]).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
  });

  it('holds cosine and sine of position × frequency', () => {
    const frequencies = inverseFrequencies(config);
    for (let position = 0; position < 50; position++) {
      for (let pair = 0; pair < 4; pair++) {
        const angle = position * frequencies[pair]!;
        expect(cos[position * 4 + pair]).toBeCloseTo(Math.cos(angle), 5);
        expect(sin[position * 4 + pair]).toBeCloseTo(Math.sin(angle), 5);
      }
    }
  });

  it('rounds the angle to float32 first, which is what the reference does far out', () => {
    const far = ropeTables(withScaling(null, 128, 1_000_000), 32_768);
    const frequency = inverseFrequencies(withScaling(null, 128, 1_000_000))[1]!;
    const position = 32_767;
    const rounded = Math.fround(Math.cos(Math.fround(position * frequency)));
    expect(rounded).not.toBe(Math.fround(Math.cos(position * frequency)));
    expect(far.cos[position * 64 + 1]).toBe(rounded);
  });
});
