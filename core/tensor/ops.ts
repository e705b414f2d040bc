/**
 * Operators: what can be put into a graph, with the shape each one gives.
 *
 * Owns: one function per operator the project uses, its shape rule and its checks. Every operator
 * that gradients can flow through has an entry in vjp.ts under the same ONNX name. Only operators of
 * the shipped CPU runtime are used; those of domain com.microsoft are fused forms of several.
 */
import { AresError } from '#core/util/errors.ts';
import type { Graph, Value } from './graph.ts';
import type { Attribute } from './onnx.ts';
import { type Dimension, type ElementType, type Shape, onnxElementType } from './types.ts';

const int = (value: number): Attribute => ({ kind: 'int', value });
const float = (value: number): Attribute => ({ kind: 'float', value });
const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });

function shapeError(op: string, ...shapes: Shape[]): AresError {
  return new AresError(
    'internal',
    `${op} cannot take shapes ${shapes.map((shape) => `[${shape.join(', ')}]`).join(' and ')}.`,
  );
}

function single(
  g: Graph,
  op: string,
  inputs: Value[],
  shape: Shape,
  attributes: Record<string, Attribute> = {},
  type?: ElementType,
): Value {
  return g.apply({ op, inputs, outputs: [{ type: type ?? inputs[0]!.type, shape }], attributes })[0]!;
}

/** The shape two operands broadcast to (NumPy's rule; a name broadcasts only with itself and 1). */
export function broadcastShape(op: string, a: Shape, b: Shape): Dimension[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw shapeError(op, a, b);
  });
}

const binary =
  (op: string, type?: ElementType) =>
  (g: Graph, a: Value, b: Value): Value =>
    single(g, op, [a, b], broadcastShape(op, a.shape, b.shape), {}, type);

const unary =
  (op: string) =>
  (g: Graph, a: Value): Value =>
    single(g, op, [a], a.shape);

export const add = binary('Add');
export const sub = binary('Sub');
export const mul = binary('Mul');
export const div = binary('Div');
export const min = binary('Min');
export const max = binary('Max');
export const lessOrEqual = binary('LessOrEqual', 'bool');
export const less = binary('Less', 'bool');
export const equal = binary('Equal', 'bool');
export const and = binary('And', 'bool');
export const or = binary('Or', 'bool');

export const neg = unary('Neg');
export const exp = unary('Exp');
export const log = unary('Log');
export const sqrt = unary('Sqrt');
export const reciprocal = unary('Reciprocal');
export const sigmoid = unary('Sigmoid');
export const erf = unary('Erf');
export const not = unary('Not');

/** x · sigmoid(x), in one pass. */
export function silu(g: Graph, x: Value): Value {
  return g.apply({
    op: 'QuickGelu',
    domain: 'com.microsoft',
    inputs: [x],
    outputs: [{ type: x.type, shape: x.shape }],
    attributes: { alpha: float(1) },
  })[0]!;
}

/** x · Φ(x) with the exact normal distribution, as `nn.GELU()` has it. */
export function gelu(g: Graph, x: Value): Value {
  const half = mul(g, x, g.scalar(0.5));
  return add(g, half, mul(g, half, erf(g, mul(g, x, g.scalar(Math.SQRT1_2)))));
}

/** condition ? a : b, elementwise. */
export function where(g: Graph, condition: Value, a: Value, b: Value): Value {
  const shape = broadcastShape('Where', condition.shape, broadcastShape('Where', a.shape, b.shape));
  return single(g, 'Where', [condition, a, b], shape, {}, a.type);
}

/** Limits to [low, high]; the gradient is 1 inside and 0 outside. */
export function clip(g: Graph, x: Value, low: number, high: number): Value {
  return single(g, 'Clip', [x, g.scalar(low), g.scalar(high)], x.shape);
}

/** In another element type; x itself where it has that type. */
export function cast(g: Graph, x: Value, type: ElementType): Value {
  if (x.type === type) return x;
  return single(g, 'Cast', [x], x.shape, { to: int(onnxElementType[type]) }, type);
}

/** Batched matrix product of the last two axes, batch axes broadcast. */
export function matmul(g: Graph, a: Value, b: Value): Value {
  return single(g, 'MatMul', [a, b], productShape('MatMul', a.shape, b.shape, false, false));
}

export interface FusedMatmulOptions {
  transposeA?: boolean;
  transposeB?: boolean;
  scale?: number;
}

