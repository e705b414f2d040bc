/**
 * Rotary positions as numbers: inverse frequencies and tables of cosines and sines.
 *
 * Owns: the formulas of transformers for default, linear and llama3 RoPE. Every step is rounded to
 * float32 because transformers computes them in float32, and at position 30 000 the difference to
 * exact arithmetic is already visible in the logits. Applying the rotation is the graph's business.
 */
import type { TextConfig } from './config.ts';
import type { RopeScaling } from './ropeSpec.ts';

type Rotation = Pick<TextConfig, 'headDim' | 'rope'>;

const { fround } = Math;

/**
 * Radians per position of each pair of dimensions.
 * @returns [headDim / 2], each value representable in float32
 */
export function inverseFrequencies({ headDim, rope }: Rotation): Float64Array {
  const frequencies = new Float64Array(headDim / 2);
  for (let pair = 0; pair < frequencies.length; pair++) {
    const wavelengthOver2Pi = fround(rope.theta ** fround((2 * pair) / headDim));
    frequencies[pair] = scaled(fround(1 / wavelengthOver2Pi), rope.scaling);
  }
  return frequencies;
}

/**
 * Cosine and sine of position × frequency.
 * @param positions number of rows, for positions 0 … positions − 1
 * @returns two tables [positions, headDim / 2]
 */
export function ropeTables(config: Rotation, positions: number): { cos: Float32Array; sin: Float32Array } {
  const frequencies = inverseFrequencies(config);
  const pairs = frequencies.length;
  const cos = new Float32Array(positions * pairs);
  const sin = new Float32Array(positions * pairs);
  for (let position = 0, at = 0; position < positions; position++) {
    for (let pair = 0; pair < pairs; pair++, at++) {
      const angle = fround(position * frequencies[pair]!);
      cos[at] = Math.cos(angle);
      sin[at] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/**
 * As ropeTables, with a position of its own on each of three axes per row: the first `sections[0]` pairs
 * rotate with the first axis, the next `sections[1]` with the second, the rest with the third.
 * @param axes [rows] each
 * @returns two tables [rows, headDim / 2]
 */
export function multimodalRopeTables(
  config: Rotation,
  axes: readonly [Int32Array, Int32Array, Int32Array],
  sections: readonly [number, number, number],
): { cos: Float32Array; sin: Float32Array } {
  const frequencies = inverseFrequencies(config);
  const axisOfPair = sections.flatMap((size, axis) => Array.from({ length: size }, () => axes[axis]!));
  const rows = axes[0].length;
  const cos = new Float32Array(rows * frequencies.length);
  const sin = new Float32Array(rows * frequencies.length);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let pair = 0; pair < frequencies.length; pair++, at++) {
      const angle = fround(axisOfPair[pair]![row]! * frequencies[pair]!);
      cos[at] = Math.cos(angle);
      sin[at] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

function scaled(frequency: number, scaling: RopeScaling | null): number {
  switch (scaling?.kind) {
    case undefined:
      return frequency;
    case 'linear':
      return fround(frequency / scaling.factor);
    case 'llama3':
      return scaledLlama3(frequency, scaling);
  }
}

/**
 * Llama 3.1's scaling: wavelengths longer than the original context divided by lowFreqFactor are
 * stretched by `factor`, those shorter than it divided by highFreqFactor stay, between is a ramp.
 */
function scaledLlama3(frequency: number, scaling: Extract<RopeScaling, { kind: 'llama3' }>): number {
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositions } = scaling;
  const wavelength = fround(fround(2 * Math.PI) / frequency);
  const stretched = fround(frequency / factor);
  if (wavelength > originalMaxPositions / lowFreqFactor) return stretched;
  if (wavelength < originalMaxPositions / highFreqFactor) return frequency;
  const kept = fround(
    fround(fround(originalMaxPositions / wavelength) - lowFreqFactor) / (highFreqFactor - lowFreqFactor),
  );
  return fround(fround(fround(fround(1 - kept) * frequency) / factor) + fround(kept * frequency));
}
