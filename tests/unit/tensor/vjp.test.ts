/** Every entry of the VJP table against central finite differences, run by the real runtime. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '#core/tensor/differentiate.ts';
import { Graph, type Value } from '#core/tensor/graph.ts';
import * as ops from '#core/tensor/ops.ts';
import { Session } from '#core/tensor/runtime.ts';
import { type Tensor, elementCount, float32, int64 } from '#core/tensor/types.ts';
import { vjps } from '#core/tensor/vjp.ts';
import { RandomSequence, Stream } from '#core/util/rng.ts';

interface Case {
  /** Shapes of the differentiable inputs. */
  shapes: number[][];
  emit: (g: Graph, inputs: Value[]) => Value;
  /** Maps a standard normal into the operator's domain; identity when absent. */
  domain?: (x: number) => number;
}

const positive = (x: number) => 0.5 + Math.abs(x);
/** Keeps away from a kink at `at`. */
const awayFrom = (at: number) => (x: number) => (Math.abs(x - at) < 0.1 ? at + 0.3 : x);

const cases: Record<string, Case[]> = {
  Identity: [{ shapes: [[2, 3]], emit: (g, [x]) => g.apply({ op: 'Identity', inputs: [x], outputs: [x!] })[0]! }],
  Neg: [{ shapes: [[2, 3]], emit: (g, [x]) => ops.neg(g, x!) }],
  Exp: [{ shapes: [[2, 3]], emit: (g, [x]) => ops.exp(g, x!) }],
  Log: [{ shapes: [[2, 3]], emit: (g, [x]) => ops.log(g, x!), domain: positive }],
  Sqrt: [{ shapes: [[2, 3]], emit: (g, [x]) => ops.sqrt(g, x!), domain: positive }],
  Reciprocal: [{ shapes: [[2, 3]], emit: (g, [x]) => ops.reciprocal(g, x!), domain: positive }],
  Sigmoid: [{ shapes: [[2, 3]], emit: (g, [x]) => ops.sigmoid(g, x!) }],
  Erf: [{ shapes: [[2, 3]], emit: (g, [x]) => ops.erf(g, x!) }],
  QuickGelu: [{ shapes: [[2, 3]], emit: (g, [x]) => ops.silu(g, x!) }],
  Clip: [
    { shapes: [[3, 5]], emit: (g, [x]) => ops.clip(g, x!, -0.5, 0.5), domain: (x) => awayFrom(0.5)(awayFrom(-0.5)(x)) },
  ],
  Add: [
    {
      shapes: [
        [2, 3],
        [2, 3],
      ],
      emit: (g, [a, b]) => ops.add(g, a!, b!),
    },
    { shapes: [[2, 3], [3]], emit: (g, [a, b]) => ops.add(g, a!, b!) },
    {
      shapes: [
        [2, 1],
        [4, 1, 3],
      ],
      emit: (g, [a, b]) => ops.add(g, a!, b!),
    },
  ],
  Sub: [{ shapes: [[3], [2, 3]], emit: (g, [a, b]) => ops.sub(g, a!, b!) }],
  Mul: [
    {
      shapes: [
        [2, 3],
        [2, 3],
      ],
      emit: (g, [a, b]) => ops.mul(g, a!, b!),
    },
    {
      shapes: [
        [2, 3],
        [2, 1],
      ],
      emit: (g, [a, b]) => ops.mul(g, a!, b!),
    },
    { shapes: [[2, 3]], emit: (g, [a]) => ops.mul(g, a!, a!) },
  ],
  Div: [{ shapes: [[2, 3], [3]], emit: (g, [a, b]) => ops.div(g, a!, b!), domain: positive }],
  Min: [{ shapes: [[2, 3], [3]], emit: (g, [a, b]) => ops.min(g, a!, b!) }],
  Max: [
    {
      shapes: [
        [2, 3],
        [2, 1],
      ],
      emit: (g, [a, b]) => ops.max(g, a!, b!),
    },
  ],
  Where: [
    {
      shapes: [[2, 3], [3]],
      emit: (g, [a, b]) =>
        ops.where(g, g.constant({ type: 'bool', shape: [2, 3], data: Uint8Array.of(1, 0, 0, 1, 1, 0) }), a!, b!),
    },
  ],
  MatMul: [
    {
      shapes: [
        [3, 4],
        [4, 2],
      ],
      emit: (g, [a, b]) => ops.matmul(g, a!, b!),
    },
    {
      shapes: [
        [2, 3, 4],
        [2, 4, 2],
      ],
      emit: (g, [a, b]) => ops.matmul(g, a!, b!),
    },
    {
      shapes: [
        [2, 3, 3, 4],
        [1, 3, 4, 2],
      ],
      emit: (g, [a, b]) => ops.matmul(g, a!, b!),
    },
  ],
  FusedMatMul: [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) => ({
      shapes: [transposeA ? [2, 4, 3] : [2, 3, 4], transposeB ? [2, 5, 4] : [2, 4, 5]],
      emit: (g: Graph, [a, b]: Value[]) => ops.fusedMatmul(g, a!, b!, { transposeA, transposeB, scale: 0.7 }),
    })),
  ),
  Gemm: [
    ...[false, true].flatMap((transposeA) =>
      [false, true].map((transposeB) => ({
        shapes: [transposeA ? [4, 3] : [3, 4], transposeB ? [5, 4] : [4, 5]],
        emit: (g: Graph, [a, b]: Value[]) => ops.gemm(g, a!, b!, { transposeA, transposeB }),
      })),
    ),
    { shapes: [[3, 4], [4, 2], [2]], emit: (g, [a, b, bias]) => ops.gemm(g, a!, b!, { bias: bias! }) },
  ],
  Reshape: [{ shapes: [[2, 6]], emit: (g, [x]) => ops.reshape(g, x!, [3, 4]) }],
  Transpose: [{ shapes: [[2, 3, 4]], emit: (g, [x]) => ops.transpose(g, x!, [2, 0, 1]) }],
  Expand: [{ shapes: [[2, 1, 3]], emit: (g, [x]) => ops.expand(g, x!, [2, 4, 3]) }],
  Concat: [
    {
      shapes: [
        [2, 3],
        [2, 2],
      ],
      emit: (g, [a, b]) => ops.concat(g, [a!, b!], 1),
    },
  ],
  Split: [
    {
      shapes: [[2, 5]],
      emit: (g, [x]) => {
        const [first, second] = ops.split(g, x!, 1, [2, 3]);
        return ops.add(g, ops.exp(g, first!), ops.reduceSum(g, second!, [1]));
      },
    },
    { shapes: [[2, 5]], emit: (g, [x]) => ops.split(g, x!, 1, [2, 3])[1]! },
  ],
  ReduceSum: [{ shapes: [[2, 3, 4]], emit: (g, [x]) => ops.reduceSum(g, x!, [0, 2]) }],
  ReduceMean: [{ shapes: [[2, 3, 4]], emit: (g, [x]) => ops.reduceMean(g, x!, [1]) }],
  Softmax: [{ shapes: [[2, 5]], emit: (g, [x]) => ops.softmax(g, x!) }],
  LogSoftmax: [{ shapes: [[2, 5]], emit: (g, [x]) => ops.logSoftmax(g, x!) }],
  TargetLogprob: [
    { shapes: [[3, 5]], emit: (g, [x]) => ops.targetLogprob(g, x!, g.constant(int64([4, 0, 2], [3, 1]))).logprob },
  ],
  // Repeated indices: their gradients must add up.
  Gather: [
    { shapes: [[4, 3]], emit: (g, [x]) => ops.gatherRows(g, x!, g.constant(int64([2, 2, 0, 2, 3], [5]))) },
    { shapes: [[4, 3]], emit: (g, [x]) => ops.gatherRows(g, x!, g.constant(int64([1, 1, 0, 1], [2, 2]))) },
  ],
  GatherElements: [
    { shapes: [[2, 5]], emit: (g, [x]) => ops.gatherElements(g, x!, g.constant(int64([4, 4, 0, 1], [2, 2]))) },
  ],
  SimplifiedLayerNormalization: [
    { shapes: [[3, 6], [6]], emit: (g, [x, w]) => ops.rmsNorm(g, x!, w!, 1e-6).normalised },
    { shapes: [[2, 3, 2, 4], [4]], emit: (g, [x, w]) => ops.rmsNorm(g, x!, w!, 1e-2).normalised },
  ],
  RotaryEmbedding: [
    {
      shapes: [[2, 2, 3, 4]],
      emit: (g, [x]) => {
        const angles = Float32Array.from({ length: 10 }, (_, i) => 0.3 * i);
        const cos = g.constant(float32(angles.map(Math.cos), [5, 2]));
        const sin = g.constant(float32(angles.map(Math.sin), [5, 2]));
        return ops.rotaryEmbedding(g, x!, g.constant(int64([0, 1, 2, 2, 3, 4], [2, 3])), cos, sin);
      },
    },
  ],
};

