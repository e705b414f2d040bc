/**
 * The VJP table: for every differentiable operator, the gradients of its inputs given those of its
 * outputs, as more graph.
 *
 * Owns: the mathematics of differentiation, one entry per operator. differentiate.ts decides when an
 * entry is used. tests/unit/tensor/vjp.test.ts walks this table and checks each entry against finite
 * differences; an operator without an entry is a build-time error with its name.
 */
import { AresError } from '#core/util/errors.ts';
import type { Graph, TapeEntry, Value } from './graph.ts';
import * as ops from './ops.ts';
import type { Shape } from './types.ts';

/**
 * @param gradients one per output; undefined where nothing depends on that output
 * @param needed which inputs a gradient is wanted for
 * @returns one per input; undefined where not needed or not differentiable
 */
export type Vjp = (
  g: Graph,
  entry: TapeEntry,
  gradients: readonly (Value | undefined)[],
  needed: readonly boolean[],
) => (Value | undefined)[];

/** Sums a gradient over the axes along which an operand of this shape was broadcast. */
function sumTo(g: Graph, gradient: Value, shape: Shape): Value {
  const extra = gradient.shape.length - shape.length;
  const leading = Array.from({ length: extra }, (_, axis) => axis);
  const summed = leading.length > 0 ? ops.reduceSum(g, gradient, leading, false) : gradient;
  const repeated = shape.flatMap((dimension, axis) => (dimension === 1 && summed.shape[axis] !== 1 ? [axis] : []));
  return repeated.length > 0 ? ops.reduceSum(g, summed, repeated) : summed;
}

/** The VJP of an operator with one input, elementwise or not. */
const single =
  (gradientOf: (g: Graph, gradient: Value, x: Value, y: Value, entry: TapeEntry) => Value): Vjp =>
  (g, entry, [gradient]) => [gradientOf(g, gradient!, entry.inputs[0]!, entry.outputs[0]!, entry)];

/** The VJP of a broadcasting operator with two inputs. */
const binary =
  (
    gradientOfA: (g: Graph, gradient: Value, a: Value, b: Value) => Value,
    gradientOfB: (g: Graph, gradient: Value, a: Value, b: Value) => Value,
  ): Vjp =>
  (g, { inputs }, [gradient], needed) => {
    const [a, b] = [inputs[0]!, inputs[1]!];
    return [
      needed[0] ? sumTo(g, gradientOfA(g, gradient!, a, b), a.shape) : undefined,
      needed[1] ? sumTo(g, gradientOfB(g, gradient!, a, b), b.shape) : undefined,
    ];
  };

/** min and max: the gradient goes where the chosen operand came from; ties go to the first. */
const choice = (firstWins: (g: Graph, a: Value, b: Value) => Value): Vjp =>
  binary(
    (g, gradient, a, b) => ops.where(g, firstWins(g, a, b), gradient, g.scalar(0)),
    (g, gradient, a, b) => ops.where(g, firstWins(g, a, b), g.scalar(0), gradient),
  );

/** The run-time shape of a value, for reshapes back to it. */
function reshapeLike(g: Graph, gradient: Value, target: Value): Value {
  return ops.reshape(g, gradient, target.shape);
}

function attributeNumber(entry: TapeEntry, name: string): number {
  const attribute = entry.attributes[name];
  if (attribute?.kind !== 'int' && attribute?.kind !== 'float') {
    throw new AresError('internal', `${entry.op} has no number attribute "${name}".`);
  }
  return attribute.value;
}

function constantAxes(entry: TapeEntry): { keep: boolean; axes: number[] } {
  const [x, y] = [entry.inputs[0]!, entry.outputs[0]!];
  const keep = attributeNumber(entry, 'keepdims') === 1;
  if (keep) return { keep, axes: x.shape.flatMap((size, axis) => (size !== y.shape[axis] ? [axis] : [])) };
  throw new AresError('internal', `${entry.op} without kept dimensions has no gradient; keep them and reshape.`);
}