/** scale · op(a) op(b) over the last two axes without materialising transposes. */
export function fusedMatmul(
  g: Graph,
  a: Value,
  b: Value,
  { transposeA = false, transposeB = false, scale = 1 }: FusedMatmulOptions = {},
): Value {
  return g.apply({
    op: 'FusedMatMul',
    domain: 'com.microsoft',
    inputs: [a, b],
    outputs: [{ type: a.type, shape: productShape('FusedMatMul', a.shape, b.shape, transposeA, transposeB) }],
    attributes: { transA: int(Number(transposeA)), transB: int(Number(transposeB)), alpha: float(scale) },
  })[0]!;
}

function productShape(op: string, a: Shape, b: Shape, transposeA: boolean, transposeB: boolean): Dimension[] {
  if (a.length < 2 || b.length < 2) throw shapeError(op, a, b);
  const [rows, innerA] = matrixAxes(a, transposeA);
  const [innerB, columns] = matrixAxes(b, transposeB);
  if (innerA !== innerB) throw shapeError(op, a, b);
  return [...broadcastShape(op, a.slice(0, -2), b.slice(0, -2)), rows, columns];
}

function matrixAxes(shape: Shape, transposed: boolean): [Dimension, Dimension] {
  const [row, column] = [shape.at(-2)!, shape.at(-1)!];
  return transposed ? [column, row] : [row, column];
}

export interface GemmOptions {
  transposeA?: boolean;
  transposeB?: boolean;
  bias?: Value;
}

/** op(a) op(b) + bias for matrices; the bias is broadcast over rows. */
export function gemm(
  g: Graph,
  a: Value,
  b: Value,
  { transposeA = false, transposeB = false, bias }: GemmOptions = {},
): Value {
  if (a.shape.length !== 2 || b.shape.length !== 2) throw shapeError('Gemm', a.shape, b.shape);
  const shape = productShape('Gemm', a.shape, b.shape, transposeA, transposeB);
  return single(g, 'Gemm', bias === undefined ? [a, b] : [a, b, bias], shape, {
    transA: int(Number(transposeA)),
    transB: int(Number(transposeB)),
  });
}

/**
 * Reinterprets the elements in a new shape. At most one named dimension may be new to the graph
 * (it is inferred); the others are read from the inputs that bind them.
 */
export function reshape(g: Graph, x: Value, shape: Shape): Value {
  const named = shape.filter((dimension) => typeof dimension === 'string');
  if (named.length <= 1) {
    return single(
      g,
      'Reshape',
      [x, g.integers(shape.map((dimension) => (typeof dimension === 'string' ? -1 : dimension)))],
      shape,
    );
  }
  return single(g, 'Reshape', [x, shapeTensor(g, shape)], shape);
}

export function transpose(g: Graph, x: Value, permutation: readonly number[]): Value {
  return single(
    g,
    'Transpose',
    [x],
    permutation.map((axis) => x.shape[axis]!),
    { perm: ints(permutation) },
  );
}

/** A shape as the int64 tensor that operators take. */
function shapeTensor(g: Graph, shape: Shape): Value {
  if (shape.every((dimension) => typeof dimension === 'number')) return g.integers(shape);
  return concat(
    g,
    shape.map((dimension) => g.dimension(dimension)),
    0,
    shape.length,
  );
}

/** The shape of a value as an int64 tensor, also where no graph input binds its dimensions. */
function shapeOf(g: Graph, x: Value): Value {
  if (x.shape.every((dimension) => typeof dimension === 'number')) return g.integers(x.shape);
  return single(g, 'Shape', [x], [x.shape.length], {}, 'int64');
}

/** Repeats along axes of size 1. */
export function expand(g: Graph, x: Value, shape: Shape): Value {
  return single(g, 'Expand', [x, shapeTensor(g, shape)], shape);
}

/** Repeats along axes of size 1 until it has the shape of another value. */
export function expandLike(g: Graph, x: Value, like: Value): Value {
  return single(g, 'Expand', [x, shapeOf(g, like)], like.shape);
}

/** Joins along an axis; `size` names the result's extent where it cannot be added up. */
export function concat(g: Graph, parts: readonly Value[], axis: number, size?: Dimension): Value {
  const first = parts[0]!;
  const extents = parts.map((part) => part.shape[axis]!);
  const total =
    size ??
    extents.reduce<number>((sum, extent) => {
      if (typeof extent === 'string') throw shapeError('Concat', ...parts.map((part) => part.shape));
      return sum + extent;
    }, 0);
  return single(g, 'Concat', [...parts], first.shape.with(axis, total), { axis: int(axis) });
}

/** Cuts along an axis into parts of the given sizes. */
export function split(g: Graph, x: Value, axis: number, sizes: readonly number[]): Value[] {
  return g.apply({
    op: 'Split',
    inputs: [x, g.integers(sizes)],
    outputs: sizes.map((size) => ({ type: x.type, shape: x.shape.with(axis, size) })),
    attributes: { axis: int(axis) },
  });
}