async function checkAgainstFiniteDifferences({ shapes, emit, domain = (x) => x }: Case): Promise<void> {
  const random = new RandomSequence(11, Stream.initialisation);
  const normals = (shape: readonly number[]) =>
    Float32Array.from({ length: elementCount(shape) }, () => random.normal());
  const g = new Graph();
  const inputs = shapes.map((shape, i) => g.input(`x${i}`, 'float32', shape));
  const output = emit(g, inputs);
  const outputShape = output.shape.map(Number);
  // A random cotangent makes every output element matter differently.
  const weighted = ops.mul(g, output, g.constant(float32(normals(outputShape), outputShape)));
  const loss = ops.reshape(
    g,
    ops.reduceSum(
      g,
      weighted,
      outputShape.map((_, axis) => axis),
    ),
    [],
  );
  g.namedOutput(loss, 'loss');
  differentiate(g, loss, inputs).forEach((gradient, i) => g.namedOutput(gradient, `d${i}`));
  const session = await Session.create(g.build(), { threads: 1, optimisation: 'disabled' });

  const feeds: Record<string, Tensor<'float32'>> = Object.fromEntries(
    shapes.map((shape, i) => [`x${i}`, float32(normals(shape).map(domain), shape)]),
  );
  const lossAt = async () => Number((await session.run(feeds))['loss']!.data[0]);
  const exact = await session.run(feeds);
  for (let i = 0; i < shapes.length; i++) {
    const values = feeds[`x${i}`]!.data;
    const gradient = exact[`d${i}`]!;
    expect(gradient.shape).toEqual(shapes[i]);
    const differences = [];
    for (let j = 0; j < values.length; j++) {
      const centre = values[j]!;
      const step = 1e-2;
      values[j] = centre + step;
      const above = await lossAt();
      values[j] = centre - step;
      const below = await lossAt();
      values[j] = centre;
      differences.push((above - below) / (2 * step));
    }
    const scale = Math.max(...differences.map(Math.abs), 1e-3);
    differences.forEach((difference, j) => {
      expect(Math.abs(Number(gradient.data[j]) - difference) / scale, `input ${i}, element ${j}`).toBeLessThan(2e-3);
    });
  }
  await session.release();
}

