/**
 * Element types, shapes and tensors: the words every file of tensor/ speaks.
 *
 * Owns: the mapping between ONNX element types and typed arrays. It holds no behaviour beyond that.
 */

export type ElementType = 'float32' | 'float16' | 'int64' | 'int32' | 'bool';

/** Either a fixed size or the name of a size known at run time, the same wherever the name appears. */
export type Dimension = number | string;
export type Shape = readonly Dimension[];

export type TypedArrayOf<T extends ElementType> = T extends 'float32'
  ? Float32Array
  : T extends 'float16'
    ? Uint16Array
    : T extends 'int64'
      ? BigInt64Array
      : T extends 'int32'
        ? Int32Array
        : Uint8Array;

/** A concrete tensor on the CPU, row-major. */
export interface Tensor<T extends ElementType = ElementType> {
  readonly type: T;
  readonly shape: readonly number[];
  readonly data: TypedArrayOf<T>;
}

/** TensorProto.DataType of the ONNX standard. */
export const onnxElementType: Record<ElementType, number> = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10 };

/** Of one element in memory. */
export const elementBytes: Record<ElementType, number> = { float32: 4, float16: 2, int64: 8, int32: 4, bool: 1 };

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Gives a tensor's memory back now instead of when garbage is collected; nobody may look at it again. */
export function discard({ data }: Tensor): void {
  (data.buffer as ArrayBuffer).transfer(0);
}

export function float32(data: Float32Array, shape: readonly number[]): Tensor<'float32'> {
  return { type: 'float32', shape, data };
}

export function int64(values: ArrayLike<number>, shape: readonly number[]): Tensor<'int64'> {
  const data = new BigInt64Array(values.length);
  for (let i = 0; i < values.length; i++) data[i] = BigInt(values[i]!);
  return { type: 'int64', shape, data };
}
