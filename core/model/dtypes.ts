/**
 * float16 and bfloat16 to and from float32.
 *
 * Owns: the bit-level conversions, exact upwards and rounding to nearest even downwards, as PyTorch
 * and the hardware do. It knows nothing of files.
 */

/** @param target receives the result; same length as the source */
export function bfloat16ToFloat32(
  source: Uint16Array,
  target: Float32Array = new Float32Array(source.length),
): Float32Array {
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < source.length; i++) bits[i] = source[i]! << 16;
  return target;
}

export function float32ToBfloat16(source: Float32Array): Uint16Array {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  const target = new Uint16Array(source.length);
  for (let i = 0; i < bits.length; i++) {
    const x = bits[i]!;
    const isNan = (x & 0x7fffffff) > 0x7f800000;
    // Rounding could carry a NaN into infinity, so a NaN is truncated and kept quiet instead.
    target[i] = isNan ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  }
  return target;
}

/** @param target receives the result; same length as the source */
export function float16ToFloat32(
  source: Uint16Array,
  target: Float32Array = new Float32Array(source.length),
): Float32Array {
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < source.length; i++) {
    const half = source[i]!;
    const sign = (half & 0x8000) << 16;
    const exponent = half & 0x7c00;
    const mantissa = half & 0x03ff;
    if (exponent === 0) {
      target[i] = mantissa * 2 ** -24;
      bits[i] = bits[i]! | sign; // after the store: keeps −0 and negative subnormals
    } else if (exponent === 0x7c00) {
      bits[i] = sign | 0x7f800000 | (mantissa << 13);
    } else {
      bits[i] = sign | (((exponent | mantissa) << 13) + 0x38000000); // rebias 15 → 127
    }
  }
  return target;
}

export function float32ToFloat16(source: Float32Array): Uint16Array {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  const target = new Uint16Array(source.length);
  for (let i = 0; i < bits.length; i++) {
    const x = bits[i]!;
    target[i] = ((x >>> 16) & 0x8000) | halfMagnitude(x & 0x7fffffff);
  }
  return target;
}

/** Bits of a non-negative float32 as the nearest float16. */
function halfMagnitude(x: number): number {
  if (x > 0x7f800000) return 0x7e00 | ((x >>> 13) & 0x3ff); // NaN, kept quiet
  if (x >= 0x477ff000) return 0x7c00; // from 65520 on the nearest is infinity
  if (x >= 0x38800000) return roundedShift(x - 0x38000000, 13); // normal; a carry into the exponent is right
  if (x < 0x33000000) return 0; // below half of the smallest subnormal, 2^-25
  const exponent = x >>> 23;
  return roundedShift((x & 0x7fffff) | 0x800000, 126 - exponent); // in units of 2^-24
}

/** value / 2^shift, rounded to nearest even; shift in 1 … 31. */
function roundedShift(value: number, shift: number): number {
  const quotient = value >>> shift;
  const remainder = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return remainder > half || (remainder === half && (quotient & 1) === 1) ? quotient + 1 : quotient;
}