describe('VJP table', () => {
  it('has a case here for every entry, and no case without an entry', () => {
    expect(Object.keys(cases).toSorted()).toEqual(Object.keys(vjps).toSorted());
  });
  for (const op of Object.keys(vjps)) {
    (cases[op] ?? []).forEach((example, i) => {
      it(`${op}, case ${i + 1}, agrees with finite differences`, () => checkAgainstFiniteDifferences(example));
    });
  }
});

describe('differentiate', () => {
  it('refuses an operator without a VJP by its name', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', [3]);
    const [sine] = g.apply({ op: 'Sin', inputs: [x], outputs: [x] });
    const loss = ops.reshape(g, ops.reduceSum(g, sine!, [0]), []);
    expect(() => differentiate(g, loss, [x])).toThrow(/Sin has no gradient/);
  });
  it('refuses a parameter the loss does not depend on, by its name', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', [3]);
    const unused = g.input('unused', 'float32', [3]);
    const loss = ops.reshape(g, ops.reduceSum(g, x, [0]), []);
    expect(() => differentiate(g, loss, [x, unused])).toThrow(/"unused"/);
  });
  it('adds up the gradients of a value used twice', async () => {
    const g = new Graph();
    const x = g.input('x', 'float32', [2]);
    const loss = ops.reshape(g, ops.reduceSum(g, ops.add(g, ops.mul(g, x, x), x), [0]), []);
    g.namedOutput(differentiate(g, loss, [x])[0]!, 'dx');
    const session = await Session.create(g.build(), { threads: 1, optimisation: 'disabled' });
    const { dx } = await session.run({ x: float32(Float32Array.of(3, -1), [2]) });
    expect([...(dx!.data as Float32Array)]).toEqual([7, -1]);
  });
});