const reduction =
  (op: string) =>
  (g: Graph, x: Value, axes: readonly number[], keepDimensions = true): Value => {
    const shape = keepDimensions
      ? x.shape.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension))
      : x.shape.filter((_, axis) => !axes.includes(axis));
    return single(g, op, [x, g.integers(axes)], shape, { keepdims: int(Number(keepDimensions)) });
  };

export const reduceSum = reduction('ReduceSum');
export const reduceMean = reduction('ReduceMean');

/** Softmax over the last axis. */
export function softmax(g: Graph, x: Value): Value {
  return single(g, 'Softmax', [x], x.shape, { axis: int(-1) });
}

/** Log-softmax over the last axis. */
export function logSoftmax(g: Graph, x: Value): Value {
  return single(g, 'LogSoftmax', [x], x.shape, { axis: int(-1) });
}

/** Rows of a matrix: table [V, d], indices of any shape → [...indices.shape, d]. */
export function gatherRows(g: Graph, table: Value, indices: Value): Value {
  if (table.shape.length !== 2) throw shapeError('Gather', table.shape, indices.shape);
  return single(g, 'Gather', [table, indices], [...indices.shape, table.shape[1]!], { axis: int(0) });
}

/** One element per row: x [R, V], indices [R, K] → [R, K]. */
export function gatherElements(g: Graph, x: Value, indices: Value): Value {
  return single(g, 'GatherElements', [x, indices], indices.shape, { axis: int(x.shape.length - 1) });
}

const zeroFill: Record<string, Attribute> = {
  value: { kind: 'tensor', value: { type: 'float32', shape: [1], data: Float32Array.of(0) } },
};

export function zeros(g: Graph, shape: Shape): Value {
  return single(g, 'ConstantOfShape', [shapeTensor(g, shape)], shape, zeroFill, 'float32');
}

export function zerosLike(g: Graph, like: Value): Value {
  return single(g, 'ConstantOfShape', [shapeOf(g, like)], like.shape, zeroFill, 'float32');
}

/**
 * x with updates added at indices along an axis. Repeated indices add up. (ScatterND is not used:
 * its additions race on the CPU when indices repeat, ENGINE §5.)
 */
export function scatterAdd(g: Graph, x: Value, indices: Value, updates: Value, axis: number): Value {
  return single(g, 'ScatterElements', [x, indices, updates], x.shape, {
    axis: int(axis),
    reduction: { kind: 'string', value: 'add' },
  });
}

/** RMS normalisation over the last axis: x / sqrt(mean(x²) + ε) · weight. Also gives 1 / sqrt(...) per row. */
export function rmsNorm(g: Graph, x: Value, weight: Value, epsilon: number): { normalised: Value; inverseRms: Value } {
  const [normalised, inverseRms] = g.apply({
    op: 'SimplifiedLayerNormalization',
    inputs: [x, weight],
    outputs: [
      { type: x.type, shape: x.shape },
      { type: x.type, shape: x.shape.with(x.shape.length - 1, 1) },
    ],
    attributes: { axis: int(-1), epsilon: float(epsilon), stash_type: int(1) },
  });
  return { normalised: normalised!, inverseRms: inverseRms! };
}

/**
 * Rotary position embedding, halves rotated (not interleaved), as in Llama and Qwen.
 * @param x [batch, heads, length, headDim]
 * @param positions int64 [batch, length]
 * @param cos float32 [positions, headDim / 2]
 * @param sin float32 [positions, headDim / 2]
 */
export function rotaryEmbedding(g: Graph, x: Value, positions: Value, cos: Value, sin: Value): Value {
  return g.apply({
    op: 'RotaryEmbedding',
    domain: 'com.microsoft',
    inputs: [x, positions, cos, sin],
    outputs: [{ type: x.type, shape: x.shape }],
    attributes: { interleaved: int(0) },
  })[0]!;
}

/**
 * ln softmax(logits)[target] per row, one operator for differentiation: its gradient needs fewer
 * passes over the vocabulary than the chain of its parts.
 * @param logits [R, V]
 * @param targets int64 [R, 1]
 * @returns [R, 1]
 */
export function targetLogprob(g: Graph, logits: Value, targets: Value): { logprob: Value; logprobs: Value } {
  const [logprob, logprobs] = g.composite('TargetLogprob', [logits, targets], () => {
    const all = logSoftmax(g, logits);
    return [gatherElements(g, all, targets), all];
  });
  return { logprob: logprob!, logprobs: logprobs! };
}