/** Gradient of a product op(a) op(b): the same product with the gradient in place of one factor. */
function productVjp(
  product: (g: Graph, a: Value, b: Value, transposeA: boolean, transposeB: boolean) => Value,
  g: Graph,
  [a, b]: readonly [Value, Value],
  gradient: Value,
  [transposeA, transposeB]: readonly [boolean, boolean],
  needed: readonly boolean[],
): (Value | undefined)[] {
  const gradientOfA = () =>
    transposeA ? product(g, b, gradient, transposeB, true) : product(g, gradient, b, false, !transposeB);
  const gradientOfB = () =>
    transposeB ? product(g, gradient, a, true, transposeA) : product(g, a, gradient, !transposeA, false);
  return [
    needed[0] ? sumTo(g, gradientOfA(), a.shape) : undefined,
    needed[1] ? sumTo(g, gradientOfB(), b.shape) : undefined,
  ];
}

function matrixProduct(g: Graph, a: Value, b: Value, transposeA: boolean, transposeB: boolean): Value {
  return a.shape.length === 2 && b.shape.length === 2
    ? ops.gemm(g, a, b, { transposeA, transposeB })
    : ops.fusedMatmul(g, a, b, { transposeA, transposeB });
}

export const vjps: Readonly<Record<string, Vjp>> = {
  Identity: single((_, gradient) => gradient),
  Neg: single((g, gradient) => ops.neg(g, gradient)),
  Exp: single((g, gradient, _, y) => ops.mul(g, gradient, y)),
  Log: single((g, gradient, x) => ops.div(g, gradient, x)),
  Sqrt: single((g, gradient, _, y) => ops.div(g, gradient, ops.mul(g, g.scalar(2), y))),
  Reciprocal: single((g, gradient, _, y) => ops.neg(g, ops.mul(g, gradient, ops.mul(g, y, y)))),
  Sigmoid: single((g, gradient, _, y) => ops.mul(g, gradient, ops.mul(g, y, ops.sub(g, g.scalar(1), y)))),
  Erf: single((g, gradient, x) => {
    const slope = ops.mul(g, ops.exp(g, ops.neg(g, ops.mul(g, x, x))), g.scalar(2 / Math.sqrt(Math.PI)));
    return ops.mul(g, gradient, slope);
  }),
  // silu = x·s(x); its derivative is s + silu·(1 − s)
  QuickGelu: single((g, gradient, x, y) => {
    const s = ops.sigmoid(g, x);
    return ops.mul(g, gradient, ops.add(g, s, ops.mul(g, y, ops.sub(g, g.scalar(1), s))));
  }),
  Clip: (g, { inputs }, [gradient]) => {
    const [x, low, high] = [inputs[0]!, inputs[1]!, inputs[2]!];
    const inside = ops.and(g, ops.lessOrEqual(g, low, x), ops.lessOrEqual(g, x, high));
    return [ops.where(g, inside, gradient!, g.scalar(0)), undefined, undefined];
  },

  Add: binary(
    (_, gradient) => gradient,
    (_, gradient) => gradient,
  ),
  Sub: binary(
    (_, gradient) => gradient,
    (g, gradient) => ops.neg(g, gradient),
  ),
  Mul: binary(
    (g, gradient, _, b) => ops.mul(g, gradient, b),
    (g, gradient, a) => ops.mul(g, gradient, a),
  ),
  Div: binary(
    (g, gradient, _, b) => ops.div(g, gradient, b),
    (g, gradient, a, b) => ops.neg(g, ops.div(g, ops.mul(g, gradient, a), ops.mul(g, b, b))),
  ),
  Min: choice((g, a, b) => ops.lessOrEqual(g, a, b)),
  Max: choice((g, a, b) => ops.lessOrEqual(g, b, a)),
  Where: (g, { inputs }, [gradient], needed) => {
    const [condition, a, b] = [inputs[0]!, inputs[1]!, inputs[2]!];
    const zero = g.scalar(0);
    return [
      undefined,
      needed[1] ? sumTo(g, ops.where(g, condition, gradient!, zero), a.shape) : undefined,
      needed[2] ? sumTo(g, ops.where(g, condition, zero, gradient!), b.shape) : undefined,
    ];
  },

  MatMul: (g, { inputs }, [gradient], needed) =>
    productVjp(matrixProduct, g, [inputs[0]!, inputs[1]!], gradient!, [false, false], needed),
  FusedMatMul: (g, entry, [gradient], needed) => {
    const scale = attributeNumber(entry, 'alpha');
    const transposed = [attributeNumber(entry, 'transA') === 1, attributeNumber(entry, 'transB') === 1] as const;
    const scaled = (g: Graph, a: Value, b: Value, transposeA: boolean, transposeB: boolean) =>
      ops.fusedMatmul(g, a, b, { transposeA, transposeB, scale });
    return productVjp(scaled, g, [entry.inputs[0]!, entry.inputs[1]!], gradient!, transposed, needed);
  },
  Gemm: (g, entry, [gradient], needed) => {
    const transposed = [attributeNumber(entry, 'transA') === 1, attributeNumber(entry, 'transB') === 1] as const;
    const factors = productVjp(matrixProduct, g, [entry.inputs[0]!, entry.inputs[1]!], gradient!, transposed, needed);
    const bias = entry.inputs[2];
    return bias === undefined ? factors : [...factors, needed[2] ? sumTo(g, gradient!, bias.shape) : undefined];
  },

  Reshape: (g, { inputs }, [gradient]) => [reshapeLike(g, gradient!, inputs[0]!), undefined],
  Transpose: single((g, gradient, _x, _y, entry) => {
    const permutation = entry.attributes['perm'];
    if (permutation?.kind !== 'ints') throw new AresError('internal', 'Transpose has no permutation.');
    const inverse: number[] = [];
    permutation.value.forEach((axis, i) => (inverse[axis] = i));
    return ops.transpose(g, gradient, inverse);
  }),
  Expand: (g, { inputs }, [gradient]) => [sumTo(g, gradient!, inputs[0]!.shape), undefined],
  Concat: (g, entry, [gradient]) => {
    const axis = attributeNumber(entry, 'axis');
    const sizes = entry.inputs.map((input) => input!.shape[axis]!);
    if (!sizes.every((size) => typeof size === 'number')) {
      throw new AresError('internal', 'Concat along a dimension known only at run time has no gradient.');
    }
    return ops.split(g, gradient!, axis, sizes);
  },
  Split: (g, entry, gradients) => {
    const axis = attributeNumber(entry, 'axis');
    const parts = gradients.map((gradient, i) => gradient ?? ops.zerosLike(g, entry.outputs[i]!));
    return [ops.concat(g, parts, axis), undefined];
  },
  ReduceSum: (g, entry, [gradient]) => {
    constantAxes(entry);
    return [ops.expandLike(g, gradient!, entry.inputs[0]!), undefined];
  },
  ReduceMean: (g, entry, [gradient]) => {
    const x = entry.inputs[0]!;
    const count = constantAxes(entry).axes.reduce((product, axis) => {
      const size = x.shape[axis]!;
      if (typeof size === 'string')
        throw new AresError('internal', 'ReduceMean over a run-time dimension has no gradient.');
      return product * size;
    }, 1);
    return [ops.expandLike(g, ops.mul(g, gradient!, g.scalar(1 / count)), x), undefined];
  },

  Softmax: single((g, gradient, x, y) => {
    const weighted = ops.mul(g, gradient, y);
    return ops.sub(g, weighted, ops.mul(g, y, ops.reduceSum(g, weighted, [x.shape.length - 1])));
  }),
  LogSoftmax: single((g, gradient, x, y) =>
    ops.sub(g, gradient, ops.mul(g, ops.exp(g, y), ops.reduceSum(g, gradient, [x.shape.length - 1]))),
  ),
  // d/dlogits ln p_target = onehot(target) − p
  TargetLogprob: (g, { inputs, outputs }, [gradient, gradientOfAll]) => {
    if (gradientOfAll !== undefined) {
      throw new AresError(
        'internal',
        'TargetLogprob passes gradients through the target only; use LogSoftmax for the rest.',
      );
    }
    const probabilities = ops.exp(g, outputs[1]!);
    const spread = ops.mul(g, probabilities, ops.neg(g, gradient!));
    return [ops.scatterAdd(g, spread, inputs[1]!, gradient!, 1), undefined];
  },

  Gather: (g, { inputs }, [gradient]) => {
    const [table, indices] = [inputs[0]!, inputs[1]!];
    const width = table.shape[1]!;
    const rows = indices.shape.length === 1 ? indices.shape[0]! : 'gathered rows';
    const flatIndices = ops.reshape(g, indices, [rows, 1]);
    const flatGradient = ops.reshape(g, gradient!, [rows, width]);
    // Expanding int64 indices over the row is what ScatterElements asks for.
    const repeated = ops.add(
      g,
      flatIndices,
      g.constant({ type: 'int64', shape: [1, Number(width)], data: new BigInt64Array(Number(width)) }),
    );
    return [ops.scatterAdd(g, ops.zerosLike(g, table), repeated, flatGradient, 0), undefined];
  },
  GatherElements: (g, { inputs }, [gradient]) => {
    const [x, indices] = [inputs[0]!, inputs[1]!];
    return [ops.scatterAdd(g, ops.zerosLike(g, x), indices, gradient!, x.shape.length - 1), undefined];
  },

  // y = x·r·w with r = 1/rms(x). With p = gradient·x:
  //   dw = Σ_rows r·p            (a matrix-vector product)
  //   dx = r·(gradient·w) − x·r³·(p·w)/d
  SimplifiedLayerNormalization: (g, { inputs, outputs }, [gradient, gradientOfInverse], needed) => {
    if (gradientOfInverse !== undefined) throw new AresError('internal', 'The inverse RMS has no gradient.');
    const [x, weight, inverseRms] = [inputs[0]!, inputs[1]!, outputs[1]!];
    const width = Number(x.shape.at(-1)!);
    const matrix = (value: Value, columns: number) =>
      value.shape.length === 2 ? value : ops.reshape(g, value, ['normalised rows', columns]);
    const product = matrix(ops.mul(g, gradient!, x), width);
    const inverse = matrix(inverseRms, 1);
    const gradientOfX = () => {
      const projection = ops.matmul(g, product, ops.reshape(g, weight, [width, 1]));
      const cube = ops.mul(g, ops.mul(g, inverse, inverse), inverse);
      const coefficient = ops.mul(g, ops.mul(g, projection, cube), g.scalar(1 / width));
      const direct = ops.mul(g, matrix(ops.mul(g, gradient!, weight), width), inverse);
      const dx = ops.sub(g, direct, ops.mul(g, matrix(x, width), coefficient));
      return x.shape.length === 2 ? dx : reshapeLike(g, dx, x);
    };
    const gradientOfWeight = () => ops.reshape(g, ops.gemm(g, inverse, product, { transposeA: true }), [width]);
    return [needed[0] ? gradientOfX() : undefined, needed[1] ? gradientOfWeight() : undefined];
  },
  // A rotation; its transpose is the rotation by the opposite angle.
  RotaryEmbedding: (g, { inputs }, [gradient]) => {
    const [, positions, cos, sin] = inputs;
    return [ops.rotaryEmbedding(g, gradient!, positions!, cos!, ops.neg(g, sin!)), undefined, undefined, undefined];
  },
};
